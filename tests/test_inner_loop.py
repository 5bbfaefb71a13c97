"""The rules that keep `make test-quick` quick, each in a small suite of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STARTS_ONE = """
import subprocess, sys
import pytest
{mark}
def test_it():
    subprocess.run([sys.executable, "-c", ""], check=True)
"""
IN_A_FIXTURE = """
import subprocess, sys
import pytest

@pytest.fixture(scope="module")
def started():
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_it(started):
    pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder for tests under the configuration of this one."""
    for name in ("conftest.py", "processor_time.py"):
        shutil.copy(Path(__file__).with_name(name), pytester.path)
    pytester.makeini("[pytest]\nmarkers =\n    slow\n    depth\n    long\n")
    return pytester


def test_a_quick_test_starts_no_process(suite: pytest.Pytester) -> None:
    """A test that would make the inner loop long fails where it is written, by itself or by what
    it asks for, and the message says what to do; one that is marked passes."""
    suite.makepyfile(test_bare=STARTS_ONE.format(mark=""), test_fixture=IN_A_FIXTURE)
    suite.makepyfile(test_marked=STARTS_ONE.format(mark="@pytest.mark.slow"))
    done = suite.runpytest_subprocess()
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(["*the test starts a process (*python* -c *pytest.mark.slow*"])


def test_slow_modules_are_not_even_imported(suite: pytest.Pytester) -> None:
    """Imports at the top of a slow module cost the inner loop nothing, and its tests run in the
    whole suite."""
    suite.makepyfile(
        test_quick="def test_it(): pass",
        test_plain="import pytest, no_such_module\n\npytestmark = pytest.mark.slow\n",
        test_several="import pytest, no_such_module\n\npytestmark = [\n    pytest.mark.slow,\n]\n",
    )
    suite.runpytest_subprocess("-m", "not slow").assert_outcomes(passed=1)
    suite.runpytest_subprocess().assert_outcomes(errors=2)


def test_what_has_a_target_is_run_on_demand(suite: pytest.Pytester) -> None:
    """By its own target, and counted as skipped elsewhere."""
    suite.makepyfile(
        "import pytest\n\n@pytest.mark.depth\ndef test_deep(): pass\n"
        "@pytest.mark.long\ndef test_long(): pass\n"
    )
    done = suite.runpytest_subprocess()
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines(["*run by `make test-depth`*", "*run by `make test-schedules`*"])
    for marker in ("depth", "long"):
        suite.runpytest_subprocess("-m", marker).assert_outcomes(passed=1, deselected=1)


def test_the_loop_draws_fewer_cases(suite: pytest.Pytester) -> None:
    """A quarter, of the default and of a multiple of it."""
    suite.makepyfile(
        "from hypothesis import given, settings, strategies as st\n"
        "seen = []\n"
        "@given(st.floats())\ndef test_default(x): seen.append(x)\n"
        "@settings(max_examples=3 * settings.default.max_examples)\n"
        "@given(st.floats())\ndef test_more(x): seen.append(x)\n"
        "def test_count(): assert 90 <= len(seen) <= 110\n"
    )
    suite.runpytest_subprocess("-m", "not slow").assert_outcomes(passed=3)
    suite.runpytest_subprocess().assert_outcomes(passed=2, failed=1)


def test_the_budget_counts_quick_tests_of_all_workers(suite: pytest.Pytester) -> None:
    """Continuous integration fails where the inner loop has become long, though all tests pass."""
    suite.makepyfile(
        "import time\nimport pytest\n\ndef test_it():\n"
        "    begun = time.process_time()\n    while time.process_time() < begun + 1: pass\n"
        "@pytest.mark.slow\ndef test_marked(): test_it()\n"
    )
    # A tenth of what it takes: the bound is in seconds of a quicker machine.
    bound = ("-n", "2", "--cpu-budget", "0.1")
    done = suite.runpytest_subprocess(*bound)
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["* s of processor time; * s, of 0.1 allowed, in quick tests*"])
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert suite.runpytest_subprocess("--cpu-budget", "0.1", "-k", "marked").ret == 0
    assert suite.runpytest_subprocess("--cpu-budget", "900", "-k", "it").ret == 0


def test_nothing_stays_mounted(suite: pytest.Pytester, tmp_path: Path) -> None:
    """A test that leaves a mount behind fails the run that made it, not one days later."""
    suite.makepyfile(
        "import subprocess\n"
        "def test_it(tmp_path):\n"
        "    subprocess.run(['mount', '-t', 'tmpfs', 'none', str(tmp_path)], check=True)\n"
    )
    base = tmp_path / "base"
    done = suite.runpytest_subprocess(f"--basetemp={base}")
    left = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    mine = [place for place in left if place.startswith(str(base))]
    for place in mine:
        subprocess.run(["umount", place], check=True)
    if not mine:
        pytest.skip("this user may not mount a file system")
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*file systems that a test mounted and left*"])
