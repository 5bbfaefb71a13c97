"""A result takes the place of an earlier one as a whole, whatever ends the process or the disk."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed_replacements import files, fill, held

from biobench.errors import BiobenchError, UsageError
from biobench.report.current import PENDING
from biobench.report.replace import LOCK, TEMPORARY, claimed, refuse_claimed, replacing
from biobench.report.results import load_results

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PIPELINE = HERE.parent / "pipeline"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three real results of one small model: a run of two tasks, a few-shot run of one of them,
    and a learning curve."""
    sys.path.insert(0, str(PIPELINE))
    try:
        from backbones import MeanColour
        from drawn import draw_table, write_task
    finally:
        sys.path.remove(str(PIPELINE))
    from biobench.pipeline import learning_curve, run
    from biobench.run.options import Options

    top = tmp_path_factory.mktemp("results")
    draw_table(top / "data" / "drawn", 6, 2)
    tasks = tuple(write_task(top, kind) for kind in ("observations", "groups"))
    options = {"data": top / "data", "store": top / "store", "workers": 1, "quiet": True}

    def ask(name: str, chosen: tuple[str, ...], n_train: int | None = None) -> Options:
        return Options(model=MeanColour(), tasks=chosen, out=top / name, n_train=n_train, **options)  # type: ignore[arg-type]

    run(ask("run", tasks))
    run(ask("few", tasks[1:], 4))
    learning_curve(ask("curve", tasks[1:]), (3, 4))
    return {name: top / name for name in ("run", "few", "curve")}


@pytest.mark.parametrize(
    ("old", "new"), [("run", "few"), ("few", "run"), ("run", "curve"), ("curve", "few")]
)
def test_a_kill_at_any_call_leaves_one_whole_result(
    old: str, new: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Old or new for readers, at once and after the next run's clean-up; nothing else stays, and
    nothing of the person's own goes."""
    done = subprocess.run(
        [sys.executable, HERE / "killed_replacements.py", tmp_path, folders[old], folders[new]],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    digests = [held(folders[old]), held(folders[new])]
    seen = []
    for _, _, before, after, later, mine in lines:
        assert before in digests
        assert before == after == later
        assert mine == "True"
        seen.append(before)
    # Some crashes before the change, some in the middle of it, and the last line had none.
    assert seen == sorted(seen, key=digests.index)
    assert min(map(seen.count, digests)) > 5
    assert [line[1] for line in lines] == ["True"] * (len(lines) - 1) + ["False"]


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from killed_replacements import fill
from biobench.report.replace import claimed, replacing
folder, *sources = map(Path, sys.argv[1:])
print("ready", flush=True)
while True:
    for source in sources:
        with claimed(folder), replacing(folder) as fresh:
            fill(fresh, source)
"""


def test_random_kills(folders: dict[str, Path], tmp_path: Path) -> None:
    """Also between calls, and again and again in one folder."""
    place, random_times = tmp_path / "out", random.Random(7)
    shutil.copytree(folders["run"], place)
    digests = {held(folders[name]) for name in ("run", "few")}
    program = WRITER.format(here=str(HERE))
    arguments = [sys.executable, "-c", program, place, folders["few"], folders["run"]]
    for _ in range(12):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random_times.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
        assert held(place) in digests
    with claimed(place):
        pass
    assert files(place) in [files(folders[name]) for name in ("run", "few")]


def test_an_exception_leaves_the_earlier_result(folders: dict[str, Path], tmp_path: Path) -> None:
    """A fault while the new files are written, also Ctrl-C."""
    place = tmp_path / "out"
    shutil.copytree(folders["run"], place)

    def stopped() -> None:
        with claimed(place), replacing(place) as fresh:
            fill(fresh, folders["few"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert files(place) == files(folders["run"])
    assert held(place) == held(folders["run"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; skips where this user cannot mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"]
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    if subprocess.run(["mount", *options, place], capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("left", range(0, 200, 20))
def test_a_full_disk_leaves_the_earlier_result(
    left: int, folders: dict[str, Path], small_disk: Path
) -> None:
    """At every amount that is left, in kilobytes: one whole result, and one line that says so."""
    place = small_disk / "out"
    shutil.copytree(folders["run"], place)
    taken = shutil.disk_usage(small_disk).free - (left << 10)
    (small_disk / "filler").write_bytes(bytes(taken // 4096 * 4096))

    def replace() -> None:
        with claimed(place), replacing(place) as fresh:
            fill(fresh, folders["few"])
            (fresh / "report.html").write_bytes(bytes(110 << 10))

    failed = left <= 120
    if failed:
        with pytest.raises(BiobenchError, match=rf"^{place}: .*No space left.*\Z"):
            replace()
    else:
        replace()
    assert held(place) == held(folders["run" if failed else "few"])
    (small_disk / "filler").unlink()
    with claimed(place):
        pass
    assert files(place) == files(folders["run" if failed else "few"])


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """The second is told which process has the folder, before and when it claims it; nothing of a
    lock stays."""
    place = tmp_path / "not" / "there"

    def second() -> None:
        with claimed(place):
            pass

    for _ in range(2):
        with claimed(place):
            for refused in (second, lambda: refuse_claimed(place)):
                with pytest.raises(UsageError, match=f"process .{os.getpid()}. is writing"):
                    refused()
            assert (place / LOCK).exists()
        assert list(tmp_path.iterdir()) == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """A killed run leaves a lock file that locks nothing, and the next removes it."""
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from biobench.report.replace import claimed, replacing\n"
        "with claimed(Path(sys.argv[1])), replacing(Path(sys.argv[1])) as fresh:\n"
        "    (fresh / 'results.json').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    left = {path.name for path in tmp_path.iterdir()}
    assert LOCK in left
    assert any(name.startswith(TEMPORARY) for name in left)
    with claimed(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_locks_keeps_what_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that takes over the report of a slow one removes nothing under its hands, and still
    clears what was left an hour ago."""

    def refused(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    old = tmp_path / f"{TEMPORARY}old"
    old.mkdir()
    (old / "results.json").write_text("half")
    for path in (old / "results.json", old):
        os.utime(path, (1000, 1000))
    with claimed(tmp_path), replacing(tmp_path) as fresh:
        (fresh / "results.json").write_text("whole")
        with claimed(tmp_path):
            pass
        assert (fresh / "results.json").exists()
        assert not old.exists()
    assert (tmp_path / "results.json").read_text() == "whole"


@pytest.mark.parametrize("name", ["results.json", "report.html", "curve.json"])
def test_a_folder_in_the_place_of_a_file(name: str, tmp_path: Path) -> None:
    """It is said before anything is computed."""
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=name), claimed(tmp_path):
        pass


@pytest.mark.parametrize("name", ["predictions", "evidence", "all", "n-10"])
def test_a_file_in_the_place_of_a_folder(name: str, tmp_path: Path) -> None:
    """It is said before anything is computed."""
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=name), claimed(tmp_path):
        pass


def test_a_pending_result_is_said(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads files that are not those that he sees is told."""
    place = tmp_path / "out"
    shutil.copytree(folders["run"], place)
    shutil.copytree(folders["few"], place / PENDING)
    results = load_results(place)
    assert results.digests == load_results(folders["few"]).digests
    assert results.folder == place
    assert PENDING in capsys.readouterr().err
