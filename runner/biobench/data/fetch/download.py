"""Getting one file from its addresses, whatever they do.

In: a file's addresses and what is known of its bytes. Out: the file under its name with the digest
of its bytes, or a DataError; never a file that is half there or wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from biobench._common.byte_sizes import show_size
from biobench._common.progress import Progress
from biobench.data.fetch.digests import Digest, difference
from biobench.data.fetch.download_errors import (
    ContentChanged,
    PermanentError,
    TransferError,
    TransientError,
    Unreachable,
)
from biobench.data.fetch.encoding import decode, is_the_file
from biobench.data.fetch.part import PartFile
from biobench.data.fetch.retries import RetryPolicy
from biobench.data.fetch.transfer import transfer
from biobench.data.sources import File
from biobench.errors import DataError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Downloaded:
    """Source of the bytes, and their digest."""

    digest: Digest
    url: str


def part_of(folder: Path, name: str) -> Path:
    """Path of a file that is not whole yet."""
    return folder / f"{name}.part"


def download(
    client: httpx2.Client,
    file: File,
    folder: Path,
    *,
    policy: RetryPolicy,
    say: Say,
    silent: set[str] | None = None,
    quiet: bool = False,
) -> Downloaded:
    """Get a file from its addresses, each in turn. Good bytes are kept for the next call, whatever
    is raised.

    Args:
        client: The connections.
        file: Its name, its addresses, and what is known of its bytes.
        folder: Folder that the file goes into, under its name only when it is whole.
        policy: Number of tries at an address, and the waiting between them.
        say: Called with each line for people.
        silent: Hosts that could not be reached before in this command, which get one try; those
            that cannot be reached now are added.
        quiet: Show no progress.

    Returns:
        The digest of the bytes, and the address that gave the last of them.

    Raises:
        DataError: None of the addresses gives the file.
        BiobenchError: The disk takes no more.
    """
    faults = []
    progress = Progress(file.name, None, show=show_size, quiet=quiet)
    with PartFile(part_of(folder, file.name)).open() as part, progress:
        if part.kept:
            say(f"{file.name}: going on after {show_size(part.kept)}")
        silent = set() if silent is None else silent
        for url in file.urls:
            host = urlsplit(url).hostname or ""
            host_pace = replace(policy, tries=1) if host in silent else policy
            try:
                _from_address(client, url, file, part, host_pace, say, progress)
                digest = _finish(file, part, folder / file.name)
            except PermanentError as failure:
                if isinstance(failure.__cause__, Unreachable):
                    silent.add(host)
                faults.append(f"{host}: {failure.what}")
                say(f"{file.name}: {faults[-1]}")
                continue
            return Downloaded(digest, url)
        kept = part.kept
    remedy = "copy the file by hand and give its folder with --from, or another address with --url"
    if kept:
        remedy = f"{show_size(kept)} are kept, the same command goes on from there; or {remedy}"
    raise DataError(
        f"cannot be fetched ({'; '.join(faults) or 'it has no address'})",
        where=file.name,
        remedy=remedy,
    )


def _from_address(
    client: httpx2.Client,
    url: str,
    file: File,
    part: PartFile,
    policy: RetryPolicy,
    say: Say,
    progress: Progress,
) -> None:
    """Fill ``part``; raises PermanentError where this address will not do it."""
    best = part.kept
    failures = restarts = 0
    wrong: set[Digest] = set()
    counted = _Counted(part, progress)
    for _ in range(policy.most_tries):
        try:
            transfer(client, url, file, part, policy, counted.started)
            counted.stop()
            if not _is_wrong(file, part):
                return
            _drop_wrong(file, part, wrong)
            failure: TransferError = ContentChanged(
                "the bytes that came in pieces do not fit together"
            )
        except (TransientError, ContentChanged) as caught:
            counted.stop()
            failure = caught
            if file.known.has_checksum and difference(file.known, part.digest()) is None:
                return  # the host is wrong about the length, and the file is right
            if isinstance(caught, ContentChanged):
                part.discard()
        if isinstance(failure, ContentChanged):
            best = 0
            restarts += 1
            if restarts >= policy.tries:
                raise PermanentError(f"{failure.what}, {restarts} times") from failure
        if part.kept >= best + policy.least_bytes:
            best, failures = part.kept, 0
        failures += failure.weight if isinstance(failure, TransientError) else 1
        if failures >= policy.tries:
            raise PermanentError(failure.what) from failure
        asked = failure.wait if isinstance(failure, TransientError) else None
        if asked is not None and asked > policy.longest_asked_s:
            raise PermanentError(f"{failure.what}, and asks to wait {asked:.0f} s") from failure
        wait = policy.wait_s(failures, asked)
        say(f"{file.name}: {urlsplit(url).hostname}: {failure.what}; again in {wait:.0f} s")
        policy.sleep(wait)
    raise PermanentError(f"the connection ended {policy.most_tries} times")


class _Counted:
    """Counts the bytes of a part on a progress bar."""

    def __init__(self, part: PartFile, progress: Progress) -> None:
        self._part = part
        self._progress = progress

    def started(self) -> None:
        """The length is known."""
        total = self._part.origin.total if self._part.origin is not None else None
        self._progress.restart(total, self._part.kept)
        self._part.watch(self._progress.advance)

    def stop(self) -> None:
        """No more bytes of this try."""
        self._part.watch(None)


def _is_wrong(file: File, part: PartFile) -> bool:
    encoded = part.origin is not None and part.origin.encoding
    return not encoded and difference(file.known, part.digest()) is not None


def _drop_wrong(file: File, part: PartFile, wrong: set[Digest]) -> None:
    """Drop bytes that are not the file's; once is enough for bytes that came in one piece.

    wrong: digests of those that were dropped before. The same again are what the host has.
    """
    digest = part.digest()
    what = difference(file.known, digest) or ""
    final = not part.joined or digest in wrong
    wrong.add(digest)
    part.discard()
    if final:
        raise PermanentError(what)


def _finish(file: File, part: PartFile, target: Path) -> Digest:
    """Give the bytes their name; raises PermanentError where they are not the file's after all."""
    if not part.kept:
        raise PermanentError("the file is empty there")
    if part.origin is not None and part.origin.encoding and not is_the_file(file, part):
        try:
            decoded = decode(file, part)
        except PermanentError:
            part.discard()
            raise
        part.discard()
        with decoded:
            return _name(file, decoded, target)
    return _name(file, part, target)


def _name(file: File, part: PartFile, target: Path) -> Digest:
    digest = part.digest()
    fault = difference(file.known, digest)
    if fault is not None:
        part.discard()
        raise PermanentError(fault)
    part.finish(target)
    return digest
