"""The line of an interrupted command promises only what is so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from biobench import cli
from biobench._common.signals import HANDLED, Interrupted, Terminated, let_signals_in
from biobench.cli import execute

GOES_ON = "; what was computed is kept, the same command goes on from here"


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that this user may only read, root too."""
    (tmp_path / "store").mkdir()
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != tmp_path / "store" and allowed(path, mode)
    )
    return tmp_path / "store"


def line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
    by: type[BaseException] = Interrupted,
) -> str:
    """The line that a command prints when it is stopped in its work."""

    def stopped(given: list[str]) -> int:
        raise by

    monkeypatch.setattr(cli, "_run", stopped)
    assert execute(arguments) == (130 if by is Interrupted else 143)
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize("by", [Interrupted, Terminated])
@pytest.mark.parametrize("way", ["--store X", "--store=X", "variable", "--model demo --store X"])
def test_a_store_that_is_only_read_keeps_nothing(
    way: str,
    by: type[BaseException],
    closed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However the store is named, and without the word `run` too."""
    arguments = way.replace("X", str(closed)).split() if "X" in way else []
    if not arguments:
        monkeypatch.setenv("BIOBENCH_STORE", str(closed))
    if "--model" not in arguments:
        arguments.insert(0, "run")
    word = "interrupted" if by is Interrupted else "terminated"
    assert line(monkeypatch, capsys, *arguments, by=by) == (
        f"biobench: {word}; the store {closed} can only be read, so what was computed is not kept"
    )


def test_digests_of_files_are_kept_in_the_store_too(
    closed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`data verify` has no option of its own for it; downloads lie in the data folder."""
    monkeypatch.setenv("BIOBENCH_STORE", str(closed))
    assert "is not kept" in line(monkeypatch, capsys, "data", "verify", "beluga")
    assert line(monkeypatch, capsys, "data", "fetch", "beluga").endswith(GOES_ON)


def test_any_other_store_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that may be written, one that is not there yet, and a word that only looks like it."""
    for store in (tmp_path, tmp_path / "new"):
        assert line(monkeypatch, capsys, "run", "--store", str(store)).endswith(GOES_ON)
    assert line(monkeypatch, capsys, "run", "--store").endswith(GOES_ON)
    assert line(monkeypatch, capsys, "run", "--dry-run") == "biobench: interrupted"
    assert line(monkeypatch, capsys, "verify", "x") == "biobench: interrupted"


def test_a_user_without_a_home(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No place for a store: no promise, and no other error."""
    monkeypatch.delenv("BIOBENCH_STORE", raising=False)
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *a, **k: "~")
    assert line(monkeypatch, capsys, "run") == "biobench: interrupted"


def test_a_signal_after_the_last_line_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is done and only its process has still to end: no traceback, and its own code."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    kept, hook = {number: signal.getsignal(number) for number in numbers}, sys.unraisablehook
    left = signal.getitimer(signal.ITIMER_REAL)
    for name in ("execute", "open_closed_streams", "guard_streams"):
        monkeypatch.setattr(cli, name, lambda *given: 3)
    monkeypatch.setattr(sys, "argv", ["biobench"])
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
        for number in HANDLED:
            signal.raise_signal(number)
        let_signals_in()
    finally:
        # The process is pytest's, which has a timer of its own.
        let_signals_in()
        for number, handler in kept.items():
            signal.signal(number, handler)
        signal.setitimer(signal.ITIMER_REAL, *left)
        sys.unraisablehook = hook
    assert ended.value.code == 3


ASKED_TO_END = """
import os, signal, sys
import numpy.lib
from biobench import cli

class Version(numpy.lib.NumpyVersion):
    def __init__(self, text):
        os.kill(os.getpid(), signal.SIGTERM)
        super().__init__(text)

numpy.lib.NumpyVersion = Version
cli.main()
"""


@pytest.mark.slow
def test_a_signal_while_the_native_code_looks_numpy_up(tmp_path: Path) -> None:
    """The lookup runs Python code, in which a handler may raise, and the native code has to have an
    answer: one line and 143, whenever the signal comes."""
    place = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    line = ["run", "--model", "demo", "--task", "demo-plankton", *place]
    done = subprocess.run(
        [sys.executable, "-c", ASKED_TO_END, *line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 143, done.stderr
    assert done.stderr == f"biobench: terminated{GOES_ON}\n"


def ended(tmp_path: Path, begin: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process that runs ``begin`` before it."""
    (tmp_path / "ask.py").write_text(
        "import os, signal\n\ndef ask():\n    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{begin}\ncli.main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.slow
def test_a_signal_during_an_import(tmp_path: Path) -> None:
    """Modules of native code call Python while they are loaded, and abort where it raises: the
    import ends first."""
    (tmp_path / "loaded.py").write_text(
        "import ask, time\nask.ask()\ntime.sleep(0.2)\nopen(__file__ + '.done', 'w').close()\n"
    )
    begin = "from biobench import cli\ncli._run = lambda given: __import__('loaded').time.sleep(50)"
    done = ended(tmp_path, begin, "verify")
    assert (tmp_path / "loaded.py.done").exists()
    assert (done.returncode, done.stderr) == (143, "biobench: terminated\n")


@pytest.mark.slow
def test_a_second_signal_does_not_wait_for_an_import(tmp_path: Path) -> None:
    """Code of a user's own may take long to import."""
    (tmp_path / "loaded.py").write_text("import ask, time\nask.ask()\nask.ask()\ntime.sleep(50)\n")
    begin = "from biobench import cli\ncli._run = lambda given: __import__('loaded')"
    done = ended(tmp_path, begin, "verify")
    assert (done.returncode, done.stderr) == (143, "biobench: terminated\n")


@pytest.mark.slow
def test_a_signal_in_a_finaliser(tmp_path: Path) -> None:
    """Python drops what a finaliser raises: it is raised again."""
    begin = """
import ask, time
from biobench import cli

class Object:
    def __del__(self):
        ask.ask()
        time.sleep(0)

def run(given):
    Object()
    time.sleep(50)

cli._run = run
"""
    done = ended(tmp_path, begin, "verify")
    assert (done.returncode, done.stderr) == (143, "biobench: terminated\n")
