"""Every field of a result is found out when it changes, or docs/verifying.md lists it as a claim.

The list is read out of the page, so that it and what `verify` does cannot drift apart.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from small_runs import Made
from tampering import held, own_tasks, resealed

from biobench import Results
from biobench._common.store import Store
from biobench.errors import BiobenchError
from biobench.metric.score import score_task
from biobench.report.result_document import result_digest
from biobench.report.results import results_of
from biobench.spec.load import load_spec
from biobench.verify import check as checking
from biobench.verify import scores
from biobench.verify.check import Places, check
from biobench.verify.from_data import Images

pytestmark = pytest.mark.slow

Path_ = tuple[Any, ...]
ALWAYS = "always"
KINDS = {
    ALWAYS: {},
    "without the store": {"store": False},
    "without the data": {"data": False, "own": True},
    "without the file of a person's own task": {"data": True, "own": False},
}
"""Circumstances in which a field is a claim, in the page's words, and how a test makes them."""


def page() -> str:
    return (Path(__file__).resolve().parents[2] / "docs/verifying.md").read_text()


def claims() -> dict[str, list[str]]:
    """The fields of results.json that the page lists, by when they are a claim."""
    text = page()
    text = text[text.index("## What stays a claim") :]
    table = text[text.index("| field |") : text.index("And of the predictions")]
    found: dict[str, list[str]] = {when: [] for when in KINDS}
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            continue
        fields, when, _ = (cell.strip() for cell in line.strip("|").split("|"))
        # What a declared score is said to be has a test of its own.
        found[when] += re.findall(r"`([^`]+)`", fields)
    return found


def is_listed(path: Path_, fields: list[str]) -> str | None:
    """The first of the fields that is the one at ``path``, or has it inside."""
    for field in fields:
        parts = field.split(".")
        if len(parts) <= len(path) and all(
            part in ("*", str(place)) for part, place in zip(parts, path, strict=False)
        ):
            return field
    return None


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The place of everything in a document that holds no fields, and of each list and object."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        yield from leaves(inner, (*path, key))


OTHER_DIGEST = "sha256:" + "5" * 64


def other_values(value: Any) -> list[Any]:
    """Values that a forger could write instead, of the kinds that a schema may take."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, max(0, value - 1), value // 2] if value else [1]
    if isinstance(value, float):
        return [value + 0.125, value * 0.5]
    if isinstance(value, str):
        digest = value.startswith("sha256:")
        return [OTHER_DIGEST] if digest else [f"{value}x", *SWAPPED.get(value, [])]
    if isinstance(value, list):
        return [value[:-1], [*value, value[-1] if value else "more"]]
    if isinstance(value, dict):
        return [{**value, "more": next(iter(value.values()), 1)}, dict(list(value.items())[1:])]
    return [1, "more", OTHER_DIGEST, {}]


SWAPPED = {
    "official": ["open", "compat"],
    "open": ["official", "compat"],
    "float32": ["float16", "bfloat16"],
    "python": ["hub", "local"],
    "biobench": ["demo", "prior-work"],
    "prior-work": ["demo", "biobench"],
    "knn": ["svm"],
    "nearest_centroid": ["knn"],
    "macro_f1": ["accuracy"],
    "D": ["S", "T"],
    "S": ["D", "T"],
    "E": ["F", "P", "T"],
    "P": ["S", "E", "T"],
    "squash": ["shortest"],
    "bilinear": ["bicubic"],
    "floor": ["half-even"],
}


def place(document: Any, path: Path_) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document


def changed(made: Made, path: Path_, value: Any) -> dict[str, Any]:
    """The document with another value, and with all that follows from it as far as it can be made
    to fit: never the value itself."""
    document = copy.deepcopy(made.results.document)
    place(document, path)[path[-1]] = value
    plain = path[0] in ("unofficial_reasons", "official")
    try:
        resealed(document, made, reasons=not plain)
    except (KeyError, TypeError, AttributeError, ValueError, BiobenchError):
        return document
    if path[0] == "digests" or path[:1] + path[2:3] == ("tasks", "digests"):
        place(document, path)[path[-1]] = value
        if path != ("digests", "result"):
            document["digests"]["result"] = result_digest(document)
    return document


def is_found_out(made: Made, document: dict[str, Any], when: str) -> bool:
    """Return whether verify names a stage, or does not read it at all (exit 3)."""
    looked = {"data": True, "own": True, "store": True} | KINDS[when]
    images = Images(
        made.folder / "data" if looked["data"] else None,
        own_tasks(made) if looked["own"] else {},
        workers=1,
        quiet=True,
    )
    places = Places(images, [Store(made.folder / "store")] if looked["store"] else [])
    # A submission's predictions: they have no file, and so no names of classes.
    alone = held(made) if when == "without the data" else None
    if alone is not None:
        alone["more"] = next(iter(alone.values()))
    try:
        results = results_of(document, "here", None if alone else made.out, alone)
        return not check(results, load_spec(), places).holds
    except BiobenchError:
        return True


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hundreds of documents name the same predictions and images: what is computed of equal ones is
    computed once, by the code itself."""
    kept: dict[Any, Any] = {}

    def score_once(rules: Any, suite: Any, predictions: Any) -> Any:
        key = ("score", rules.id, rules.metrics, rules.division, suite.id, predictions.digest)
        if key not in kept:
            kept[key] = score_task(rules, suite, predictions)
        return kept[key]

    from biobench.verify.from_data import check_exact

    def exact_once(task: Any, suite: Any, entry: Any, *rest: Any, **how: Any) -> Any:
        key = ("exact", task.id, suite.id, repr(entry["digests"]))
        if key not in kept:
            kept[key] = check_exact(task, suite, entry, *rest, **how)
        return kept[key]

    monkeypatch.setattr(scores, "score_task", score_once)
    monkeypatch.setattr(checking, "check_exact", exact_once)
    yield
    kept.clear()


@cache
def is_believed(made: Made, path: Path_, when: str) -> bool:
    """Return whether a change of a field is not found out."""
    document = made.results.document
    for value in (*other_values(place(document, path)[path[-1]]), None):
        forged = changed(made, path, value)
        # What follows from other fields may have been put back.
        if forged != document and not is_found_out(made, forged, when):
            return True
    return False


def listed_for(when: str) -> list[str]:
    """The fields that the page allows to be believed. Without its file nothing is known of the data
    of a task either."""
    also = {ALWAYS, when, *(["without the data"] if "file" in when else [])}
    return [field for kind, fields in claims().items() for field in fields if kind in also]


@pytest.mark.parametrize("run_of", ["ranked", "declared"])
@pytest.mark.parametrize("when", KINDS)
def test_every_field(when: str, run_of: str, request: pytest.FixtureRequest) -> None:
    """A change that is not found out is listed as a claim under these circumstances."""
    made: Made = request.getfixturevalue(run_of)
    assert not is_found_out(made, changed(made, ("run", "wall_s"), 1.0), when)
    fields = listed_for(when)
    held_to = [path for path in leaves(made.results.document) if not is_listed(path, fields)]
    # A result from which a task was taken is one of fewer tasks, as the page says.
    held_to.remove(("tasks",))
    assert [".".join(path) for path in held_to if is_believed(made, path, when)] == []
    assert len(held_to) > 50


def test_every_claim_of_the_page(ranked: Made, declared: Made, exact: Made) -> None:
    """A listed claim is indeed one: a field that came to be found out leaves the list."""
    idle = []
    for when, fields in claims().items():
        for field in fields:
            of = [
                (made, path)
                for made in (ranked, declared, exact)
                for path in leaves(made.results.document)
                if is_listed(path, [field])
            ]
            if not any(is_believed(made, path, when) for made, path in of):
                idle.append((field, when))
    assert idle == []


def test_a_declared_score_is_a_claim(declared: Made) -> None:
    """With its metric and the mean that follows; the page says so."""
    from biobench.report.document import suite_mean

    document = copy.deepcopy(declared.results.document)
    document["tasks"]["imagenet1k"]["score"] = 0.9
    spec = load_spec()
    # The scores of the others, which the mean is made of.
    from biobench.verify.rules import task_rules

    rules, _ = task_rules(Results(document, declared.out), spec)
    suite = spec.suites["prior-work"]
    own = {id: score_task(rules[id], suite, found) for id, found in held(declared).items()}
    said = {"imagenet1k": 0.9}
    document["mean"] = suite_mean(suite, own, said)
    assert not is_found_out(declared, resealed(document, declared), ALWAYS)
    assert "of a declared score the score" in page()


def test_a_result_of_fewer_tasks(ranked: Made) -> None:
    """Taking a task out leaves a result that holds, whose reasons name what was not run."""
    document = copy.deepcopy(ranked.results.document)
    del document["tasks"]["individuals"]
    assert not is_found_out(ranked, resealed(document, ranked), ALWAYS)
    assert "is a result of fewer tasks" in page()
