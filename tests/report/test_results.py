"""Results as files and values: unknown schemas refused, hostile text escaped, digests that hold."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from biobench import load_results
from biobench.errors import DataError
from biobench.report.result_document import result_digest
from biobench.report.result_page import render_page
from biobench.report.results import Results


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    """A complete result document, the one that the schema tests use."""
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    return value


def test_round_trip(document: dict[str, Any], tmp_path: Path) -> None:
    """A result is loaded as it was saved, from the file or its folder."""
    path = Results(document).save(tmp_path / "run")
    assert load_results(path).document == document
    assert load_results(path.parent).document == document


def test_unknown_schema_and_broken_files(document: dict[str, Any], tmp_path: Path) -> None:
    """A reader refuses what it does not know, with the file's name."""
    for text in ("{", "[]", "3", json.dumps(document | {"schema": "biobench.results/2"})):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(DataError, match=r"results\.json"):
            load_results(tmp_path)
    for broken in (b"{", b"NaN", b"\xff", b'{"a": 1, "a": 2}', b"9007199254740993"):
        (tmp_path / "results.json").write_bytes(broken)
        with pytest.raises(DataError, match=r": cannot be read as a result: .*; give a results"):
            load_results(tmp_path)
    for name in ("tasks", "model", "digests"):
        (tmp_path / "results.json").write_text(json.dumps(document | {name: []}))
        with pytest.raises(DataError, match=name):
            load_results(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        load_results(tmp_path / "nothing")


def test_the_digest_covers_scores_and_no_times(document: dict[str, Any]) -> None:
    """Times, hosts and costs leave the digest alone; anything else moves it."""
    base = result_digest(document)
    same = copy.deepcopy(document)
    same["run"]["started"] = "2030-01-01T00:00:00+00:00"
    same["environment"]["cpu"] = "another"
    for entry in same["tasks"].values():
        entry["cost"]["wall_s"] = 1e9
    assert result_digest(same) == base
    for change in ("score", "version", "counts"):
        other = copy.deepcopy(document)
        entry = next(iter(other["tasks"].values()))
        entry[change] = {"score": 0.123, "version": 99, "counts": {}}[change]
        assert result_digest(other) != base, change


def test_the_page_escapes_what_a_model_is_called(document: dict[str, Any]) -> None:
    """A model's name is the user's text: it must not become markup."""
    hostile = copy.deepcopy(document)
    hostile["model"]["name"] = "<script>alert(1)</script>"
    hostile["run"]["argv"] = ["biobench", "--model", '"><img src=x>']
    page = render_page(Results(hostile))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_stands_alone(document: dict[str, Any]) -> None:
    """The page needs no network: it names no other file or host, and its policy allows none."""
    page = render_page(Results(document))
    markup = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    for word in ("http://", "https://", "<script", "<link", "src="):
        assert word not in markup
    assert "default-src &#39;none&#39;" in markup
    for task in document["tasks"]:
        assert task in page


def test_a_narrow_screen_has_the_head_of_every_value(document: dict[str, Any]) -> None:
    """Each cell of the wide table carries its column's head, which is shown above it there."""
    page = render_page(Results(document))
    table = page[page.index('<table class="stack') : page.index("</table>")]
    heads = re.findall(r'<th scope="col"[^>]*>([^<]*)', table)
    rows = re.findall(r'<tr[^>]*><th scope="row">([^<]+)</th>(.*?)</tr>', table, re.DOTALL)
    assert [name for name, _ in rows] == [*document["tasks"], "mean"]
    for name, row in rows:
        said = re.findall(r'data-head="([^"]*)"', row)
        assert said == (heads[2:4] if name == "mean" else heads[1:])


def test_the_page_without_mean_and_intervals(document: dict[str, Any]) -> None:
    """Division compat has no intervals, and a partial suite no mean: the page says so."""
    partial = copy.deepcopy(document)
    partial["mean"] = None
    for entry in partial["tasks"].values():
        entry["interval"] = None
    page = render_page(Results(partial))
    assert "No mean" in page
    assert "none" in page
