"""One flaw in an otherwise valid document gives one problem, at the right place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from specification import copy_of_the_specification, replace

from biobench.errors import SpecError, UsageError
from biobench.spec.load import load_spec, task_from_file
from biobench.spec.validate import validate
from biobench.spec.yaml_source import read_yaml

BELUGA = "tasks/beluga.yaml"
KNN = "protocols/knn.yaml"
FLAWS: list[dict[str, Any]] = read_yaml(Path(__file__).parent / "flaws.yaml").value


@pytest.mark.slow  # a hundred copies of the specification, each validated and loaded
@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw["flaw"].replace(" ", "-"))
def test_one_flaw_is_one_problem(tmp_path: Path, flaw: dict[str, Any]) -> None:
    """File, line, pointer, error id and remedy of one flaw; the loader refuses the same."""
    v1 = copy_of_the_specification(tmp_path)
    line = replace(v1 / flaw["file"], flaw["old"], flaw["new"])
    problems = validate(tmp_path)
    assert [p.error for p in problems] == [flaw["error"]], [str(p) for p in problems]
    problem = problems[0]
    assert problem.file == str(v1 / flaw["file"])
    assert problem.pointer == flaw["pointer"]
    if "below" in flaw:
        assert problem.line == line + flaw["below"]
    assert flaw["remedy"] in problem.remedy
    assert "\n" not in str(problem)
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path)
    assert str(caught.value) == str(problem)


def test_a_cycle_over_two_files(tmp_path: Path) -> None:
    """Two tasks that extend each other are both named, and loading ends."""
    v1 = copy_of_the_specification(tmp_path)
    replace(v1 / "tasks/demo-beluga.yaml", "extends: beluga", "extends: demo-plankton")
    replace(v1 / "tasks/demo-plankton.yaml", "extends: plankton", "extends: demo-beluga")
    problems = validate(tmp_path)
    assert {Path(p.file).name for p in problems} == {"demo-beluga.yaml", "demo-plankton.yaml"}
    assert {p.error for p in problems} == {"extends-cycle"}


def test_two_flaws_in_two_files_are_both_found(tmp_path: Path) -> None:
    """A person corrects everything in one go."""
    v1 = copy_of_the_specification(tmp_path)
    replace(v1 / BELUGA, "version: 1", "version: x")
    replace(v1 / KNN, "  k: 1\n", "  k: 0\n")
    assert [(Path(p.file).name, p.pointer) for p in validate(tmp_path)] == [
        ("beluga.yaml", "/version"),
        ("knn.yaml", "/constants/k"),
    ]
    assert [p.pointer for p in validate(v1 / KNN)] == ["/constants/k"]


def test_a_file_that_is_no_utf8(tmp_path: Path) -> None:
    """The byte is named, not a traceback."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"task: \xff\n")
    assert [p.error for p in validate(path)] == ["syntax"]


def test_nothing_to_validate(tmp_path: Path) -> None:
    """An empty folder and a missing file are problems, not successes."""
    assert [p.error for p in validate(tmp_path)] == ["no-file"]
    with pytest.raises(UsageError, match=r"absent\.yaml: is not there"):
        validate(tmp_path / "absent.yaml")


OWN = """\
task: my-moths
dataset:
  id: moths
  layout: {id: image-folder, options: {splits: {train: train, test: test}}}
split: train-test
protocol: linear_probe
metrics: [{id: macro_f1, higher_is_better: true, interval: half-jackknife}]
"""


OVERLAP = "overlapping-splits"


@pytest.mark.parametrize(
    ("old", "new", "line", "pointer", "error"),
    [
        ("split:", "slit:", 5, "/slit", "unknown-key"),
        ("protocol: linear_probe", "protocol: linear_prob", 6, "/protocol", "unknown-reference"),
        ("protocol: linear_probe\n", "", 1, "", "missing-key"),
        ("train-test", "leave-one-out", 5, "/split", "does-not-fit"),
        ("linear_probe", "knn", 6, "/protocol", "does-not-fit"),
        ("id: macro_f1", "id: top1", 7, "/metrics/0/id", "does-not-fit"),
        ("true, interval", "false, interval", 7, "/metrics/0/higher_is_better", "does-not-fit"),
        ("test: test", "test: train", 4, "/dataset/layout/options/splits/test", OVERLAP),
        ("task: my-moths\n", "task: beluga\n", 1, "/task", "duplicate-id"),
        ("task: my-moths\n", "task: beluga\nextends: beluga\n", 1, "/task", "duplicate-id"),
        ("id: image-folder", "id: folder", 4, "/dataset/layout/id", "unknown-reference"),
        ("splits: {", "split: {", 4, "/dataset/layout/options/split", "unknown-key"),
        ("  id: moths\n", "", 2, "/dataset", "missing-key"),
        ("task: my-moths\n", "task: my-moths\nextends: my-moths\n", 2, "/extends", "extends-cycle"),
        ("task: my-moths\n", "task: My Moths\n", 1, "/task", "value"),
    ],
)
def test_a_flaw_in_an_own_task(
    tmp_path: Path, old: str, new: str, line: int, pointer: str, error: str
) -> None:
    """An own task is checked like a document of the suite, and the command refuses it alike."""
    path = tmp_path / "mine.yaml"
    path.write_text(OWN)
    assert validate(path) == []
    replace(path, old, new)
    problems = validate(path)
    assert [(p.line, p.pointer, p.error) for p in problems] == [(line, pointer, error)]
    with pytest.raises(SpecError) as caught:
        task_from_file(path, load_spec())
    assert str(caught.value) == str(problems[0])
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("extends: plantnet\nprotocol: knn\n", "/protocol"),
        ("extends: plantnet\nsplit: leave-one-out\n", "/split"),
        ("extends: plantnet\ndataset: beluga\n", "/dataset"),
        (
            "extends: beluga\ndataset: {id: m, layout: {id: image-folder, "
            "options: {splits: {train: a, test: b}}}}\n",
            "/dataset",
        ),
    ],
)
def test_a_misfit_is_shown_where_the_own_task_made_it(
    tmp_path: Path, text: str, pointer: str
) -> None:
    """Inherited keys are right; the line that does not go with them is the task's own."""
    path = tmp_path / "mine.yaml"
    path.write_text("task: mine\n" + text)
    assert [(p.pointer, p.error) for p in validate(path)] == [(pointer, "does-not-fit")]
