"""Entries of the store at a shared place: each is sent once, whole, and compared at its arrival."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from biobench._common import shared_store
from biobench._common.shared_place import SharedPlace
from biobench._common.store import Store
from biobench.cli import execute
from biobench.errors import BiobenchError, DataError

KIND = "features-0123456789abcdef"


def key(number: int) -> str:
    return f"sha256:{number:064x}"


def filled(folder: Path, *numbers: int) -> Store:
    store = Store(folder)
    for number in numbers:
        store.put(KIND, key(number), {"features": np.full((2, 3), number, np.float32)})
    return store


def everything(kind: str) -> bool:
    return True


def push(store: Store, place: str) -> tuple[int, int]:
    moved = shared_store.push(store, SharedPlace(place), everything, quiet=True)
    return moved.entries, moved.already_there


def pull(store: Store, place: str) -> tuple[int, int]:
    moved = shared_store.pull(store, SharedPlace(place), everything, 5, quiet=True)
    assert moved.faults == []
    return moved.entries, moved.already_there


@pytest.fixture(params=["folder", "file://", "memory://"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "memory://":
        from fsspec.implementations.memory import MemoryFileSystem

        yield f"memory://{tmp_path.name}/features"
        MemoryFileSystem.store.clear()
        MemoryFileSystem.pseudo_dirs[:] = [""]
        return
    folder = tmp_path / "place"
    yield str(folder) if request.param == "folder" else f"file://{folder}"


def test_there_and_back(place: str, tmp_path: Path) -> None:
    """Entries arrive as they were; a second push and a second pull send nothing."""
    assert push(filled(tmp_path / "a", 1, 2), place) == (2, 0)
    assert push(filled(tmp_path / "a", 3), place) == (1, 2)
    assert push(Store(tmp_path / "a"), place) == (0, 3)
    store = Store(tmp_path / "b")
    assert pull(store, place) == (3, 0)
    assert pull(store, place) == (0, 3)
    for number in (1, 2, 3):
        found = store.get(KIND, key(number), pulled=True)
        assert found is not None
        assert (found["features"] == number).all()


def test_what_is_pulled_counts_as_absent(place: str, tmp_path: Path) -> None:
    """Nobody who does not ask for pulled entries gets one; one's own at the same key is used."""
    push(filled(tmp_path / "a", 1), place)
    store = Store(tmp_path / "b")
    pull(store, place)
    assert store.get(KIND, key(1)) is None
    assert store.damaged() == []
    filled(tmp_path / "b", 1)
    assert store.get(KIND, key(1)) is not None


def test_the_mark_is_in_the_entry(place: str, tmp_path: Path) -> None:
    """No order of pulls, deletions and own computations leaves a pulled entry without its mark: it
    is part of the same file."""
    push(filled(tmp_path / "a", 1), place)
    store, other = Store(tmp_path / "b"), Store(tmp_path / "c")
    pull(store, place)
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == [
        store.path(KIND, key(1)).name
    ]
    other.path(KIND, key(1)).parent.mkdir(parents=True)
    os.rename(store.path(KIND, key(1)), other.path(KIND, key(1)))
    assert other.is_pulled(KIND, key(1))
    assert other.get(KIND, key(1)) is None


def test_only_what_was_looked_at_is_released(place: str, tmp_path: Path) -> None:
    """An entry that was pulled to its place since keeps its mark; one that is released has the
    bytes that were sent."""
    a, store = filled(tmp_path / "a", 1), Store(tmp_path / "b")
    push(a, place)
    pull(store, place)
    found = store.find(KIND, key(1))
    assert found is not None
    assert found.mark is not None
    assert found.mark.sample == 5
    a.put(KIND, key(1), {"features": np.zeros((2, 3), np.float32)})
    sent = a.read(KIND, key(1))
    assert sent is not None
    store.put_pulled(KIND, key(1), sent, 5, place)
    store.release(KIND, key(1), found.mark)
    assert store.is_pulled(KIND, key(1))
    latest = store.find(KIND, key(1))
    assert latest is not None
    assert latest.mark is not None
    store.release(KIND, key(1), latest.mark)
    assert store.read(KIND, key(1)) == sent


def test_own_entries_of_another_size_stay(place: str, tmp_path: Path) -> None:
    """An entry computed here is not given up for a foreign one of its key; a damaged one is."""
    other = Store(tmp_path / "a")
    arrays = {"features": np.full((2, 3), 7, np.float32), "more": np.zeros(9, np.uint8)}
    for number in (1, 2):
        other.put(KIND, key(number), arrays)
    push(other, place)
    store = filled(tmp_path / "b", 1, 2)
    os.truncate(store.path(KIND, key(2)), 90)
    before = store.path(KIND, key(1)).read_bytes()
    assert pull(store, place) == (1, 1)
    assert store.path(KIND, key(1)).read_bytes() == before
    assert store.is_pulled(KIND, key(2))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("where", ["lists", KIND])
def test_a_named_pipe_at_the_place_is_one_line(where: str, tmp_path: Path) -> None:
    """Instead of a list or of an entry: nobody waits for its other end."""
    place = tmp_path / "place"
    push(filled(tmp_path / "a", 1), str(place))
    (path,) = [path for path in (place / where).rglob("*") if path.is_file()]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match="not a regular file"):
        pull(Store(tmp_path / "b"), str(place))


def test_what_is_pulled_is_not_passed_on(place: str, tmp_path: Path) -> None:
    """A place has only what somebody computed or looked at."""
    push(filled(tmp_path / "a", 1), place)
    store = Store(tmp_path / "b")
    pull(store, place)
    assert push(store, str(tmp_path / "other")) == (0, 0)


def test_an_interrupted_push_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle leaves what was sent usable, and the same command sends the rest."""
    monkeypatch.setattr(shared_store, "AT_ONCE", 1)
    store, place = filled(tmp_path / "a", *range(6)), SharedPlace(str(tmp_path / "place"))
    write = SharedPlace.write
    written = []

    def stop(self: SharedPlace, name: str, data: bytes) -> None:
        if name.endswith(".safetensors"):
            written.append(name)
            if len(written) == 4:
                raise KeyboardInterrupt
        write(self, name, data)

    with monkeypatch.context() as patched:
        patched.setattr(SharedPlace, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            shared_store.push(store, place, everything, quiet=True)
    assert pull(Store(tmp_path / "b"), place.name) == (3, 0)
    assert push(store, place.name) == (3, 3)
    assert pull(Store(tmp_path / "b"), place.name) == (3, 3)


def test_a_killed_push_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that no list names, as after `kill -9`, is not pulled, and is sent again."""
    store, place = filled(tmp_path / "a", 1, 2), str(tmp_path / "place")
    push(store, place)
    for path in (tmp_path / "place" / "lists").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no entries"):
        pull(Store(tmp_path / "b"), place)
    assert push(store, place) == (2, 0)
    assert pull(Store(tmp_path / "b"), place) == (2, 0)


def test_two_pushes_at_once(tmp_path: Path) -> None:
    """Neither list replaces the other, and one entry whose header has another order is fine."""
    a, b = filled(tmp_path / "a", 1, 2), filled(tmp_path / "b", 2, 3)
    place = str(tmp_path / "place")
    push(a, place)
    hidden = tmp_path / "hidden"
    os.rename(tmp_path / "place" / "lists", hidden)
    push(b, place)
    for path in hidden.iterdir():
        os.rename(path, tmp_path / "place" / "lists" / path.name)
    assert pull(Store(tmp_path / "c"), place) == (3, 0)


def entry_path(folder: Path, number: int) -> Path:
    return Store(folder).path(KIND, key(number))


def test_damage_on_the_way(tmp_path: Path) -> None:
    """A changed byte, a lost file and another entry's bytes are each named and never stored; the
    whole entries are."""
    place = tmp_path / "place"
    push(filled(tmp_path / "a", 1, 2, 3, 4), str(place))
    data = bytearray(entry_path(place, 1).read_bytes())
    data[-1] ^= 1
    entry_path(place, 1).write_bytes(data)
    entry_path(place, 2).unlink()
    entry_path(place, 3).write_bytes(entry_path(place, 4).read_bytes())
    store = Store(tmp_path / "b")
    moved = shared_store.pull(store, SharedPlace(str(place)), everything, 5, quiet=True)
    assert moved.entries == 1
    assert [fault.split(" ", 1)[1] for fault in moved.faults] == [
        "has another digest than the one of its list",
        "is listed and not there",
        "has another digest than the one of its list",
    ]
    assert [entry.path.stem for entry in store.entries()] == [key(4).removeprefix("sha256:")]
    with pytest.raises(DataError, match=r"3 entries are not used.*push them again"):
        shared_store.raise_faults(moved, SharedPlace(str(place)))


def test_an_entry_under_another_key(tmp_path: Path) -> None:
    """Bytes that have their digest and are no entry of their name are not stored."""
    import hashlib

    place = tmp_path / "place"
    push(filled(tmp_path / "a", 1), str(place))
    (listed,) = (place / "lists").iterdir()
    document = json.loads(listed.read_text())
    ((name, facts),) = document["entries"].items()
    other = f"{KIND}/00/{key(9).removeprefix('sha256:')}.safetensors"
    document["entries"] = {other: facts}
    data = json.dumps(document).encode()
    (place / "lists" / f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    listed.unlink()
    os.rename(place / name, place / other)
    moved = shared_store.pull(
        Store(tmp_path / "b"), SharedPlace(str(place)), everything, 5, quiet=True
    )
    assert moved.entries == 0
    assert moved.faults == [f"{other} is not an entry of that key"]


@pytest.mark.parametrize(
    "entries",
    [
        {"../../evil.safetensors": [1, "0" * 64]},
        {f"{KIND}/00/{'0' * 63}x.safetensors": [1, "0" * 64]},
        {f"{KIND}/01/{'0' * 64}.safetensors": [1, "0" * 64]},
        {f"{KIND}/00/{'0' * 64}.safetensors": [-1, "0" * 64]},
        {f"{KIND}/00/{'0' * 64}.safetensors": [10**15, "0" * 64]},
        {f"{KIND}/00/{'0' * 64}.safetensors": [1, "zz"]},
        {f"{KIND}/00/{'0' * 64}.safetensors": 5},
        [],
        None,
    ],
)
def test_hostile_lists(entries: object, tmp_path: Path) -> None:
    """A list cannot name a file outside of the store nor ask for any amount of memory: one line."""
    import hashlib

    data = json.dumps({"format": shared_store.FORMAT, "entries": entries}).encode()
    path = tmp_path / "place" / "lists" / f"{hashlib.sha256(data).hexdigest()}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"the list .* cannot be used .*delete it there"):
        pull(Store(tmp_path / "b"), str(tmp_path / "place"))


def test_a_damaged_list(tmp_path: Path) -> None:
    """A list of other bytes than its name says is one line for push and pull."""
    store, place = filled(tmp_path / "a", 1), tmp_path / "place"
    push(store, str(place))
    (listed,) = (place / "lists").iterdir()
    listed.write_text(listed.read_text().replace("}", " }"))
    for do in (push, pull):
        with pytest.raises(DataError, match=r"cannot be used \(its bytes"):
            do(store, str(place))


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str]]:
    code = execute([str(argument) for argument in arguments])
    return code, capsys.readouterr().err.splitlines()


def test_bad_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in the place is one line with what to do, before anything is sent."""
    filled(tmp_path / "store", 1)
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    cases: list[tuple[str, object, int, str]] = [
        ("push", tmp_path / "file", 2, "is a file; name a folder"),
        ("push", tmp_path / "file" / "below", 2, "is not a folder"),
        ("push", "nowhere://x", 2, "name a folder or an address"),
        ("push", " ", 2, "the place is empty"),
        ("pull", tmp_path / "absent", 3, "is not there; check the place"),
        ("pull", tmp_path / "empty", 3, "has no entries of a store"),
        ("pull", tmp_path / "file", 2, "is a file; name a folder"),
        ("pull", tmp_path / "file" / "below", 3, "is not there"),
    ]
    for command, place, code, words in cases:
        found, lines = said(capsys, "store", command, place, "--store", tmp_path / "store")
        assert (found, len(lines)) == (code, 1), (command, place, lines)
        assert words in lines[0], lines
    assert said(capsys, "store", "push", tmp_path / "x", "--store", tmp_path / "no")[0] == 3
    assert not (tmp_path / "x").exists()
    assert said(capsys, "store", "pull", tmp_path / "x", "--sample", "0")[0] == 2


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without s3fs the line says how to get it."""
    import sys

    filled(tmp_path / "store", 1)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(import_module("fsspec.registry")._registry, "s3", raising=False)
    code, lines = said(capsys, "store", "push", "s3://x/y", "--store", tmp_path / "store")
    assert (code, len(lines)) == (2, 1)
    assert "pip install 'biobench[s3]'" in lines[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A place or a store that this user may not write, and a place that may not be read, are one
    line each."""
    filled(tmp_path / "store", 1)
    place = tmp_path / "place"
    place.mkdir(mode=0o500)
    code, lines = said(capsys, "store", "push", place, "--store", tmp_path / "store")
    assert (code, len(lines)) == (2, 1)
    place.chmod(0o000)
    code, lines = said(capsys, "store", "pull", place, "--store", tmp_path / "store")
    assert (code, len(lines)) == (2, 1)
    place.chmod(0o700)


def test_features_alone_are_shared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither predictions nor programs leave by a push: no sample of them could be looked at."""
    store = filled(tmp_path / "store", 1)
    store.put("predictions", key(2), {"y_pred": np.zeros(2, np.int32)})
    place = tmp_path / "place"
    assert said(capsys, "store", "push", place, "--store", tmp_path / "store")[0] == 0
    assert sorted(path.name for path in place.iterdir()) == [KIND, "lists"]
    assert execute(["store", "pull", str(place), "--store", str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out == "pulled 1 entry, 280 B; 0 here\n"
    assert execute(["store", "stats", "--store", str(tmp_path / "b")]) == 0
    assert "1 entry pulled, of which no sample was" in capsys.readouterr().out


def test_collecting_takes_the_marks_along(tmp_path: Path) -> None:
    """A mark without its entry would make a later entry at its place look pulled."""
    push(filled(tmp_path / "a", 1), str(tmp_path / "place"))
    store = Store(tmp_path / "b")
    pull(store, str(tmp_path / "place"))
    store.collect(0)
    assert [path for path in (tmp_path / "b").rglob("*") if path.is_file()] == []


def test_a_full_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the place while it is written names the file, and what was sent is listed."""
    monkeypatch.setattr(shared_store, "AT_ONCE", 1)
    write = SharedPlace._write_and_rename

    def full(self: SharedPlace, path: str, data: bytes) -> None:
        if f"{2:064x}" in path:
            raise OSError(28, "No space left on device")
        write(self, path, data)

    monkeypatch.setattr(SharedPlace, "_write_and_rename", full)
    place = f"memory://{tmp_path.name}/full"
    with pytest.raises(BiobenchError, match=r"cannot be written \(No space left on device\)"):
        push(filled(tmp_path / "a", 1, 2), place)
    assert pull(Store(tmp_path / "b"), place) == (1, 0)
