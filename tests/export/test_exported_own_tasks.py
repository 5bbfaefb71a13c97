"""Tables and exports of a person's own tasks, which belong to no suite and are not unofficial."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from biobench import load_results
from biobench.cli import execute
from biobench.export.tracked import parameters
from biobench.report.result_document import result_digest

pytestmark = pytest.mark.slow


def of_another_model(run: Path, folder: Path) -> Path:
    """The same scores as those of a model of another name: a result with a digest of its own."""
    results = load_results(run)
    results.document["model"]["name"] = "twin"
    results.digests["result"] = result_digest(results.document)
    return results.save(folder / "other").parent


@pytest.mark.parametrize(
    "command",
    [
        ["report", "RUN", "OTHER"],
        ["export", "RUN", "OTHER", "--format", "markdown"],
        ["export", "RUN", "OTHER", "--format", "latex"],
        ["export", "RUN", "--format", "model-card"],
        ["export", "RUN", "--format", "eval-results", "--hub-dataset", "lab/photos"],
        ["export", "RUN", "--format", "every-eval-ever", "--organization", "Lab"],
        ["export", "RUN", "--format", "ro-crate", "--license", "https://example.org/licence"],
    ],
    ids=["table", "markdown", "latex", "model-card", "eval-results", "every-eval-ever", "ro-crate"],
)
def test_neither_official_nor_of_a_suite(
    command: list[str], own_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The division is named, and neither the suite nor a lack of officialness."""
    places = {"RUN": str(own_run), "OTHER": str(of_another_model(own_run, tmp_path))}
    assert execute([places.get(word, word) for word in command]) == 0
    text = capsys.readouterr().out
    if command[-1] == "Lab":
        details = json.loads(text)["eval_library"]["additional_details"]
        assert details["division"] == "open"
        assert not {"suite", "official"} & set(details)
        return
    assert "division open" in text.lower()
    assert "official" not in text
    assert "suite" not in text.lower()


def test_cells_of_a_csv(own_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both columns are empty, in the text that `report --csv` prints too."""
    assert execute(["export", str(own_run), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(row["suite"], row["official"]) for row in rows} == {("", "")}


def test_what_trackers_record(own_run: Path) -> None:
    """The parameters of a tracked run say neither."""
    found = parameters(load_results(own_run))
    assert found["division"] == "open"
    assert not {"suite", "official"} & set(found)


def test_results_of_the_benchmark_say_both(
    declared_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results of the specification's tasks state what those of own tasks leave out."""
    other = of_another_model(declared_run, tmp_path)
    assert execute(["report", str(declared_run), str(other)]) == 0
    assert "suite prior-work, division official" in capsys.readouterr().out
    assert execute(["export", str(declared_run), "--format", "markdown"]) == 0
    text = capsys.readouterr().out
    assert "Suite prior-work, division official" in text
    assert "official results: 0 of 1" in text
    assert {"suite", "official"} <= set(parameters(load_results(declared_run)))
