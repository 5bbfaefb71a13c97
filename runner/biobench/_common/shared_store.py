"""Entries of the store at a place that several laboratories share.

In: a store and a place. Out: the same entries there, or here. They are known by their key, so what
one side has is not sent again. Each push leaves a list of what it sent, with digests, in a file
named by its own digest, so that two pushes at once lose nothing; what none of them lists is not
there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from biobench._common.files import require_writable
from biobench._common.progress import Progress
from biobench._common.shared_place import SharedPlace
from biobench._common.store import Store, arrays_of
from biobench.errors import DataError, counted

LISTS = "lists"
"""Folder of the lists of entries."""
FORMAT = "biobench-store-1"
MOST_LIST = 64 << 20
MOST_ENTRY = 2 << 30
"""Bytes of a list, and of an entry: what a place of others may ask memory for."""
AT_ONCE = 8
"""Transfers side by side: a bucket answers each in tens of milliseconds."""
LISTED_TOGETHER = 256
"""Entries of a list, and the most that a killed push sends again."""
_NAME = re.compile(r"([a-z]+-[0-9a-f]{16})/([0-9a-f]{2})/(\2[0-9a-f]{62})\.safetensors")
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass
class TransferSummary:
    """The outcome of a push or a pull.

    Attributes:
        entries: Number of entries that were sent or fetched.
        size: Their bytes.
        already_there: Number of entries that the other side had already.
        faults: One line for each entry that is not what its list says.
    """

    entries: int = 0
    size: int = 0
    already_there: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _ListedEntry:
    """An entry as a list has it."""

    name: str
    size: int
    digest: str


def push(
    store: Store, place: SharedPlace, wanted: Callable[[str], bool], *, quiet: bool = False
) -> TransferSummary:
    """Send the entries of a store that a place lacks.

    Entries that were pulled and not looked at yet are not passed on.

    Args:
        store: The store.
        place: Where they go.
        wanted: By the kind of an entry, true where it is shared.
        quiet: Show no progress.

    Raises:
        UsageError: The place cannot be written by this user.
        BiobenchError: It cannot be written for another reason.
    """
    place.require_writable()
    moved = TransferSummary()
    remote, listed = place.files(), _read_lists(place)
    missing = []
    for entry in store.entries():
        key = f"sha256:{entry.path.stem}"
        if not wanted(entry.kind) or store.is_pulled(entry.kind, key):
            continue
        name = f"{entry.kind}/{entry.path.stem[:2]}/{entry.path.name}"
        # What no list names may be the rest of a push that was killed; it is sent again.
        if remote.get(name) == entry.size and name in listed:
            moved.already_there += 1
        else:
            missing.append((name, entry.kind, key))

    def send(job: tuple[str, str, str]) -> _ListedEntry | None:
        name, kind, key = job
        data = store.read(kind, key)
        if data is None or arrays_of(data, key) is None:
            return None  # collected by another process, or damaged, as `store verify` says
        place.write(name, data)
        return _ListedEntry(name, len(data), hashlib.sha256(data).hexdigest())

    with Progress("push", len(missing), unit="entries", quiet=quiet) as progress:
        for start in range(0, len(missing), LISTED_TOGETHER):
            sent: list[_ListedEntry] = []
            try:
                for entry in _side_by_side(send, missing[start : start + LISTED_TOGETHER]):
                    progress.advance(1)
                    if entry is not None:
                        sent.append(entry)
            finally:
                # An interruption loses none of them either.
                if sent:
                    _write_list(place, sent)
                    moved.entries += len(sent)
                    moved.size += sum(entry.size for entry in sent)
    return moved


def pull(
    store: Store,
    place: SharedPlace,
    wanted: Callable[[str], bool],
    sample: int,
    *,
    quiet: bool = False,
) -> TransferSummary:
    """Fetch the entries of a place that a store lacks.

    Each is compared with its digest before it is stored, and marked until a sample was computed
    again.

    Args:
        store: The store.
        place: Where they come from.
        wanted: By the kind of an entry, true where it is fetched.
        sample: Number of items of a task to compute again before they are used; in the marks.
        quiet: Show no progress.

    Raises:
        UsageError: The store cannot be written by this user.
        DataError: There is no such place, it has no entries, or its lists cannot be read.
    """
    require_writable(store.root)
    if not place.exists():
        raise DataError("is not there", where=place.name, remedy="check the place")
    listed = _read_lists(place)
    if not listed:
        raise DataError(
            "has no entries of a store",
            where=place.name,
            remedy="name what `biobench store push` was given",
        )
    moved, missing = TransferSummary(), []
    for name in sorted(listed):
        kind, _, stem = _parts(name)
        if not wanted(kind):
            continue
        if _is_there(store, kind, stem, listed[name]):
            moved.already_there += 1
        else:
            missing.append(name)

    def fetch(name: str) -> tuple[int, str | None]:
        kind, _, stem = _parts(name)
        key = f"sha256:{stem}"
        data = _fetched(place, name, listed[name])
        if isinstance(data, str):
            return 0, data
        if arrays_of(data, key) is None:
            return 0, f"{name} is not an entry of that key"
        store.put_pulled(kind, key, data, sample, place.name)
        return len(data), None

    with Progress("pull", len(missing), unit="entries", quiet=quiet) as progress:
        for size, fault in _side_by_side(fetch, missing):
            progress.advance(1)
            if fault is not None:
                moved.faults.append(fault)
                continue
            moved.entries += 1
            moved.size += size
    return moved


def _is_there(store: Store, kind: str, stem: str, stated: Sequence[_ListedEntry]) -> bool:
    """True where a store has an entry of a key, marked or of its own.

    One of its own stays, whatever size others list: a foreign one in its place would be deleted
    where its sample differs. Only where the sizes differ is it read, since that may take long.
    """
    if store.is_pulled(kind, stem):  # longer by its mark
        return True
    path = store.path(kind, stem)
    if not path.exists():
        return False
    listed = path.stat().st_size in {entry.size for entry in stated}
    return listed or store.get(kind, f"sha256:{stem}") is not None


def _fetched(place: SharedPlace, name: str, stated: Sequence[_ListedEntry]) -> bytes | str:
    """The bytes of an entry, or the reason why they are not what a list says."""
    try:
        data = place.read(name, max(entry.size for entry in stated))
    except FileNotFoundError:
        return f"{name} is listed and not there"
    actual = (len(data), hashlib.sha256(data).hexdigest())
    # Two that were pushed at once: their arrays are equal, the order of their headers may not be.
    if actual not in {(entry.size, entry.digest) for entry in stated}:
        return f"{name} has another digest than the one of its list"
    return data


def _side_by_side(do: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
    """The results of ``do`` for the jobs, in their order; some are done at once."""
    pool = ThreadPoolExecutor(AT_ONCE, "transfer")
    try:
        yield from pool.map(do, jobs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _parts(name: str) -> tuple[str, str, str]:
    match = _NAME.fullmatch(name)
    assert match is not None
    return match[1], match[2], match[3]


def _write_list(place: SharedPlace, sent: Iterable[_ListedEntry]) -> None:
    entries = {entry.name: [entry.size, entry.digest] for entry in sent}
    data = json.dumps({"format": FORMAT, "entries": entries}, sort_keys=True).encode()
    place.write(f"{LISTS}/{hashlib.sha256(data).hexdigest()}.json", data)


def _read_lists(place: SharedPlace) -> dict[str, list[_ListedEntry]]:
    """Every entry that a list has, by name; several where it was sent more than once."""
    names = [name for name in place.files(LISTS) if name.endswith(".json")]
    listed: dict[str, list[_ListedEntry]] = {}
    for _, entries in zip(
        names, _side_by_side(lambda name: _read_list(place, name), names), strict=True
    ):
        for entry in entries:
            listed.setdefault(entry.name, []).append(entry)
    return listed


def _read_list(place: SharedPlace, name: str) -> list[_ListedEntry]:
    try:
        data = place.read(name, MOST_LIST)
        digest = name.removeprefix(f"{LISTS}/").removesuffix(".json")
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError("its bytes do not have the digest of its name")
        return list(_entries(json.loads(data)))
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        FileNotFoundError,
    ) as error:
        raise DataError(
            f"the list {name} cannot be used ({error or type(error).__name__})",
            where=place.name,
            remedy="delete it there and push again",
        ) from error


def _entries(document: Any) -> Iterator[_ListedEntry]:
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']!r}, and {FORMAT!r} is read")
    for name, (size, digest) in document["entries"].items():
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not the name of an entry")
        if not isinstance(size, int) or not 0 < size <= MOST_ENTRY:
            raise ValueError(f"{name} has {size!r} bytes")
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            raise ValueError(f"{name} has no digest")
        yield _ListedEntry(name, size, digest)


def raise_faults(moved: TransferSummary, place: SharedPlace) -> None:
    """Raise DataError where entries were not what their lists say."""
    if moved.faults:
        entries = counted(len(moved.faults), "entry is", "entries are")
        raise DataError(
            f"{entries} not used, the first: {moved.faults[0]}",
            where=place.name,
            remedy="delete them there and push them again",
        )
