"""Conditions of every test: no network, no user's cache, skips counted with their reasons, and the
rules of the inner loop (CONTRIBUTING.md).

A test that starts processes, trains whole tasks, builds something or runs a model library's own
code has the marker `slow`. `make test-quick` runs the others.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

from processor_time import slowness

# No deadline: a busy machine is no failure. In continuous integration the cases are fixed, so that
# a change is judged by what it changed; elsewhere each run looks at new ones.
settings.register_profile("biobench", deadline=None, derandomize="CI" in os.environ)
settings.register_profile("quick", settings.get_profile("biobench"), max_examples=25)
settings.load_profile("biobench")

# Libraries read these when they load, which is before any fixture runs.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

QUICK = "not slow"
"""The marker expression of `make test-quick`."""
SLOW_MODULE = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.slow\b", re.MULTILINE)

ON_DEMAND = {
    "browser": "test-browser",
    "container": "test-container",
    "depth": "test-depth",
    "faults": "test-faults",
    "long": "test-schedules",
    "slurm": "test-slurm",
    "wheels": "test-wheels",
}
"""Markers of tests that take minutes or need what few machines have, and the target of each."""

MEMORY = Path("/dev/shm")
"""A file system in memory, where creating and removing a file costs no wait for a disk."""
MEMORY_NEEDED = 4 << 30
"""Free bytes of it for temporary folders: several times what a run of all tests holds at once."""

BEGUN = pytest.StashKey[float]()
QUICK_SECONDS = "processor time"
REPORTS_A_LOOK = 400
"""Tests after which the speed of the machine is looked at again."""


@dataclass
class QuickTests:
    """Processor time of the tests without the marker `slow`."""

    seconds: float = 0.0
    reports: int = 0
    slowness: list[float] = field(default_factory=list)

    def factor(self) -> float:
        """How many times longer work took, in the mean, than on the machine of the bounds."""
        return sum(self.slowness) / len(self.slowness) if self.slowness else 1.0

    def scaled(self) -> float:
        """The seconds on the machine of the bounds."""
        return self.seconds / self.factor()


quick_tests = QuickTests()
processes_started: list[str] = []
"""The Python processes that the current test has started."""


def record_process(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: note the Python processes that the current test starts.

    What a library asks when it is imported (uname, ldconfig) takes no time, and the process that
    decodes Parquet serves all tests of a worker: whichever reads first starts it.
    """
    if event != "subprocess.Popen":
        return
    words = [
        os.fsdecode(word) for word in arguments[1] if isinstance(word, str | bytes | os.PathLike)
    ]
    python = os.path.basename(words[0]).startswith(("python", "biobench")) if words else False
    if python and not any("parquet_process" in word for word in words):
        processes_started.append(" ".join(words[:3])[:80])


sys.addaudithook(record_process)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The inner loop has a budget, which continuous integration checks."""
    parser.addoption(
        "--cpu-budget",
        type=float,
        metavar="SECONDS",
        help="fail where the tests without the marker `slow` take more processor time, all workers "
        "together, in seconds of the machine of tests/processor_time.py",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders lie in memory where there is room. The quick run looks at a quarter of the
    cases of a property: a number that a test states itself is a multiple of the default."""
    if "TMPDIR" not in os.environ and memory_has_room():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if config.option.markexpr == QUICK:
        settings.load_profile("quick")


def memory_has_room() -> bool:
    """True where files in memory can be written and, as some tests do, executed."""
    try:
        status = os.statvfs(MEMORY)
    except OSError:
        return False
    refused = status.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    room = status.f_bavail * status.f_frsize
    return not refused and room >= MEMORY_NEEDED and os.access(MEMORY, os.W_OK)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the import of modules that the quick run deselects as a whole: some load torch."""
    if config.option.markexpr != QUICK or collection_path.suffix != ".py":
        return None
    return True if SLOW_MODULE.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Keep the search for garbage away from what collecting makes: hundreds of thousands of objects
    of libraries and tests, which stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what has a target of its own, unless it is asked for, and put slow modules first.

    Begun last, a module with slow tests would leave the other workers idle.
    """
    for marker, target in ON_DEMAND.items():
        if marker in config.option.markexpr:
            continue
        for item in items:
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=f"run by `make {target}`"))
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note when a test begins, with what it asks for first."""
    item.stash[BEGUN] = time.process_time()
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Count the processes of this test alone."""
    processes_started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Keep the inner loop short: only tests that are marked as slow start processes."""
    yield
    if processes_started and item.get_closest_marker("slow") is None:
        pytest.fail(
            f"the test starts a process ({processes_started[0]}); mark it with "
            "pytest.mark.slow, which keeps it out of `make test-quick`",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Send the processor time of a quick test, which starts no process, along with its outcome."""
    yield
    if item.get_closest_marker("slow") is None:
        spent = time.process_time() - item.stash[BEGUN]
        item.user_properties.append((QUICK_SECONDS, spent))


@pytest.hookimpl
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Sum the quick tests in the process that hears of all, and look at times how fast it is."""
    if report.when == "teardown":
        quick_tests.seconds += dict(report.user_properties).get(QUICK_SECONDS, 0.0)
        quick_tests.reports += 1
        if quick_tests.reports % REPORTS_A_LOOK == 1:
            quick_tests.slowness.append(slowness())


@pytest.fixture(scope="session", autouse=True)
def _nothing_stays_mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves a file system mounted in its folder, which no later session could remove."""
    yield
    mounts = Path("/proc/self/mounts")
    if mounts.exists():
        places = [line.split()[1] for line in mounts.read_text().splitlines()]
        left = [place for place in places if place.startswith(f"{tmp_path_factory.getbasetemp()}/")]
        assert left == [], "file systems that a test mounted and left"


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of stores, one a test. pytest's own numbering reads the whole folder for each, and most
    tests have no store."""
    folder = tmp_path_factory.mktemp("stores")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _isolated(stores: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own store and no data folder of the person who runs it."""
    monkeypatch.setenv("BIOBENCH_STORE", str(next(stores)))
    for name in ("BIOBENCH_DATA", "BIOBENCH_OUT", "BIOBENCH_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a folder once a test run, whichever worker asks first: `made_once(name, make)`.

    Args of the returned function:
        name: of the folder.
        make: is called with the path of an empty folder, which it fills.
    """
    shared = tmp_path_factory.getbasetemp()
    # Workers of one run have their folders in one.
    if shared.name.startswith("popen-"):
        shared = shared.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                # Another worker may have failed half-way.
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def demo_program(made_once: Callable[..., Path]) -> str:
    """The name of the demo model as a program."""

    def export(folder: Path) -> None:
        from biobench.cli import execute

        assert execute(["models", "export", "demo", "--out", str(folder / "demo")]) == 0

    return f"program:{made_once('demo-program', export) / 'demo'}"


@pytest.fixture(scope="session")
def small_program(made_once: Callable[..., Path]) -> str:
    """The name of a small program: a process that runs it needs no torch, whose import takes most
    of the processor time of a small run, and its features take next to none."""

    def export(folder: Path) -> None:
        from biobench.cli import execute
        from onnx_files import filters, small_model, written

        model = written(folder, small_model(weights=filters(32)))
        assert execute(["models", "export", model, "--out", str(folder / "small")]) == 0

    return f"program:{made_once('small-program', export) / 'small'}"


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    """Count the skips by reason at the end, so that none goes unseen, and the processor time."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in skipped
    )
    terminalreporter.write_line(f"{len(skipped)} skipped")
    for reason in sorted(reasons):
        terminalreporter.write_line(f"  {reasons[reason]} x {reason.removeprefix('Skipped: ')}")
    budget = config.option.cpu_budget
    allowed = "" if budget is None else f", of {budget:g} allowed,"
    terminalreporter.write_line(
        f"{cpu_seconds():.0f} s of processor time; {quick_tests.scaled():.0f} s{allowed} in quick "
        f"tests, where work takes {quick_tests.factor():.1f} times what the bounds are written for"
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that is over its budget, in the process that hears of all tests."""
    budget = session.config.option.cpu_budget
    is_worker = hasattr(session.config, "workerinput")
    if budget is not None and not is_worker and quick_tests.scaled() > budget:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
