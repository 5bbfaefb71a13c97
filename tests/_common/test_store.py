"""The store: what it gives back is what was put in, whole, or nothing."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from biobench._common import store as store_module
from biobench._common.files import remove_leftovers, write_atomically
from biobench._common.folder_lock import refuse_locked
from biobench._common.store import Store
from biobench.errors import BiobenchError, UsageError

KEY = "sha256:" + "ab" * 32


def test_round_trip(tmp_path: Path) -> None:
    """Arrays come back with their values, shapes and types."""
    store = Store(tmp_path)
    arrays = {
        "features": np.arange(12, dtype=np.float32).reshape(3, 4),
        "pixels": np.arange(6, dtype=np.uint8).reshape(3, 2),
        "average_precision": np.array([0.5, 1.0]),
        "empty": np.zeros((0, 5), dtype=np.int32),
    }
    store.put("features", KEY, arrays)
    back = store.get("features", KEY)
    assert back is not None
    assert sorted(back) == sorted(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    """A damaged entry counts as absent, wherever the damage is, and verify names it."""
    store = Store(tmp_path)
    store.put("features", KEY, {"features": np.arange(4, dtype=np.float32)})
    path = store.path("features", KEY)
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert store.get("features", KEY) is None, f"byte {i}"
    assert store.damaged() == [path]
    path.write_bytes(whole[:-3])
    assert store.get("features", KEY) is None


@pytest.mark.parametrize(
    "offsets",
    [
        (0, 10**13),
        (10**30, 10**31),
        (10**30, 5),
        (0, 2**62),
        (-5, 10),
        (-(10**30), 5),
        (10, 5),
        ("a", 3),
        (0.5, 2.5),
        (None, 1),
        (0,),
        5,
        None,
    ],
)
def test_a_header_that_states_other_places(offsets: tuple[object, object], tmp_path: Path) -> None:
    """Nothing beyond the file is read or asked memory for, whatever a shared store holds."""
    store = Store(tmp_path)
    path = store.path("features", KEY)
    path.parent.mkdir(parents=True)
    array = {"dtype": "U8", "shape": [1, 32], "data_offsets": offsets}
    header = json.dumps({"files": array, "__metadata__": {"key": KEY}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"x" * 64)
    assert store.get("features", KEY) is None
    assert list(store.rows_of_bytes("features", "files", 32)) == []


def test_one_array_of_each_entry_is_read(tmp_path: Path) -> None:
    """In the order of the keys; an entry without it, and one of another kind, are passed over."""
    store = Store(tmp_path)
    keys = [f"sha256:{i:064x}" for i in (300, 2, 1)]
    for i, key in enumerate(keys):
        rows = np.full((i + 1, 32), i, np.uint8)
        store.put("features", key, {"files": rows, "features": np.zeros((i + 1, 4), np.float32)})
    store.put("features", KEY, {"features": np.zeros(3, np.float32)})
    store.put("other", KEY, {"files": np.zeros((1, 32), np.uint8)})
    found = list(store.rows_of_bytes("features", "files", 32))
    assert [(key, rows.shape, int(rows.max())) for key, rows in found] == [
        (keys[2], (3, 32), 2),
        (keys[1], (2, 32), 1),
        (keys[0], (1, 32), 0),
    ]


def test_an_entry_under_another_key_is_not_served(tmp_path: Path) -> None:
    """A file that was copied to another key's place is not taken for that key's."""
    store = Store(tmp_path)
    store.put("features", KEY, {"features": np.zeros(1, dtype=np.float32)})
    other = "sha256:" + "cd" * 32
    path = store.path("features", other)
    path.parent.mkdir(parents=True)
    path.write_bytes(store.path("features", KEY).read_bytes())
    assert store.get("features", other) is None


def test_collect_keeps_the_recently_used(tmp_path: Path) -> None:
    """The least recently used entries go first, until the rest fits."""
    store = Store(tmp_path)
    keys = [f"sha256:{i:064x}" for i in range(4)]
    for age, key in enumerate(keys):
        store.put("features", key, {"features": np.zeros(100, dtype=np.float32)})
        os.utime(store.path("features", key), (1000 + age, 1000 + age))
    size = store.path("features", keys[0]).stat().st_size
    removed = store.collect(2 * size)
    assert [entry.path for entry in removed] == [store.path("features", key) for key in keys[:2]]
    assert store.get("features", keys[3]) is not None


def test_collect_removes_what_a_killed_write_left(tmp_path: Path) -> None:
    """Temporary files of dead processes go once they are old; those of living ones stay."""
    store = Store(tmp_path)
    store.put("features", KEY, {"features": np.zeros(1, dtype=np.float32)})
    folder = store.path("features", KEY).parent
    old, new = folder / ".a.safetensors.x1", folder / ".b.safetensors.x2"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    store.collect(1 << 30)
    assert not old.exists()
    assert new.exists()
    assert store.get("features", KEY) is not None


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """A file is replaced whole or not at all, and no temporary file stays behind."""
    target = tmp_path / "results.json"
    write_atomically(target, b"old")
    with pytest.raises(TypeError):
        write_atomically(target, "not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    with pytest.raises(BiobenchError, match=r"results\.json"):
        write_atomically(target / "below" / "a-file", b"x")


def test_the_store_must_be_a_folder(tmp_path: Path) -> None:
    """A file in the store's place is the user's mistake."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="file"):
        Store(tmp_path / "file")


@pytest.mark.slow
def test_what_a_killed_write_left_goes_with_the_next(tmp_path: Path) -> None:
    """A file that is being written stays, as do those of a person."""
    program = (
        "import os, signal, sys; from pathlib import Path; from biobench._common import files\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_atomically(Path(sys.argv[1]), b'half')"
    )
    target = tmp_path / "submission.tar"
    subprocess.run([sys.executable, "-c", program, target], check=False)
    (left,) = tmp_path.iterdir()
    own = [tmp_path / name for name in (".submission.tar.notes", "submission.tar.abcdefgh")]
    written = tmp_path / ".submission.tar.abcdefgh"
    for path in (*own, written):
        path.write_text("mine")
    for path in (left, *own, written):
        os.utime(path, (1000, 1000))
    with written.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        remove_leftovers(target)
    assert sorted(tmp_path.iterdir()) == sorted([*own, written])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9])
def test_an_entry_that_is_cut_off_while_it_is_read(
    share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is absent: another process may write over a store on a shared disk, and a mapped file
    that shrinks ends the process that reads it with SIGBUS."""
    store = Store(tmp_path)
    store.put("features", KEY, {"features": np.zeros((2000, 100), dtype=np.float32)})
    path = store.path("features", KEY)
    opened = store_module.open_regular

    def opened_and_cut(name: Path) -> object:
        file = opened(name)
        os.truncate(path, int(share * path.stat().st_size))
        return file

    monkeypatch.setattr(store_module, "open_regular", opened_and_cut)
    assert store.get("features", KEY) is None


def test_an_entry_that_was_made_longer_is_not_read(tmp_path: Path) -> None:
    """It is absent: 400 GB of zeros would not fit into memory."""
    store = Store(tmp_path)
    store.put("features", KEY, {"features": np.zeros(10, dtype=np.float32)})
    path = store.path("features", KEY)
    os.truncate(path, 400 << 30)
    assert store.get("features", KEY) is None


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "X"])
def test_an_entry_of_a_type_that_numpy_lacks(dtype: str, tmp_path: Path) -> None:
    """It is absent, like every other damaged one."""
    store = Store(tmp_path)
    path = store.path("features", KEY)
    path.parent.mkdir(parents=True)
    size = 1 if dtype == "F8_E4M3" else 2
    header = json.dumps(
        {"a": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4 * size]}}
    ).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * size))
    assert store.get("features", KEY) is None


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    """Whoever asks whether a folder is in use gets an answer."""
    os.mkfifo(tmp_path / "lock")
    refuse_locked(tmp_path, "lock", busy=BiobenchError)
