"""Fixtures of the fault suite: a benchmark of a moment, a tally of what was tried and lost."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import HERE, NET, OTHER, Bench, Launcher, cold, outcome


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of docs/reliability.md: what was tried how often, and what was lost."""
    tried: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "tally" and getattr(report, "when", "") == "call":
                    what, count, lost = value
                    tried[what][0] += count
                    tried[what][1] += lost
    for what, (count, lost) in sorted(tried.items()):
        terminalreporter.write_line(f"tally: {what}: {count} tried, {lost} lost")


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[[str, int, int], None]:
    """Note under a name how many faults were made, and how many lost something."""
    return lambda what, tried, lost: record_property("tally", (what, tried, lost))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of preload.c."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("preload") / "preload.so"
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", "-o", path, HERE / "preload.c", "-ldl"], check=True
    )
    return path


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="biobench-faults-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def launcher(ground: Path) -> Iterator[Launcher]:
    """Starts commands."""
    folder = ground / "commands"
    folder.mkdir()
    made = Launcher(folder)
    yield made
    made.close()


@pytest.fixture(scope="session")
def faulty(ground: Path, library: Path) -> Iterator[Launcher]:
    """Starts commands with the faults of preload.c in them."""
    folder = ground / "faulty"
    folder.mkdir()
    made = Launcher(folder, library)
    yield made
    made.close()


@pytest.fixture(scope="session")
def bench(ground: Path) -> Bench:
    """Three classes of drawn images; what two models make of them in runs that nothing disturbs."""
    made = Bench.draw(ground / "bench")
    for model in (NET, OTHER):
        out, store = made.root / "first", made.root / "first-store"
        cold(made.arguments(out, store, model), made.root).good()
        made.expected[model] = outcome(out)
        shutil.rmtree(out)
        shutil.rmtree(store)
    assert made.expected[NET] != made.expected[OTHER]
    return made
