"""`spec validate` looks at the vectors too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from biobench.cli import execute
from biobench.conformance.validate import validate
from biobench.spec.location import spec_root


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    return Path(shutil.copytree(spec_root() / "v1", tmp_path / "v1"))


@pytest.mark.slow
def test_flaws_of_vectors_are_problems(v1: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each in one line with its file, and exit 4."""
    assert validate(v1) == []
    folder = v1 / "conformance" / "required" / "generator"
    words = json.loads((folder / "words.json").read_text())
    (folder / "again.json").write_text(json.dumps(words))
    (folder / "broken.json").write_text("{")
    (folder / "mix.json").write_text(json.dumps({**words, "level": "X"}))
    problems = validate(v1)
    first = words["cases"][0]["id"]
    assert [(Path(p.file).name, p.pointer, p.error) for p in problems] == [
        ("broken.json", "", "syntax"),
        ("mix.json", "/level", "value"),
        *(("words.json", f"/cases/{i}/id", "duplicate-id") for i in range(len(words["cases"]))),
    ]
    assert f"{first} is in conformance/required/generator/again.json already" in str(problems[2])
    assert execute(["spec", "validate", str(v1.parent)]) == 4
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(problem) for problem in problems]
    assert err == f"biobench: {v1.parent}: not valid: {len(problems)} problems\n"


@pytest.mark.slow
def test_one_file_or_folder_of_vectors(v1: Path) -> None:
    """A part of the folder has its own problems alone."""
    section = v1 / "conformance" / "required" / "holm"
    section.mkdir()
    (section / "x.json").write_text("[]")
    for path in (section / "x.json", section, v1 / "conformance"):
        assert [p.error for p in validate(path)] == ["type"]
    assert validate(v1 / "conformance" / "optional") == []
    assert validate(v1 / "tasks") == []


def test_a_broken_schema_of_vectors(v1: Path) -> None:
    """Said once; the vectors are then not looked at."""
    (v1 / "schema" / "vectors.schema.json").write_text("{")
    assert [Path(p.file).name for p in validate(v1)] == ["vectors.schema.json"]
