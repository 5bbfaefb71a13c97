"""What all tests share: no network, no user's cache, and the skips counted with their reasons."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: a busy machine is no failure. In continuous integration the cases are fixed, so that
# a change is judged by what it changed; elsewhere each run looks at new ones.
settings.register_profile("biobench", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("biobench")

# Libraries read these when they load, which is before any fixture runs.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")


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


@pytest.hookimpl(hookwrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Count the skips by reason at the end, so that none goes unseen."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in skipped
    )
    terminalreporter.write_line(f"{len(skipped)} skipped")
    for reason in sorted(reasons):
        terminalreporter.write_line(f"  {reasons[reason]} x {reason.removeprefix('Skipped: ')}")
