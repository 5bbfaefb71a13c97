"""Answers of an implementation: read, checked, counted, refused."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from biobench.cli import execute
from biobench.commands.conformance import verdict_line
from biobench.conformance.answers import (
    MAX_BYTES,
    ConformanceReport,
    Tally,
    answers_document,
    check_answers,
    check_outcomes,
    read_answers,
)
from biobench.conformance.own_answers import run
from biobench.conformance.vectors import read_vectors
from biobench.errors import DataError, SpecError
from biobench.spec.load import load_spec

SPEC = load_spec()
FILES = read_vectors(SPEC)
CLAIMED = ("generator", "canonical")
WORDS = "generator/words/suite-seed"


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Right answers to two sections, as a port would write them."""
    chosen = [vectors for vectors in FILES if vectors.folder in CLAIMED]
    return answers_document(run(chosen, SPEC), SPEC)


def write(folder: Path, value: Any) -> Path:
    path = folder / "answers.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_own_answers_are_an_answers_file_and_right(answers: dict[str, Any], tmp_path: Path) -> None:
    """The file that `run --answers` writes is taken by `check`."""
    jsonschema.Draft202012Validator(dict(SPEC.schema("answers"))).validate(answers)
    report = check_answers(read_answers(write(tmp_path, answers), SPEC, FILES), FILES)
    assert report.faults == []
    for tally in report.tallies:
        assert tally.claimed is (tally.section in CLAIMED)
        assert (tally.wrong, tally.right) == (0, tally.cases if tally.claimed else 0)
        assert tally.right + tally.unanswered == tally.cases
    assert {tally.section for tally in report.tallies} == {vectors.folder for vectors in FILES}


def test_a_wrong_and_a_missing_answer(answers: dict[str, Any]) -> None:
    """Each is a line with the case's id; the counts say where."""
    changed = copy.deepcopy(answers)
    changed["answers"][WORDS]["words"][0] = 16 * "0"
    del changed["answers"]["canonical/json/escapes"]
    report = check_answers(changed, FILES)
    assert [line.split(":")[0] for line in report.faults] == [
        "required/canonical/json.json canonical/json/escapes",
        f"required/generator/words.json {WORDS}",
    ]
    counts = {t.section: (t.wrong, t.unanswered) for t in report.tallies if t.claimed}
    assert counts == {"canonical": (0, 1), "generator": (1, 0)}


def test_what_is_not_claimed_is_counted_and_no_fault(answers: dict[str, Any]) -> None:
    """A port grows section by section."""
    changed = {**copy.deepcopy(answers), "sections": ["canonical"]}
    changed["answers"][WORDS] = None
    report = check_answers(changed, FILES)
    assert report.faults == []
    (generator,) = (t for t in report.tallies if t.section == "generator")
    assert (generator.claimed, generator.wrong) == (False, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "biobench.results/1"}, "must be"),
        ({"answers": []}, "mapping"),
        ({"sections": ["generator", "generator"]}, "twice"),
        ({"sections": ["generato"]}, "generator"),
        ({"answers": {"generator/words/xyzzy": 1}}, "xyzzy"),
        ({"xyzzy": 1}, "unknown key"),
        ({"implementation": {"name": "p", "version": "1"}}, "language"),
        ({"spec": {"version": "1.0.0", "digest": "sha256:" + 64 * "0"}}, "sha256:000"),
        ({"spec": {"version": "1.0.0", "digest": "sha256:0"}}, "wrong form"),
        ({"spec": {"version": "9.9.9", "digest": SPEC.digest}}, "9.9.9"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    answers: dict[str, Any], tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """In one line that names the file: another schema, another specification, unknown names."""
    path = write(tmp_path, {**answers, **change})
    with pytest.raises(DataError, match=words) as caught:
        read_answers(path, SPEC, FILES)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": 1, "a": 2}', '"\\ud800"'])
def test_no_answers_file_at_all(tmp_path: Path, text: str) -> None:
    """Whatever it is, exit 3 and one line."""
    with pytest.raises(DataError):
        read_answers(write(tmp_path, text), SPEC, FILES)
    with pytest.raises(DataError, match="cannot be read"):
        read_answers(tmp_path / "absent.json", SPEC, FILES)


def test_an_operation_that_fails_is_a_wrong_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are still checked; an answers file with a hole is not written."""
    from biobench.spec.generator import Stream

    def broken(self: Stream, n: int, start: int = 0) -> Any:
        raise ZeroDivisionError("no luck")

    monkeypatch.setattr(Stream, "permutation", broken)
    chosen = [vectors for vectors in FILES if vectors.folder == "generator"]
    outcomes = run(chosen, SPEC)
    report = check_outcomes(outcomes, chosen)
    assert len(report.faults) == 6
    assert all("ZeroDivisionError: no luck" in line for line in report.faults)
    assert report.tallies[0].right == report.tallies[0].cases - 6
    with pytest.raises(SpecError, match="generator/permutation"):
        answers_document(outcomes, SPEC)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "conforms at level S"),
        ({"generator": "unclaimed"}, "conforms at no level; S lacks generator"),
        ({"canonical": "wrong", "generator": "unclaimed"}, "S lacks canonical, generator"),
        ({"bmp": "right"}, "conforms at level S"),
        (
            {"decode": "right", "exact-layers": "right", "svm": "wrong"},
            "conforms at levels S, D and F; P lacks svm",
        ),
        (
            {"decode": "right", "exact-layers": "wrong", "svm": "right"},
            "conforms at levels S, D and P; F lacks exact-layers",
        ),
        (
            {"decode": "right", "exact-layers": "right", "svm": "right"},
            "conforms at levels S, D, F and P",
        ),
    ],
)
def test_a_verdict_on_each_level(change: dict[str, str], verdict: str) -> None:
    """A level needs each of its required sections, claimed and right; optional ones change none."""
    levels = {"bmp": "D", "decode": "D", "canonical": "S", "generator": "S"}
    levels |= {"exact-layers": "F", "svm": "P"}
    outcomes = {"canonical": "right", "generator": "right"} | change
    report = ConformanceReport(
        [
            Tally(
                section, level, section != "bmp", outcomes.get(section, "unclaimed") != "unclaimed",
                cases=2, right=2 - (outcomes.get(section) == "wrong"),
            )
            for section, level in levels.items()
        ]
    )  # fmt: skip
    text = verdict_line(report.verdicts())
    assert verdict in text
    if "lacks" not in verdict:
        assert text.startswith(verdict)


@pytest.mark.slow
def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Table, lines and exit codes, as a port's author and a CI job meet them."""
    path = tmp_path / "answers.json"
    command = ["conformance", "run", "--section", "generator", "--answers", str(path)]
    assert execute(command) == 0
    out, err = capsys.readouterr()
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["generator", "S", "34", "34"],
        ["all", "34", "34", "0"],
    ]
    assert err == ""

    assert execute(["conformance", "check", str(path)]) == 0
    out, _ = capsys.readouterr()
    (row,) = (line for line in out.splitlines() if line.startswith("generator"))
    assert row.split() == ["generator", "S", "34", "34", "0", "0", "yes"]
    (row,) = (line for line in out.splitlines() if line.startswith("canonical"))
    assert row.split()[-1] == "no"
    assert "conforms at no level; S lacks aggregate" in out

    document = json.loads(path.read_bytes())
    document["answers"][WORDS] = {"words": []}
    path.write_text(json.dumps(document))
    assert execute(["conformance", "check", str(path)]) == 6
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        f"required/generator/words.json {WORDS}: /words has 0 items, not 4",
        "biobench: conformance: 1 answer is wrong or missing",
    ]
    assert execute(["conformance", "check", str(path), "--json"]) == 6
    out, _ = capsys.readouterr()
    report = json.loads(out)
    assert report["spec"] == {"version": SPEC.version, "digest": SPEC.digest}
    assert report["faults"] == [f"required/generator/words.json {WORDS}: /words has 0 items, not 4"]
    assert sum(tally["wrong"] for tally in report["tallies"]) == 1
    levels = {verdict["level"]: verdict["conforms"] for verdict in report["verdicts"]}
    assert levels == dict.fromkeys("SDFP", False)

    path.write_text("{}")
    assert execute(["conformance", "check", str(path)]) == 3
    assert execute(["conformance", "run", "--section", "xyzzy"]) == 2
    assert execute(["conformance", "run", "--spec", str(tmp_path)]) == 4


def test_a_claim_of_nothing_does_not_hold(
    answers: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table is shown; a continuous integration that claims nothing is not green."""
    path = write(tmp_path, {**answers, "sections": []})
    assert execute(["conformance", "check", str(path)]) == 6
    out, err = capsys.readouterr()
    assert "generator" in out
    assert err.startswith(f"biobench: {path}: claims nothing")
    assert execute(["conformance", "check", str(path), "--json"]) == 6


def test_files_that_are_no_plain_files(answers: dict[str, Any], tmp_path: Path) -> None:
    """A pipe that nobody writes to and a device do not hang; a byte order mark is named."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(DataError, match="not a plain file"):
            read_answers(path, SPEC, FILES)
    with pytest.raises(DataError, match="is a folder"):
        read_answers(tmp_path, SPEC, FILES)
    marked = tmp_path / "marked.json"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(answers).encode())
    with pytest.raises(DataError, match="without a byte order mark"):
        read_answers(marked, SPEC, FILES)
    long = tmp_path / "long.json"
    with open(long, "wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(DataError, match="more than 64 MB"):
        read_answers(long, SPEC, FILES)


@pytest.mark.slow
def test_answers_from_the_shell(answers: dict[str, Any], tmp_path: Path) -> None:
    """`conformance check <(port)`: the shell gives a pipe."""
    path = write(tmp_path, answers)
    line = f"{sys.executable} -m biobench conformance check <(cat {path})"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_narrow_table_folds(
    answers: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In 40 columns every section still has its counts."""
    monkeypatch.setenv("COLUMNS", "40")
    assert execute(["conformance", "check", str(write(tmp_path, answers))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    i = lines.index("generator (S) claimed")
    assert lines[i + 1] == "  34 right, 0 wrong, 0 unanswered"
    sections = len({vectors.folder for vectors in FILES})
    assert lines[2 * sections] == f"all claimed 2 of {sections}"
    assert lines[2 * sections + 2].startswith("conforms at no level; ")


def test_a_folder_for_the_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused before anything is computed."""
    assert execute(["conformance", "run", "--answers", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
