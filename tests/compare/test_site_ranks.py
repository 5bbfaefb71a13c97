"""Which scores of a site are marked as perhaps the best, without being asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scored import SPEC, result

from biobench.compare.site import write
from biobench.report.result_document import result_digest
from biobench.report.results import Results

MARK = '<abbr title="may be the best">=</abbr>'


def page(template: dict[str, Any], folder: Path, count: int, ranked: bool = False) -> str:
    """The first page of a site of models of one task, of which the first knows all."""
    results = []
    for i in range(count):
        made = result(template, f"m{i}", 1.0 if i == 0 else 0.1, i, ("inat21",))
        made.document["digests"]["result"] = result_digest(made.document)
        results.append(Results(made.document, None, made.loaded_predictions))
    write.write_site(results, SPEC, folder, data=None, own={}, pictures=False, ranked=ranked)
    return (folder / "index.html").read_text()


def test_ties_are_marked_without_an_option(template: dict[str, Any], tmp_path: Path) -> None:
    """The page of a site marks what that of a run does, if predictions are at hand."""
    text = page(template, tmp_path / "site", 3)
    assert text.count(MARK) == 1
    assert "= may be the best in its column" in text
    assert "take m0" in text


def test_more_models_than_the_bound_say_how(
    template: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A larger table names the option, which marks it."""
    monkeypatch.setattr(write, "MOST_RANKED", 2)
    text = page(template, tmp_path / "site", 3)
    assert MARK not in text
    assert "= may be the best" not in text
    assert "not marked: for more than 2 models --ranks finds them." in text
    assert page(template, tmp_path / "asked", 3, ranked=True).count(MARK) == 1


def test_tasks_that_some_of_the_results_have(template: dict[str, Any], tmp_path: Path) -> None:
    """Protects: results of several folders of images are one site, with the best of each marked."""
    results = []
    for task in ("inat21", "newt"):
        for i in range(2):
            made = result(template, f"m{i}", 0.1 + 0.9 * i, i, (task,))
            made.document["digests"]["result"] = result_digest(made.document)
            results.append(Results(made.document, None, made.loaded_predictions))
    folder = tmp_path / "site"
    write.write_site(results, SPEC, folder, data=None, own={}, pictures=False, ranked=False)
    text = (folder / "index.html").read_text()
    assert text.count(MARK) == 2
    assert "inat21: take m1" in text
    assert "newt: take m1" in text
