"""No space and no inodes left, wherever a run writes: one line, and nothing good is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import (
    NET,
    OTHER,
    Bench,
    Done,
    Launcher,
    grow,
    leftovers,
    mounted,
    outcome,
    times,
)

from biobench._common.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]
PAGE = 4096


def used(folder: Path) -> int:
    """Bytes that the files of a folder take on a tmpfs, where folders take none."""
    found = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(-(-size // PAGE) * PAGE for size in found)


def sizes(most: int, quick: int, full: int) -> list[int]:
    """Sizes of a file system from one page to what is enough, in whole pages."""
    count = times(quick, full)
    return sorted({max(1, most * (i + 1) // count // PAGE) * PAGE for i in range(count)})


def fault(done: Done, check: Callable[[], None]) -> str | None:
    """Faults of a run that had too little room."""
    try:
        if done.code:
            line = done.refused(1, 2)
            assert any(word in line for word in ("space", "cannot be written", "full")), line
        else:
            check()
    except (AssertionError, OSError, ValueError, KeyError) as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def wide(ground: Path, bench: Bench, launcher: Launcher) -> Bench:
    """Several tasks, so that its result is larger than that of ``bench``; so many in the long suite
    that store and result take more than 40 pages each."""
    made = Bench.draw(ground / "wide", more=times(4, 22))
    out = made.root / "first"
    launcher.start(made.arguments(out, made.root / "store"), made.root).done().good()
    made.expected = {NET: outcome(out), OTHER: bench.expected[OTHER]}
    return made


def test_the_store_is_full(wide: Bench, launcher: Launcher, tmp_path: Path, tally: Tally) -> None:
    """A store on a disk of any size: done or one line, and once there is room the same digests."""
    wrong, tried = [], sizes(used(wide.root / "store") + 9 * PAGE, 6, 40)
    for size in tried:
        disk, out = tmp_path / f"disk-{size}", tmp_path / f"out-{size}"
        with mounted(disk, f"size={size}"):
            done = launcher.start(wide.arguments(out, disk / "store"), wide.root).done()
            wrong.append(fault(done, lambda out=out: wide.check(out)))  # type: ignore[misc]
            if damaged := Store(disk / "store").damaged():
                wrong.append(f"{size} bytes: damaged entries {damaged}")
            grow(disk, "size=4m")
            again = launcher.start(wide.arguments(out, disk / "store"), wide.root).done()
            wrong.append(fault(again, lambda out=out: wide.check(out)))  # type: ignore[misc]
            if again.code:
                wrong.append(f"{size} bytes, then 4 MB: {again.line}")
    found = [line for line in wrong if line]
    tally("runs on a full disk for the store", len(tried), len(found))
    assert not found, "\n".join(found)


def refilled(
    bench: Bench, wide: Bench, launcher: Launcher, disk: Path, store: Path, *limit: str
) -> list[str]:
    """Faults where an earlier, smaller result is on a disk that then has only ``limit``."""
    wrong = []
    out = disk / "out"
    launcher.start(bench.arguments(out, store, OTHER), bench.root).done().good()
    grow(disk, *limit)
    done = launcher.start(wide.arguments(out, store), wide.root).done()
    if line := fault(done, lambda: wide.check(out)):
        wrong.append(f"{limit}: {line}")
    try:
        holder = wide.holder(out)
        # A new result that is whole and not yet in its place counts.
        if holder is None or (holder == OTHER and not done.code):
            wrong.append(f"{limit}: exit {done.code}, and the folder holds {holder}")
    except (AssertionError, OSError, ValueError, KeyError) as error:
        wrong.append(f"{limit}: the folder holds no whole result: {error}")
    if left := leftovers(disk):
        wrong.append(f"{limit}: files that nobody needs stay: {left}")
    grow(disk, "size=4m", "nr_inodes=1000")
    launcher.start(wide.arguments(out, store), wide.root).done().good()
    wide.check(out)
    return wrong


def test_the_result_folder_is_full(
    bench: Bench, wide: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """An earlier result lies there and the disk has any number of pages left: it stays whole until
    the new one is."""
    store = wide.root / "store"
    launcher.start(bench.arguments(tmp_path / "small", store, OTHER), bench.root).done().good()
    small, large = used(tmp_path / "small"), used(wide.root / "first")
    wrong, tried = [], [0, *sizes(large + 4 * PAGE, 5, 39)]
    for size in tried:
        with mounted(tmp_path / f"disk-{size}", "size=4m") as disk:
            wrong += refilled(bench, wide, launcher, disk, store, f"size={small + size}")
    tally("runs on a full disk for the result", len(tried), len(wrong))
    assert not wrong, "\n".join(wrong)


def test_no_inodes_left_for_the_result(
    bench: Bench, wide: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """The same where files and not bytes are used up."""
    store, count = wide.root / "store", times(4, 12)
    launcher.start(bench.arguments(tmp_path / "small", store, OTHER), bench.root).done().good()
    wrong = []
    # The root of the file system and the folder are files too.
    taken = 1 + 1 + sum(1 for _ in (tmp_path / "small").rglob("*"))
    for more in range(count):
        with mounted(tmp_path / f"disk-{more}", "size=4m") as disk:
            wrong += refilled(bench, wide, launcher, disk, store, f"nr_inodes={taken + more}")
    tally("runs without inodes for the result", count, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_no_inodes_left_for_the_store(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """A store in a file system that takes so many files and no more."""
    wrong, count = [], times(5, 16)
    for number in range(2, 2 + count):
        disk, out = tmp_path / f"disk-{number}", tmp_path / f"out-{number}"
        with mounted(disk, "size=4m", f"nr_inodes={number}"):
            done = launcher.start(bench.arguments(out, disk / "store"), bench.root).done()
            wrong.append(fault(done, lambda out=out: bench.check(out)))  # type: ignore[misc]
            grow(disk, "nr_inodes=1000")
            launcher.start(bench.arguments(out, disk / "store"), bench.root).done().good()
            bench.check(out)
    found = [line for line in wrong if line]
    tally("runs without inodes for the store", count, len(found))
    assert not found, "\n".join(found)


def test_a_real_file_system_is_full(
    bench: Bench, wide: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """ext4 on a loop device: it allocates late, so that some errors come with fsync alone."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("no mkfs.ext4")
    image, wrong, count = tmp_path / "image", [], times(2, 20)
    for number in range(count):
        image.write_bytes(bytes(1 << 20))
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", image], check=True)
        disk = tmp_path / f"disk-{number}"
        disk.mkdir()
        if subprocess.run(["mount", "-o", "loop", image, disk], check=False).returncode:
            pytest.skip("loop devices cannot be mounted here")
        try:
            ballast, left = disk / "ballast", number * 80_000 // count
            out, store = disk / "out", disk / "store"
            launcher.start(bench.arguments(out, store, OTHER), bench.root).done().good()
            fill(ballast, left)
            done = launcher.start(wide.arguments(out, store), wide.root).done()
            if line := fault(done, lambda out=out: wide.check(out)):  # type: ignore[misc]
                wrong.append(f"{left} bytes: {line}")
            if done.code and wide.holder(out) is None:
                wrong.append(f"{left} bytes: the earlier result is gone")
            ballast.unlink()
            launcher.start(wide.arguments(out, store), wide.root).done().good()
            wide.check(out)
        finally:
            subprocess.run(["umount", disk], check=True)
    tally("runs on a full ext4", count, len(wrong))
    assert not wrong, "\n".join(wrong)


def fill(ballast: Path, left: int) -> None:
    """Take the room of a disk but for ``left`` bytes."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (PAGE, 1024):
            while shutil.disk_usage(ballast.parent).free > left:
                file.write(bytes(size))
                os.fsync(file.fileno())


def test_the_folder_for_temporary_files_is_full(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """A run needs no room in TMPDIR."""
    with mounted(tmp_path / "disk", "size=4096") as disk:
        (disk / "ballast").write_bytes(bytes(PAGE))
        out, store = tmp_path / "out", tmp_path / "store"
        launcher.start(bench.arguments(out, store), bench.root, TMPDIR=str(disk)).done().good()
    bench.check(out)
    tally("runs with a full TMPDIR", 1, 0)
