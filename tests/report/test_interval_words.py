"""What stands beside an interval: what it is of, its marks, and why there is none."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from biobench import Results
from biobench.report.intervals import estimand, marks
from biobench.report.page.result import render_page
from biobench.report.table import print_results
from biobench.spec.documents import IntervalRules
from biobench.spec.load import load_spec


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    return copy.deepcopy(value)


def printed(document: dict[str, Any], rules: IntervalRules | None = None) -> str:
    out = io.StringIO()
    print_results(Results(document), Console(file=out, width=140), rules)
    return out.getvalue()


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (["camera"], "expected score on new cameras of the same kind; not over training"),
        (["camera", "species", "camera"], "on new cameras or species of"),
        (["individual", "mini-scene", "day"], "on new individuals, mini-scenes or days of"),
        ([None], "on new items of"),
    ],
)
def test_the_sentence_names_the_clusters(units: list[str | None], words: str) -> None:
    """Each unit once, in the order of the tasks; declared tasks have none."""
    assert words in estimand(units)


def test_marks() -> None:
    """Each weakness has its own."""
    for few, lone, text in ((0, 0, ""), (1, 0, " *"), (0, 1, " +"), (1, 1, " *+")):
        assert marks({"few_clusters": bool(few), "lone_classes": bool(lone)}) == text


def test_the_table_and_the_page_say_what_the_interval_is_of(document: dict[str, Any]) -> None:
    """Beside every interval, with the marks that it has."""
    entry = document["tasks"]["demo-beluga"]
    entry["interval"] |= {"few_clusters": True}
    sentence = "expected score on new individuals of the same kind; not over training"
    text, page = printed(document), render_page(Results(document))
    assert sentence in text
    assert sentence in page
    assert "* few clusters" in text
    assert "+ many classes" not in text


def test_the_table_and_the_page_say_why_there_is_none(document: dict[str, Any]) -> None:
    """With how many clusters there are, and of what."""
    entry = document["tasks"]["demo-beluga"]
    entry |= {"interval": None, "no_interval": "few-clusters"}
    entry["clusters"] = {"count": 7, "effective": 3.25}
    text = printed(document)
    assert "demo-beluga has no interval: too few effective clusters" in text
    assert "(3.2 effective of 7 clusters, unit individual)" in text
    rules = load_spec().suites["demo"].interval
    least = f"unit individual; {rules.minimum_clusters} effective are needed)"
    assert least in printed(document, rules)
    assert "none: too few effective clusters" in render_page(Results(document))
