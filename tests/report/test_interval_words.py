"""Words beside an interval: what it is of, its marks, and why there is none."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from biobench import Results
from biobench.compare.ranking import print_ranking, ranked_table, rankings
from biobench.compare.standings import standings
from biobench.compare.tables import print_standings
from biobench.report.intervals import estimand, marks
from biobench.report.page.render import inline_assets
from biobench.report.result_page import SCRIPTS, page_of, render_page
from biobench.report.table import print_results
from biobench.spec.load import load_spec


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    return copy.deepcopy(value)


def printed(document: dict[str, Any]) -> str:
    out = io.StringIO()
    print_results(Results(document), Console(file=out, width=140))
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
    assert "(unit individual, 3.2 effective of 7 clusters)" in text
    document["spec"]["digest"] = load_spec().digest
    assert "3.2 effective of 7 clusters; 5 effective are needed)" in printed(document)
    assert "none: too few effective clusters" in render_page(Results(document))


def test_the_table_of_several_models_says_what_is_missing(document: dict[str, Any]) -> None:
    """A missing interval's reason and the images left out are said once where all share them."""
    entry = document["tasks"]["demo-beluga"]
    entry |= {"interval": None, "no_interval": "few-clusters"}
    entry["clusters"] = {"count": 5, "effective": 4.5}
    document["mean"] = None
    entry["left_out"] = [{"path": "a/1.jpg", "reason": "is empty"}]
    other = copy.deepcopy(document)
    other["model"] |= {"name": "other", "resolved": "other"}
    other["tasks"]["demo-beluga"]["clusters"]["effective"] = 4.0
    for second, lines in ((copy.deepcopy(document), 1), (other, 2)):
        results = [Results(document), Results(second)]
        found = rankings(ranked_table(results, load_spec())[0], {})
        out = io.StringIO()
        (ranking,) = [one for one in found if one.title in ("mean", "demo-beluga")]
        print_ranking(ranking, Console(file=out, width=150))
        text = out.getvalue()
        assert text.count("demo-beluga has no interval: too few effective clusters") == lines
        assert "4.5 effective of 5 clusters" in text
        assert ("other: demo-beluga has no interval" in text) is (lines == 2)
        assert text.count("demo-beluga: 1 unreadable image left out: a/1.jpg (is empty)") == 1
        out = io.StringIO()
        (table,) = standings(results, load_spec(), ranks=False)
        print_standings(table, Console(file=out, width=150))
        assert out.getvalue().count("1 unreadable image left out: a/1.jpg (is empty)") == 1


def test_the_head_table_counts_images_that_were_left_out(document: dict[str, Any]) -> None:
    """Excluded items are not all that is missing where unreadable images were left out."""
    entry = document["tasks"]["demo-beluga"]
    assert "unreadable</small>" not in render_page(Results(document))
    entry["left_out"] = [{"path": f"a/{i}.jpg", "reason": "is empty"} for i in range(2)]
    assert "<small>and 2 unreadable</small>" in render_page(Results(document))


@pytest.mark.parametrize("division", ["official", "open"])
def test_errata_of_the_published_benchmark(document: dict[str, Any], division: str) -> None:
    """A task of one's own has no errata of the published benchmark."""
    task = next(task for task in map(load_spec().task, load_spec().task_ids()) if task.errata)
    document["division"] = division
    page = page_of(
        Results(document), {"demo-beluga": task}, inline_assets(SCRIPTS), None, details={}, rows={}
    )
    assert ("published benchmark did differently" in page) is (division == "official")
    assert ("and errata</summary>" in page) is (division == "official")
