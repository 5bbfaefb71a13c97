"""The schemas: closed, complete, and judged by the loader as JSON Schema has it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from specification import V1

from biobench.spec.load import load_spec
from biobench.spec.problems import unescape
from biobench.spec.schema_errors import FORMS, WORDS, flaws

LIBRARY = load_spec().library
SCHEMAS = LIBRARY.schemas
READ_BY_THE_LOADER = sorted(set(SCHEMAS) - {"results", "manifest", "curve", "frames"})
PROTOCOLS = sorted(LIBRARY.by_id["protocol"])


def judged(value: Any, schema: Any) -> bool:
    """Return whether the library takes a value."""
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every subschema."""
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key in ("properties", "$defs"):
                for member in value.values():
                    yield from parts(member)
            elif key in ("items", "if", "then", "else", "additionalProperties"):
                yield from parts(value)
            elif key in ("oneOf", "prefixItems"):
                for member in value:
                    yield from parts(member)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_a_schema(name: str) -> None:
    """Each file is JSON Schema 2020-12 and named by its own $id."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"urn:biobench:schema:1:{name}"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_no_object_is_open_by_accident(name: str) -> None:
    """An unknown key is refused wherever keys are listed; a free mapping says what its values are.

    Mappings whose keys another schema gives (by kind) are the only ones that state neither.
    """
    by_kind = {("task", "view"), ("task", "options"), ("dataset", "options")}
    by_kind |= {("protocol", "constants"), ("protocol", "compat")}

    def check(schema: Any, key: str) -> None:
        if not isinstance(schema, dict):
            return
        kinds = schema.get("type")
        if (kinds == "object" or "properties" in schema) and "if" not in key:
            assert "additionalProperties" in schema or (name, key) in by_kind, (name, key)
        for word in ("properties", "$defs"):
            for child, member in schema.get(word, {}).items():
                check(member, child)
        for word in ("items", "additionalProperties"):
            check(schema.get(word), word)
        for member in schema.get("oneOf", []):
            check(member, key)

    check(SCHEMAS[name], "")


STRUCTURE = frozenset(
    (
        *("$schema", "$id", "$defs", "$ref", "title", "description", "if", "then", "else"),
        *("properties", "required", "additionalProperties", "pattern", "items"),
    )
)
"""Keywords without words of their own: they lead to others, or have flaws of a special kind."""


@pytest.mark.parametrize("name", READ_BY_THE_LOADER)
def test_there_are_words_for_every_keyword(name: str) -> None:
    """A flaw of a document is said in words for people, never in those of a program."""
    used = {keyword for part in parts(SCHEMAS[name]) for keyword in part}
    assert used <= STRUCTURE | set(WORDS)


@pytest.mark.parametrize("path", sorted(LIBRARY.documents))
def test_documents_pass_the_library_too(path: str) -> None:
    """Another reader of the schemas takes every document."""
    document = LIBRARY.documents[path]
    jsonschema.Draft202012Validator(SCHEMAS[document.kind]).validate(document.value)


@pytest.mark.parametrize(
    ("protocol", "constant"),
    [(p, c) for p in PROTOCOLS for c in LIBRARY.by_id["protocol"][p].value["constants"]],
)
def test_every_constant_is_required(protocol: str, constant: str) -> None:
    """Deleting any one constant from a protocol document makes it invalid, for both readers."""
    value = LIBRARY.by_id["protocol"][protocol].value
    schema = SCHEMAS[f"protocol-{value['kind']}"]
    constants = {k: v for k, v in value["constants"].items() if k != constant}
    assert not judged(constants, schema)
    assert [flaw.error for flaw in flaws(constants, schema)] == ["missing-key"]


def places(value: Any, pointer: str = "") -> Iterator[str]:
    """Pointers of every value below the root."""
    if isinstance(value, dict):
        for key, member in value.items():
            token = key.replace("~", "~0").replace("/", "~1")
            yield f"{pointer}/{token}"
            yield from places(member, f"{pointer}/{token}")
    elif isinstance(value, list):
        for i, member in enumerate(value):
            yield f"{pointer}/{i}"
            yield from places(member, f"{pointer}/{i}")


DOCUMENTS = sorted(LIBRARY.documents)
ODD = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.0, 1.5, "", "x", "image", "../x", [], [1, 1], {}, {"id": "a"}]
)


@given(st.data())
def test_the_loader_judges_like_the_library(data: st.DataObject) -> None:
    """On documents with a value replaced, removed or added, both say the same."""
    document = LIBRARY.documents[data.draw(st.sampled_from(DOCUMENTS))]
    value = copy.deepcopy(document.value)
    target = data.draw(st.sampled_from(sorted(places(value))))
    keys = [unescape(token) for token in target.split("/")[1:]]
    holder = value
    for key in keys[:-1]:
        holder = holder[int(key) if isinstance(holder, list) else key]
    last: Any = int(keys[-1]) if isinstance(holder, list) else keys[-1]
    action = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if action == "replace":
        holder[last] = data.draw(ODD)
    elif action == "remove":
        del holder[last]
    elif isinstance(holder, dict):
        holder[data.draw(st.sampled_from(["extra", "kind", "id", "extends"]))] = data.draw(ODD)
    else:
        holder.append(data.draw(ODD))
    schema = SCHEMAS[document.kind]
    assert (flaws(value, schema) == []) == judged(value, schema)


def example() -> dict[str, Any]:
    """A result document in full."""
    value = json.loads((Path(__file__).parent / "results.json").read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def test_a_result_is_valid() -> None:
    """The shape that other tools rely on."""
    jsonschema.Draft202012Validator(SCHEMAS["results"]).validate(example())


@pytest.mark.parametrize("pointer", [p for p in places(example()) if not p[-1].isdigit()])
def test_every_name_of_a_result_is_fixed(pointer: str) -> None:
    """A renamed member is refused, wherever names are not ids."""
    value = example()
    keys = [unescape(token) for token in pointer.split("/")[1:]]
    holder: Any = value
    for key in keys[:-1]:
        holder = holder[int(key) if isinstance(holder, list) else key]
    free = {
        "/tasks",
        "/environment/packages",
        "/environment/builds",
        "/environment/variables",
        "/environment/torch",
        "/tasks/demo-beluga/metrics",
    }
    free |= {"/tasks/demo-beluga/cost/stages"}
    holder[f"{keys[-1]}x"] = holder.pop(keys[-1])
    assert judged(value, SCHEMAS["results"]) == (pointer.rpartition("/")[0] in free)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("official", True),
        ("schema", "biobench.results/2"),
        ("division", "mine"),
        ("unofficial_reasons", []),
        ("bad_images", -1),
        ("n_train", 0),
        ("tasks", {}),
    ],
)
def test_a_wrong_result_is_refused(place: str, wrong: Any) -> None:
    """Above all: official needs every condition, and unofficial needs a reason."""
    value = example()
    value[place] = wrong
    assert not judged(value, SCHEMAS["results"])


def test_an_official_result_is_possible_only_in_the_benchmark() -> None:
    """The conditions that the document itself shows are part of the schema."""
    value = {**example(), "official": True, "unofficial_reasons": [], "suite": "biobench"}
    assert judged(value, SCHEMAS["results"])
    for place, wrong in (
        ("suite", "demo"),
        ("division", "compat"),
        ("n_train", 5),
        ("bad_images", 1),
        ("mean", None),
        ("unofficial_reasons", ["no"]),
    ):
        assert not judged({**value, place: wrong}, SCHEMAS["results"]), place


def declared_entry() -> dict[str, Any]:
    """A task whose score is published elsewhere."""
    names = ("protocol", "interval", "clusters", "cluster_unit", "counts", "predictions", "cost")
    nothing = {**dict.fromkeys(names), "no_interval": "declared"}
    score = {"score": 0.8, "metrics": {"accuracy": 0.8}}
    digests = {"score": "sha256:" + "0" * 64}
    return {
        **nothing, **score, "version": 1, "metric": "accuracy", "higher_is_better": True,
        "declared": True, "source": "a paper", "errata": [], "digests": digests,
    }  # fmt: skip


def test_a_declared_entry_has_a_source_and_nothing_that_was_run() -> None:
    """And an entry that was run has all of it, and no source."""
    value = example()
    value["tasks"]["imagenet1k"] = declared_entry()
    assert judged(value, SCHEMAS["results"])
    run = value["tasks"]["demo-beluga"]
    for key in ("protocol", "counts", "predictions", "cost"):
        value["tasks"]["imagenet1k"] = {**declared_entry(), key: run[key]}
        assert not judged(value, SCHEMAS["results"]), key
        value["tasks"] = {"demo-beluga": {**run, key: None}}
        assert not judged(value, SCHEMAS["results"]), key
        value["tasks"] = {"demo-beluga": run}
    entry = declared_entry()
    del entry["source"]
    for wrong in (
        {"imagenet1k": entry},
        {"imagenet1k": {**declared_entry(), "digests": run["digests"]}},
        {"imagenet1k": {**declared_entry(), "errata": ["none"]}},
        {"demo-beluga": {**run, "source": "a paper"}},
        {"demo-beluga": {**run, "digests": declared_entry()["digests"]}},
    ):
        assert not judged({**value, "tasks": wrong}, SCHEMAS["results"]), wrong
    official = {**value, "official": True, "unofficial_reasons": [], "suite": "biobench"}
    mean = {**value["mean"], "declared": ["imagenet1k"]}
    assert judged({**value, "mean": mean}, SCHEMAS["results"])
    assert judged(official, SCHEMAS["results"])
    assert not judged({**official, "mean": mean}, SCHEMAS["results"])


def test_schema_files_end_with_a_newline_and_have_no_bom() -> None:
    """They are read by tools that are picky about either."""
    for path in sorted((V1 / "schema").glob("*.json")):
        data = path.read_bytes()
        assert data.endswith(b"}\n")
        assert data.isascii()


def test_every_pattern_of_a_document_has_words() -> None:
    """A person who mistypes an id is told the form of ids; words for no pattern are not kept."""
    found = [part for name in READ_BY_THE_LOADER for part in parts(SCHEMAS[name])]
    assert {part["pattern"] for part in found if "pattern" in part} == set(FORMS)
