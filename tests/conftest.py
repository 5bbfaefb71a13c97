"""What all tests share: no network, no user's cache, the skips counted with their reasons, and the
rules of the inner loop (CONTRIBUTING.md).

A test that starts processes, trains whole tasks, builds something or runs a model library's own
code has the marker `slow`. `make test-quick` runs the others.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

# No deadline: a busy machine is no failure. In continuous integration the cases are fixed, so that
# a change is judged by what it changed; elsewhere each run looks at new ones.
settings.register_profile("biobench", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("biobench")

# Libraries read these when they load, which is before any fixture runs.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

QUICK = "not slow"
"""The marker expression of `make test-quick`."""
SLOW_MODULE = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.slow\b", re.MULTILINE)
DECODER = "biobench.report.parquet_process"
"""In the command line of the process that decodes Parquet: one serves all tests of a worker."""
PROCESS_EVENTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn")

processes_started: list[str] = []
"""The events of processes that the current test has started."""


def record_process(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: note what the current test starts."""
    if event in PROCESS_EVENTS and DECODER not in str(arguments[1:2]):
        processes_started.append(f"{event} {arguments[0] if arguments else ''}".strip())


sys.addaudithook(record_process)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The inner loop has a budget, which continuous integration checks."""
    parser.addoption(
        "--cpu-budget",
        type=float,
        metavar="SECONDS",
        help="fail where the run takes more processor time, all workers together",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the import of modules that the quick run deselects as a whole: some load torch."""
    if config.option.markexpr != QUICK or collection_path.suffix != ".py":
        return None
    return True if SLOW_MODULE.search(collection_path.read_text(encoding="utf-8")) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with slow tests come first: begun last, one would leave the other workers idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


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


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own store and no data folder of the person who runs it."""
    monkeypatch.setenv("BIOBENCH_STORE", str(tmp_path_factory.mktemp("store")))
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
        make: is called with the path, which is absent, and leaves a folder there.
    """
    shared = tmp_path_factory.getbasetemp()
    # Workers of one run have their folders in one.
    if shared.name.startswith("popen-"):
        shared = shared.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name).exists():
                make(shared / f"{name}.partial")
                (shared / f"{name}.partial").rename(shared / name)
        return shared / name

    return once


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
    allowed = "" if budget is None else f", of {budget:.0f} allowed"
    terminalreporter.write_line(f"{cpu_seconds():.0f} s of processor time{allowed}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that is over its budget, in the process that has all workers as its children."""
    budget = session.config.option.cpu_budget
    is_worker = hasattr(session.config, "workerinput")
    if budget is not None and not is_worker and cpu_seconds() > budget:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
