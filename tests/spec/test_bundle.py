"""The bundle and its digest: the one number that says which specification made a score."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from specification import V1, copy_of_the_specification, replace

from biobench.errors import SpecError
from biobench.spec.bundle import bundle_bytes
from biobench.spec.load import load_spec

SPEC = load_spec()


def test_every_document_and_schema_is_in_it() -> None:
    """A file that the digest did not cover could be changed without a trace."""
    files = {p.relative_to(V1).as_posix() for p in V1.rglob("*") if p.is_file()}
    assert set(SPEC.bundle()) == files


def test_the_digest_is_that_of_the_exported_bytes() -> None:
    """Whoever has the export can compute the digest with any RFC 8785 library."""
    data = bundle_bytes(SPEC.bundle())
    assert json.loads(data) == SPEC.bundle()
    again = load_spec(V1.parent)
    assert again.digest == SPEC.digest
    assert bundle_bytes(again.bundle()) == data


def test_the_digest_ignores_key_order_and_file_order(tmp_path: Path) -> None:
    """Neither an editor nor a file system that lists otherwise moves it."""
    for path in sorted(V1.rglob("*"), reverse=True):
        target = tmp_path / path.relative_to(V1)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".yaml":
            value = yaml.safe_load(path.read_text(encoding="utf-8"))
            # Every JSON text is YAML, and PyYAML is a second reader of the documents.
            target.write_text(json.dumps(turn(value), ensure_ascii=False), encoding="utf-8")
        elif path.is_file():
            shutil.copy(path, target)
    assert load_spec(tmp_path).digest == SPEC.digest


def turn(value: object) -> object:
    """The same value with every mapping's keys in reverse order."""
    if isinstance(value, dict):
        return {key: turn(member) for key, member in reversed(value.items())}
    return [turn(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("suite.yaml", "seed: 17", "seed: 18"),
        ("protocols/knn.yaml", "  k: 1\n", "  k: 2\n"),
        ("tasks/beluga.yaml", "title: Beluga individuals", "title: Belugas"),
        ("schema/view-image.schema.json", "View: one image an item", "View"),
        ("conformance/required/generator/mix.json", "e220a8397b1dcdaf", "e220a8397b1dcdae"),
    ],
)
def test_any_change_of_a_value_moves_the_digest(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    """Documents, schemas and vectors alike."""
    replace(copy_of_the_specification(tmp_path) / file, old, new)
    assert load_spec(tmp_path).digest != SPEC.digest


def test_comments_do_not_move_the_digest(tmp_path: Path) -> None:
    """A note for readers is no change of the benchmark."""
    v1 = copy_of_the_specification(tmp_path)
    path = v1 / "suite.yaml"
    path.write_text("# A note.\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_spec(tmp_path).digest == SPEC.digest


def test_vectors_are_in_the_bundle_and_prose_is_not() -> None:
    """A port needs nothing but the export to answer; a typing error in the text moves nothing."""
    bundle = SPEC.bundle()
    words = bundle["conformance/required/generator/words.json"]
    assert words["operation"] == "generator.words"
    assert {path.split("/")[0] for path in bundle} == {
        *("suite.yaml", "models.yaml", "tasks", "datasets", "protocols", "schema", "conformance")
    }


def test_the_bundle_stays_a_small_download() -> None:
    """Everything that a port needs, in one file of a few megabytes at most."""
    assert len(bundle_bytes(SPEC.bundle())) < 3_000_000


def test_a_vector_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    """One line, not a parser's traceback; a name that occurs twice counts as well."""
    v1 = copy_of_the_specification(tmp_path)
    path = v1 / "conformance/required/generator/words.json"
    for text in ("{", '{"a": 1, "a": 2}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SpecError, match=r"generator/words\.json"):
            load_spec(tmp_path).bundle()
