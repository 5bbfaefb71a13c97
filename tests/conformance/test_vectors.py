"""The vectors: valid, complete, right, small, and read only when they are asked for."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from biobench.conformance.operations import operations
from biobench.conformance.own_answers import run
from biobench.conformance.vectors import Vectors, read_vectors
from biobench.errors import SpecError, UsageError
from biobench.spec.load import load_spec
from biobench.spec.location import spec_root

SPEC = load_spec()
FILES = read_vectors(SPEC)
V1 = spec_root() / "v1"
PROSE = (spec_root() / "SPEC.md").read_text(encoding="utf-8")


LONG = ("weights.json", "association/intervals.json")
"""Files that take as long as fits, beside those of level T, which are fits."""


def by_time() -> Iterator[Any]:
    """The files, those that take a second marked as slow; `make check-spec` runs them too."""
    for vectors in FILES:
        slow = vectors.level == "T" or vectors.path.endswith(LONG)
        marks = [pytest.mark.slow] if slow else []
        yield pytest.param(vectors, id=vectors.path, marks=marks)


@pytest.mark.parametrize("vectors", list(by_time()))
def test_this_implementation_is_right(vectors: Vectors) -> None:
    """Every case, with the first difference in words."""
    assert [(o.id, o.wrong) for o in run([vectors], SPEC) if o.wrong is not None] == []


@pytest.mark.parametrize("vectors", FILES, ids=lambda vectors: vectors.path)
def test_a_file_is_valid(vectors: Vectors) -> None:
    """By a library for JSON Schema; and it names a section that the text has."""
    value = json.loads((V1 / "conformance" / vectors.path).read_bytes())
    jsonschema.Draft202012Validator(dict(SPEC.schema("vectors"))).validate(value)
    assert re.search(rf"^#{{2,3}} {re.escape(vectors.section)}\.? ", PROSE, re.MULTILINE)


def test_every_operation_has_vectors_and_every_vector_an_operation() -> None:
    """An operation without a vector proves nothing; a vector without one cannot be answered."""
    assert {vectors.operation for vectors in FILES} == set(operations())


def test_the_porting_guide_lists_every_operation_and_section() -> None:
    """Whoever ports finds the members of each input and output."""
    guide = (spec_root() / "PORTING.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z_0-9.-]+)` \| ", guide, re.MULTILINE)
    assert sorted(name for name in listed if "." in name) == sorted({v.operation for v in FILES})
    rows = re.findall(r"^\| `([a-z_0-9-]+)` \| ([SDFP]) \| ", guide, re.MULTILINE)
    assert sorted(rows) == sorted({(v.folder, v.level) for v in FILES})


def test_the_porting_guide_names_the_members_of_digested_inputs() -> None:
    """Whoever leaves one out computes another digest."""
    guide = (spec_root() / "PORTING.md").read_text(encoding="utf-8").splitlines()
    for vectors in FILES:
        if vectors.operation.startswith("digest."):
            (row,) = (line for line in guide if line.startswith(f"| `{vectors.operation}` |"))
            for case in vectors.cases:
                assert {name for name in case.input if f"`{name}`" not in row} == set(), case.id


def test_there_are_enough_and_they_stay_small() -> None:
    """Hundreds of cases in a bundle that anyone can download in a moment: 2.9 MB, since cases of
    image files need their bytes and their pixels."""
    assert sum(len(vectors.cases) for vectors in FILES) >= 300
    assert sum(p.stat().st_size for p in (V1 / "conformance").rglob("*")) < 2_900_000


def copy_of_the_specification(folder: Path) -> Path:
    """A copy of v1/ with the vectors of the generator alone."""
    target = folder / "v1"
    shutil.copytree(V1, target, ignore=shutil.ignore_patterns("conformance"))
    kept = "conformance/required/generator"
    shutil.copytree(V1 / kept, target / kept)
    return target


def test_loading_reads_no_vector(tmp_path: Path) -> None:
    """A run that needs no vector does not pay for them; whoever asks gets the broken one's name."""
    v1 = copy_of_the_specification(tmp_path)
    (v1 / "conformance/required/generator/words.json").write_text("{")
    spec = load_spec(tmp_path)
    assert spec.task_ids()
    with pytest.raises(SpecError, match=r"generator/words\.json"):
        read_vectors(spec)
    with pytest.raises(SpecError, match=r"generator/words\.json"):
        spec.bundle()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"level": "X"}, "not known"),
        ({"xyzzy": 1}, "unknown key"),
        ({"cases": []}, "0 items"),
        ({"level": "D"}, "has level"),
        ({"operation": "words"}, "wrong form"),
    ],
)
def test_a_file_with_a_flaw_is_refused(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """In one line that names the file."""
    path = copy_of_the_specification(tmp_path) / "conformance/required/generator/words.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    with pytest.raises(SpecError, match=words) as caught:
        read_vectors(load_spec(tmp_path))
    assert "generator/words.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_case_id_is_used_once(tmp_path: Path) -> None:
    """Answers are by id."""
    folder = copy_of_the_specification(tmp_path) / "conformance/required/generator"
    shutil.copy(folder / "words.json", folder / "words_again.json")
    with pytest.raises(SpecError, match=r"words_again\.json.* in .*words\.json already"):
        read_vectors(load_spec(tmp_path))


def test_sections_can_be_chosen() -> None:
    """One section, or a line that says which there are."""
    assert {v.folder for v in read_vectors(SPEC, ["generator"])} == {"generator"}
    with pytest.raises(UsageError, match=r"'generato'.*'generator'"):
        read_vectors(SPEC, ["generato"])


@pytest.mark.slow
def test_operations_do_not_load_the_heavy_libraries() -> None:
    """A check of the metrics does not wait for torch."""
    import subprocess

    code = (
        "import sys; from biobench.conformance.operations import operations; operations(); "
        "print(sorted({'torch', 'sklearn', 'transformers', 'faiss'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
