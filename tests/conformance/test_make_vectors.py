"""The tool that writes the vectors: repeatable, and refusing what an independent source denies."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

SPEC = load_spec()


@pytest.fixture
def tool(repository: Path) -> Iterator[ModuleType]:
    """tools/make_vectors.py as a module."""
    sys.path.insert(0, str(repository / "tools"))
    try:
        yield importlib.import_module("make_vectors")
    finally:
        sys.path.remove(str(repository / "tools"))


def one_file(tool: ModuleType, check: Any, **changes: Any) -> Any:
    given = {"seed": f"{1:016x}", "stream": "vectors/test", "start": 0, "count": 2}
    case = tool.Case("test/words", given, check)
    fields = {"folder": "generator", "name": "words", "section": "5", "level": "S"}
    fields |= {"operation": "generator.words", "about": "Words.", "cases": [case]}
    return tool.VectorFile(**{**fields, "source": "arithmetic" if check else None, **changes})


def agrees(given: Any, output: Any) -> bool:
    return len(output["words"]) == given["count"]


def test_a_file_holds_what_the_operation_answers(tool: ModuleType) -> None:
    """One line a case."""
    text = tool.file_text(one_file(tool, agrees), SPEC)
    assert text.splitlines()[-3].startswith(
        '{"id": "test/words", "rules": ["5-2"], "input": {"seed"'
    )
    assert tool.file_text(one_file(tool, agrees), SPEC) == text


def denies(given: Any, output: Any) -> str:
    return "the third word is missing"


def asserts(given: Any, output: Any) -> None:
    assert len(output["words"]) == 3, "no third word"


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (denies, "the third word is missing"),
        (asserts, "no third word"),
        (lambda given, output: False, "False"),
    ],
)
def test_a_disagreement_is_refused_with_the_case(tool: ModuleType, check: Any, words: str) -> None:
    """Neither a false verdict nor a failed assertion gets into a file."""
    with pytest.raises(tool.VectorError, match=f"words.json: test/words: arithmetic.*{words}"):
        tool.file_text(one_file(tool, check), SPEC)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "a source is stated"),
        ({"level": "X"}, "not known"),
        ({"operation": "generator.nothing"}, "no operation"),
        ({"name": "syllables"}, r"syllables\.json: test/words: no rules"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    tool: ModuleType, changes: dict[str, Any], words: str
) -> None:
    """A source without a check, an unknown level or operation, a case without rules."""
    with pytest.raises(tool.VectorError, match=words):
        tool.file_text(one_file(tool, agrees, **changes), SPEC)


def test_files_that_do_not_fit_together_are_refused(tool: ModuleType, tmp_path: Path) -> None:
    """A case id in two files, and a section of two levels."""
    text = tool.file_text(one_file(tool, agrees), SPEC)
    with pytest.raises(tool.VectorError, match=r"in required/test/a\.json already"):
        tool.check_together({"required/test/a.json": text, "required/test/b.json": text}, {})
    present = tmp_path / "c.json"
    present.write_text(text.replace("test/words", "test/other").replace('"S"', '"D"'))
    with pytest.raises(tool.VectorError, match="a section has one level"):
        tool.check_together({"required/test/a.json": text}, {"required/test/c.json": present})


def test_the_files_are_what_the_tool_makes(repository: Path) -> None:
    """Of the quick sections here; `make check-spec` compares all of them."""
    command = [sys.executable, "tools/make_vectors.py", "--check", "--only"]
    done = subprocess.run(
        [*command, "canonical", "generator", "geometry", "manifests", "resize"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
