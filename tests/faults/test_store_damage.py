"""A store that was damaged, emptied or taken away: it costs time, and never a score."""

from __future__ import annotations

import functools
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import NET, OTHER, Bench, Launcher, cold, reached, seeded, times

from biobench import evaluate
from biobench._common.store import Store
from biobench.repro import software

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]


def measured(bench: Bench, model: str = NET) -> Any:
    """Digests of a run in this process, with the store of ``BIOBENCH_STORE``."""
    found = evaluate(
        model, str(bench.root / "classes.yaml"), data=bench.root / "data", device="cpu"
    )
    tasks = {name: (entry["digests"], entry["score"]) for name, entry in found.tasks.items()}
    stages = {name: value for name, value in found.digests.items() if name != "result"}
    return tasks, stages


def entries(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*") if path.is_file())


def test_each_byte_of_the_store_flipped(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Whatever byte of whatever file is another one, the result has the same digests."""
    store = tmp_path / "store"
    monkeypatch.setenv("BIOBENCH_STORE", str(store))
    monkeypatch.chdir(bench.root)
    monkeypatch.syspath_prepend(bench.root)
    # Half of the time of such a run, and no question of the store.
    monkeypatch.setattr(software, "version", functools.cache(software.version))
    expected = measured(bench)
    aged = time.time() - 100
    for image in bench.images:
        os.utime(image, (aged, aged))
    # The second run remembers the digests of files that the first found too fresh.
    assert measured(bench) == expected
    whole = {path: path.read_bytes() for path in entries(store)}
    places = [(path, i) for path, data in whole.items() for i in range(len(data))]
    random = seeded("flips")
    chosen = random.sample(places, min(len(places), times(100, len(places))))
    wrong = []
    for path, place in chosen:
        data = bytearray(whole[path])
        data[place] ^= random.randint(1, 255)
        path.write_bytes(data)
        try:
            found = measured(bench)
        except Exception as error:  # noqa: BLE001 - each is a finding with its place
            wrong.append(f"byte {place} of {path.relative_to(store)}: {error!r}")
        else:
            if found != expected:
                wrong.append(f"byte {place} of {path.relative_to(store)}: another result")
        for known in set(entries(store)) - set(whole):
            known.unlink()
        for name, content in whole.items():
            if not name.exists() or name.read_bytes() != content:
                name.write_bytes(content)
    tally("bytes of a store flipped", len(chosen), len(wrong))
    assert not wrong, "\n".join(wrong[:20])


def test_verify_finds_each_damaged_entry(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """`store verify` names an entry whichever byte of it was flipped, cut off or added."""
    store, random = tmp_path / "store", seeded("verify")
    launcher.start(bench.arguments(tmp_path / "out", store), bench.root).done().good()
    found = [entry.path for entry in Store(store).entries()]
    places = [(path, i) for path in found for i in range(path.stat().st_size)]
    chosen = random.sample(places, min(len(places), times(300, len(places))))
    missed = 0
    for path, place in chosen:
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[place] ^= 1 << random.randrange(8)
        for damaged in (bytes(flipped), whole[:place], whole + bytes(1 + place % 7)):
            path.write_bytes(damaged)
            missed += Store(store).damaged() != [path]
        path.write_bytes(whole)
    tally("damaged store entries that `store verify` has to find", 3 * len(chosen), missed)
    assert missed == 0
    path.write_bytes(whole[:-1])
    line = cold(["store", "verify", "--store", str(store)], bench.root).refused(3)
    assert path.name in line


def _directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def _dangling(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.parent / "nowhere")


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(max(1, path.stat().st_size)))


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(seeded(path.name).randbytes(path.stat().st_size))


def _other_schema(path: Path) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE files (path TEXT)")
    connection.commit()
    connection.close()


DAMAGE = (_directory, _pipe, _endless, _dangling, _zeros, _half, _empty, _noise)


@pytest.mark.parametrize("damage", [*DAMAGE, _other_schema], ids=lambda made: made.__name__[1:])
def test_a_damaged_index_of_files(
    damage: Callable[[Path], None],
    bench: Bench,
    launcher: Launcher,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """`files.sqlite` only saves time: whatever lies in its place, the run ends well."""
    store, out = tmp_path / "store", tmp_path / "out"
    launcher.start(bench.arguments(out, store), bench.root).done().good()
    index = store / "files.sqlite"
    if not index.exists():
        index.write_bytes(b"x" * 4096)
    damage(index)
    launcher.start(bench.arguments(out, store, OTHER), bench.root).done(60).good()
    bench.check(out, OTHER)
    tally("damaged indexes of files", 1, 0)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda made: made.__name__[1:])
def test_a_thing_in_the_place_of_an_entry(
    damage: Callable[[Path], None],
    bench: Bench,
    launcher: Launcher,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """Entries that are folders, pipes, devices or noise: the run ends well or in one line."""
    store, out = tmp_path / "store", tmp_path / "out"
    launcher.start(bench.arguments(out, store), bench.root).done().good()
    for entry in list(Store(store).entries()):
        damage(entry.path)
    done = launcher.start(bench.arguments(out, store), bench.root).done(60)
    if done.code:
        done.refused(1, 2, 3)
    bench.check(out)
    verified = launcher.start(["store", "verify", "--store", str(store)], bench.root).done(60)
    if done.code == 0 and damage is not _directory:
        assert verified.code in (0, 3), verified.err
    tally("store entries of another kind", 1, 0)


def test_the_store_is_collected_during_runs(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """`store gc` deletes everything, again and again, while runs go on."""
    store, wrong, count = tmp_path / "store", [], times(6, 300)
    for number in range(count):
        out = tmp_path / f"out-{number % 4}"
        process = launcher.start(bench.arguments(out, store), bench.root)
        while process.running():
            Store(store).collect(0)
        done = process.done()
        try:
            done.good()
            bench.check(out)
        except AssertionError as error:
            wrong.append(str(error))
    tally("runs during `store gc`", count, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_the_store_is_removed_during_a_run(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """The whole folder goes while the images are embedded."""
    wrong, count = [], times(3, 100)
    for number in range(count):
        out, store, gate = (tmp_path / f"{name}-{number}" for name in ("out", "store", "gate"))
        gate.mkdir()
        process = launcher.start(bench.arguments(out, store), bench.root, FAULTS_GATE=str(gate))
        reached(gate, process)
        shutil.rmtree(store, ignore_errors=True)
        (gate / "open").touch()
        end = time.monotonic() + seeded(f"removal {number}").random() * 0.2
        while process.running() and time.monotonic() < end:
            shutil.rmtree(store, ignore_errors=True)
        done = process.done()
        try:
            if done.code:
                done.refused(1, 2)
            else:
                bench.check(out)
            launcher.start(bench.arguments(out, store), bench.root).done().good()
            bench.check(out)
        except AssertionError as error:
            wrong.append(str(error))
    tally("stores removed during a run", count, len(wrong))
    assert not wrong, "\n".join(wrong)
