"""Words beside intervals where several models are shown: the unit, and the marks."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from biobench.cli import execute
from biobench.compare.ranking import print_ranking, ranked_table, rankings
from biobench.compare.site.rows import images_per_second
from biobench.report.result_document import result_digest
from biobench.report.results import Results
from biobench.run.many import Speed
from biobench.spec.load import load_spec

SENTENCE = "interval: expected score on new individuals of the same kind; not over training"


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    """A result of one task whose interval has both marks."""
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    value["tasks"]["demo-beluga"]["interval"] |= {"few_clusters": True, "lone_classes": True}
    value["digests"]["result"] = result_digest(value)
    return value


def printed(document: dict[str, Any]) -> str:
    """The table of a run of several models, of which one was computed in part."""
    made = Results(document)
    found = rankings(ranked_table([made], load_spec())[0], {id(made): Speed(10, 5, 1.0)})
    out = io.StringIO()
    for ranking in found:
        print_ranking(ranking, Console(file=out, width=160))
    return out.getvalue()


def test_the_table_of_several_models(document: dict[str, Any]) -> None:
    """It names the unit; marks stand beside the interval of a task, and a speed of a part of the
    images has a mark of its own."""
    document["mean"] = None
    text = printed(document)
    assert SENTENCE in text
    assert "0.000 to 0.000 *+" in text
    assert "* few clusters" in text
    assert "+ many classes" in text
    assert "5.0 ~" in text
    assert "~ of the images whose features the store did not have" in text


def test_the_mean_bears_no_marks(document: dict[str, Any]) -> None:
    """Its interval has the sentence alone, as the document states no mark of it."""
    text = printed(document)
    assert SENTENCE in text
    assert "*" not in text
    assert "+ many" not in text


@pytest.mark.parametrize("width", [40, 80])
def test_several_results_in_the_terminal(
    width: int, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Protects: the table of several results states each interval with its marks and what it is of,
    and why a score has none; at 40 columns too, where nothing is cut."""
    document["mean"] = None
    other = copy.deepcopy(document)
    other["model"]["name"] = "other"
    entry = other["tasks"]["demo-beluga"]
    entry |= {"interval": None, "no_interval": "few-clusters"}
    runs = []
    for value in (document, other):
        value["digests"]["result"] = result_digest(value)
        runs.append(str(Results(value).save(tmp_path / value["model"]["name"]).parent))
    monkeypatch.setenv("COLUMNS", str(width))
    assert execute(["report", *runs]) == 0
    text = capsys.readouterr().out
    assert "0.0000 (0.000 to 0.000) *+" in text
    assert f"95% {SENTENCE}" in text
    assert "* few clusters" in text
    assert "+ many classes" in text
    assert "demo-beluga has no interval: too few effective clusters" in text
    assert "…" not in text


def test_several_results_as_text_elsewhere(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: tables in Markdown and LaTeX have the intervals, and the words that belong to
    them."""
    run = str(Results(document).save(tmp_path / "run").parent)
    for format in ("markdown", "latex"):
        assert execute(["export", "--format", format, run]) == 0
        text = capsys.readouterr().out
        assert "0.0000 (0.000 to 0.000) " in text
        assert "interval: expected score on new individuals of the same kind" in text
        assert "few clusters: the interval is less certain" in text
    for entry in document["tasks"].values():
        entry |= {"interval": None, "no_interval": "no-spread"}
    document["mean"] |= {"low": None, "high": None}
    document["digests"]["result"] = result_digest(document)
    run = str(Results(document).save(tmp_path / "run").parent)
    assert execute(["export", "--format", "markdown", run]) == 0
    text = capsys.readouterr().out
    assert "has no interval: no cluster moves the score" in text
    assert "expected score" not in text


def test_the_pages_of_a_site(document: dict[str, Any], tmp_path: Path) -> None:
    """The page of all results and the page of a task name the unit, with the marks; without an
    interval there is no sentence."""
    Results(document).save(tmp_path / "run")
    site = tmp_path / "site"
    assert execute(["report", "--site", str(site), str(tmp_path / "run")]) == 0
    for name, cell in (
        ("index.html", "0.000&ndash;0.000 *+"),
        ("tasks/0-demo-beluga.html", "0.000 to 0.000 *+"),
    ):
        page = (site / name).read_text()
        assert SENTENCE in page
        assert cell in page
        assert "* few clusters" in page
        assert "+ many classes" in page


def test_the_page_of_a_task_without_intervals(document: dict[str, Any], tmp_path: Path) -> None:
    """Protects: "none" in the column of intervals has its reason below the table."""
    document["tasks"]["demo-beluga"] |= {"interval": None, "no_interval": "few-clusters"}
    document["digests"]["result"] = result_digest(document)
    Results(document).save(tmp_path / "run")
    assert execute(["report", "--site", str(tmp_path / "site"), str(tmp_path / "run")]) == 0
    page = (tmp_path / "site/tasks/0-demo-beluga.html").read_text()
    assert "demo-beluga has no interval: too few effective clusters" in page
    assert SENTENCE not in page


def test_images_a_second_over_tasks(document: dict[str, Any]) -> None:
    """A rate of few computed images weighs by their time, not by the images of the task."""
    first = document["tasks"]["demo-beluga"]
    other = copy.deepcopy(first)
    document["tasks"]["other"] = other
    # 10 of 1,000 images were computed in 1 s, and all 300 of the other task in 3 s.
    for entry, images, computed, decode, embed in (
        (first, 1000, 10, 0.4, 0.6),
        (other, 300, 300, 1, 2),
    ):
        rate = computed / (decode + embed)
        stages = {"decode": decode, "embed": embed}
        entry["cost"] |= {"images": images, "images_per_s": rate, "stages": stages}
    assert images_per_second(Results(document)) == pytest.approx(310 / 4)
    for entry in (first, other):
        entry["cost"]["images_per_s"] = 0.0
    assert images_per_second(Results(document)) is None
