"""Files of a specification's folder beside the documents: strays, schemas, parts of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from specification import copy_of_the_specification, replace

from biobench.errors import SpecError
from biobench.spec.load import load_spec
from biobench.spec.validate import validate


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    return copy_of_the_specification(tmp_path)


def test_files_and_folders_with_no_meaning_are_named(v1: Path) -> None:
    """A document that nobody reads is no document; a folder is one line, whatever is in it."""
    (v1 / "foo" / "bar").mkdir(parents=True)
    (v1 / "foo" / "bar" / "x.yaml").write_text("a: 1")
    (v1 / "tasks" / "beluga.yml").write_text("a: 1")
    (v1 / "tasks" / ".beluga.yaml.swp").write_text("left by an editor")
    (v1 / "schema" / "task.json").write_text("{}")
    (v1 / "conformance" / "required" / "words.json").write_text("{}")
    (v1 / "conformance" / "other").mkdir()
    problems = validate(v1)
    assert [p.file.removeprefix(f"{v1}/") for p in problems] == [
        "conformance/other/",
        "conformance/required/words.json",
        "foo/",
        "schema/task.json",
        "tasks/beluga.yml",
    ]
    assert {p.error for p in problems} == {"wrong-name"}
    assert str(problems[-1]).endswith("nobody reads this file; name it beluga.yaml")
    assert str(problems[2]).startswith(f"{v1}/foo/: nobody reads this folder; move it out")


def test_a_schema_that_is_no_json(v1: Path) -> None:
    """In a folder of the user's own the remedy is there, not in the installation."""
    (v1 / "schema" / "task.schema.json").write_text('{"a": 1,}')
    (v1 / "schema" / "suite.schema.json").unlink()
    problems = validate(v1)
    assert [(Path(p.file).name, p.line, p.error) for p in problems] == [
        ("task.schema.json", None, "syntax"),
        ("suite.schema.json", None, "no-file"),
    ]
    with pytest.raises(SpecError, match=r"task\.schema\.json: the schema is not JSON") as caught:
        load_spec(v1)
    assert "install" not in str(caught.value)


@pytest.mark.parametrize(
    ("keyword", "value", "error"),
    [
        ("type", "text", "value"),
        ("$ref", "#/$defs/absent", "unknown-reference"),
        ("pattern", "(", "value"),
        ("minItems", -1, "value"),
    ],
)
def test_a_schema_that_cannot_be_used(v1: Path, keyword: str, value: object, error: str) -> None:
    """Reported before a document is checked against it."""
    path = v1 / "schema" / "models.schema.json"
    schema = json.loads(path.read_text())
    schema["properties"]["models"][keyword] = value
    path.write_text(json.dumps(schema))
    (problem,) = validate(v1)
    assert (problem.file, problem.error) == (str(path), error)
    assert problem.pointer == f"/properties/models/{keyword}"


@pytest.mark.slow
def test_a_part_of_a_specification_is_checked_as_the_whole(
    v1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in it, or a file, from wherever one stands: its own problems, and no others."""
    assert validate(v1 / "tasks") == validate(v1 / "datasets") == []
    assert validate(v1 / "schema" / "task.schema.json") == []
    replace(v1 / "tasks" / "beluga.yaml", "version: 1", "version: x")
    (v1 / "protocols" / "notes.txt").write_text("x")
    assert [p.pointer for p in validate(v1 / "tasks")] == ["/version"]
    assert [p.pointer for p in validate(v1 / "tasks" / "beluga.yaml")] == ["/version"]
    assert [p.error for p in validate(v1 / "protocols")] == ["wrong-name"]
    assert validate(v1 / "datasets") == []
    assert len(validate(v1)) == len(validate(v1.parent)) == 2
    for folder, path, shown in [
        (v1 / "tasks", ".", "../tasks/beluga.yaml"),
        (v1 / "tasks", "beluga.yaml", "../tasks/beluga.yaml"),
        (v1, "tasks", "./tasks/beluga.yaml"),
        (v1.parent, "v1/tasks", "v1/tasks/beluga.yaml"),
    ]:
        monkeypatch.chdir(folder)
        (problem,) = validate(Path(path))
        assert os.path.samefile(problem.file, v1 / "tasks" / "beluga.yaml")
        assert problem.file == shown


def test_own_tasks_below_the_suite_of_another_program(tmp_path: Path) -> None:
    """Three folders up is too far for suite.yaml to be ours."""
    (tmp_path / "suite.yaml").write_text("tests: all\n")
    mine = tmp_path / "a" / "b" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("task: mine\n")
    assert [p.error for p in validate(mine)] == ["missing-key"] * 4
