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


def test_every_rule_with_a_case_is_broken_by_a_mutant(repository: Path) -> None:
    """A rule that is added needs a case, and a mutant that the case kills."""
    done = run(repository, "--rules")
    assert done.returncode == 0, done.stdout + done.stderr
    count, _, total, *_ = done.stdout.split()
    assert count == total


def test_a_rule_that_no_mutant_breaks_fails(repository: Path, tmp_path: Path) -> None:
    """The list of one mutant leaves all rules but its own, and an equal mutant breaks none."""
    mutant = SORTED + "replace = 'Object.keys(value);'\n"
    (tmp_path / "own.toml").write_text(HEAD + mutant, encoding="utf-8")
    done = run(repository, "--rules", lists=tmp_path)
    assert done.returncode == 1
    assert "3-1" in done.stdout.split()
    assert "3-2" not in done.stdout.split()
    (tmp_path / "own.toml").write_text(HEAD + mutant + "equal = 'Said so.'\n", encoding="utf-8")
    assert "3-2" in run(repository, "--rules", lists=tmp_path).stdout.split()


def test_a_rule_that_the_text_does_not_have_is_refused(repository: Path, tmp_path: Path) -> None:
    text = (HEAD + SORTED).replace('"3-2"', '"3-999"') + "replace = 'x'\n"
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    done = run(repository, "--rules", lists=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "mutants: rules that SPEC.md does not have: 3-999\n"


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
