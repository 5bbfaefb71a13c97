"""The vectors judged by wrong implementations: one of each list here, all in make test-mutants."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HEAD = """
target = "spec/ports/javascript/canonical.js"
sections = ["canonical"]

[[mutant]]
id = "an-example"
rules = ["3-2"]
"""
SORTED = "find = 'Object.keys(value).sort();'\n"
node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def run(
    repository: Path, *options: str | Path, lists: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """tools/mutants/run.py, with lists of a test where there are some."""
    command = [sys.executable, repository / "tools" / "mutants" / "run.py", *options]
    given = [] if lists is None else ["--lists", lists]
    return subprocess.run(
        [*command, *given], capture_output=True, text=True, timeout=240, check=False
    )


def judged(repository: Path, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """One mutant of a test."""
    (folder / "own.toml").write_text(HEAD + text, encoding="utf-8")
    return run(repository, lists=folder)


@node
def test_a_sample_of_the_mutants_is_killed(repository: Path) -> None:
    """One of each list."""
    done = run(repository, "--sample", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 survived, 0 wrong" in done.stdout


@node
def test_a_mutant_that_survives_fails(repository: Path, tmp_path: Path) -> None:
    done = judged(repository, tmp_path, SORTED + "replace = 'Object.keys(value).sort() ;'\n")
    assert done.returncode == 1
    assert "survived own/an-example: no case tells" in done.stdout


@node
def test_a_mutant_that_is_called_equal_and_is_not_fails(repository: Path, tmp_path: Path) -> None:
    wrong = "replace = 'Object.keys(value);'\nequal = 'It is said to be the same.'\n"
    done = judged(repository, tmp_path, SORTED + wrong)
    assert done.returncode == 1
    assert "wrong    own/an-example: called equal, and canonical/json/members-sorted" in done.stdout


@node
def test_a_text_that_is_no_longer_there_fails(repository: Path, tmp_path: Path) -> None:
    done = judged(repository, tmp_path, "find = 'no such text'\nreplace = 'another'\n")
    assert done.returncode == 1
    assert "its text to find occurs 0 times in spec/ports/javascript/canonical.js" in done.stdout


@node
def test_a_mutant_that_is_no_program_fails(repository: Path, tmp_path: Path) -> None:
    """It would be killed by every case, and say nothing of them."""
    done = judged(repository, tmp_path, SORTED + "replace = 'Object.keys(value).sort(;'\n")
    assert done.returncode == 1
    assert "is not a valid program: SyntaxError" in done.stdout


def test_a_list_with_an_unknown_key_is_refused(repository: Path, tmp_path: Path) -> None:
    done = judged(repository, tmp_path, SORTED + "replace = 'x'\nwhy = 'x'\n")
    assert done.returncode == 1
    assert done.stderr == "mutants: own/an-example: missing or unknown keys: why\n"


def test_mutants_name_rules_of_the_text(repository: Path) -> None:
    done = run(repository, "--rules")
    assert done.returncode == 0, done.stderr
    assert "are broken by a mutant" in done.stdout.splitlines()[-1]


def test_every_text_to_find_is_there_once(repository: Path) -> None:
    """Without a run of any mutant, in every checkout."""
    sys.path.insert(0, str(repository / "tools"))
    try:
        from mutants.lists import read_lists

        for mutants in read_lists().values():
            for mutant in mutants:
                assert mutant.source()
    finally:
        sys.path.remove(str(repository / "tools"))
