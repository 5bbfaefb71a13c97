"""The tools around the fuzz targets: what they start from, and what is said of a run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "tools" / "fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    return module


def test_seeds_are_what_is_made() -> None:
    """Protects the corpus in the repository: it can be made again, and is small."""
    command = [sys.executable, str(ROOT / "tools" / "make_seeds.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    files = [path for path in (ROOT / "native" / "fuzz").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_every_target_is_run(fuzz: ModuleType) -> None:
    """Protects a new target from being built and never run, and from starting with nothing."""
    targets = sorted(path.stem for path in (ROOT / "native/fuzz/targets").iterdir())
    assert sorted({run.target for run in fuzz.RUNS}) == targets
    assert len({run.folder for run in fuzz.RUNS}) == len(fuzz.RUNS)
    for target in targets:
        assert any((ROOT / "native/fuzz/seeds" / target).iterdir())


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (
            "#7\tNEW\n"
            "thread '<unnamed>' (1) panicked at src/check.rs:72:21:\nscalar: another crop\n"
            "==2== ERROR: libFuzzer: deadly signal\n",
            "thread '<unnamed>' (1) panicked at src/check.rs:72:21: scalar: another crop",
        ),
        (
            "==3==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x7\nREAD of size 1\n",
            "AddressSanitizer: heap-buffer-overflow on address 0x7",
        ),
        ("==4== ERROR: libFuzzer: out-of-memory (used: 300Mb; limit: 256Mb)\n", "libFuzzer: out"),
        ("", "no output"),
    ],
)
def test_cause_of_a_finding(fuzz: ModuleType, log: str, cause: str) -> None:
    """Protects the one line that a finding is reported in."""
    assert fuzz.cause(log).startswith(cause)


def test_table(fuzz: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the counts: they are summed over all runs, and a finding ends with exit code 1."""
    runs = list(fuzz.RUNS[:2])
    clean = [fuzz.Outcome(executions=1500, seconds=2.0), fuzz.Outcome(executions=500, seconds=1.0)]
    assert fuzz.report(runs, clean) == 0
    rows = [line.split()[-3:] for line in capsys.readouterr().out.splitlines()]
    assert rows[1:] == [["1,500", "750", "0"], ["500", "500", "0"], ["all", "2,000", "0"]]
    clean[1].findings.append("jpeg: why")
    assert fuzz.report(runs, clean) == 1
    assert "finding: jpeg: why" in capsys.readouterr().err
