"""Scores that another program computed: read place by place, and never taken for more."""

from __future__ import annotations

import copy
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "compare"))

from upstream_file import COMMIT, NINE, upstream_file

from biobench.cli import execute
from biobench.compare.results import open_scores
from biobench.errors import DataError
from biobench.report.imported import imported_digest, imported_results
from biobench.report.table import print_results
from biobench.report.upstream import from_upstream
from biobench.spec.load import load_spec

SPEC = load_spec()


def imported(value: dict[str, Any]) -> dict[str, Any]:
    return from_upstream(value, json.dumps(value).encode(), "results.json", "results.json", SPEC)


def test_scores_are_taken_as_they_are() -> None:
    """One result a model: division compat, scores to the last bit, the mean of the nine."""
    value = upstream_file()
    results = imported_results(imported(value), "f", SPEC)
    assert [r.document["model"]["name"] for r in results] == [m["ckpt"] for m in value["models"]]
    for result in results:
        name = result.document["model"]["name"]
        of = {row["task"]: row["mean"] for row in value["results"] if row["model"] == name}
        known = {task: score for task, score in of.items() if task != "ecdysis"}
        assert {task: entry["score"] for task, entry in result.tasks.items()} == known
        assert result.document["division"] == "compat"
        assert result.document["official"] is False
        assert all(entry["declared"] for entry in result.tasks.values())
        if set(NINE) <= set(of):
            assert result.mean is not None
            assert result.mean["score"] == pytest.approx(sum(of[t] for t in NINE) / 9, abs=1e-15)
        else:
            assert result.mean is None
    first = results[0].document
    assert first["imported"]["commit"] == COMMIT
    assert first["model"]["parameters"] == 1000
    assert first["model"]["released"] is None
    assert results[1].document["model"]["released"] == "2021-01-05"


def test_the_command_and_what_takes_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`import` writes one file, which report, analyze and export take as the original."""
    source, file = tmp_path / "results.json", tmp_path / "imported.json"
    source.write_text(json.dumps(upstream_file()))
    assert execute(["import", str(source), "--out", str(file)]) == 0
    said = capsys.readouterr().out
    assert "14 models, 139 scores, division compat" in said
    assert "left out, as no task of the specification: ecdysis" in said
    assert [r.document for r in open_scores(file, SPEC)] == [
        r.document for r in open_scores(source, SPEC)
    ]
    printed = []
    for path in (source, file):
        assert execute(["analyze", str(path), "--json"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    again = tmp_path / "again.json"
    capsys.readouterr()
    (tmp_path / "part.json").write_text(json.dumps({"meta": {"schema": 1}}))
    for name in ("imported.json", "part.json"):
        assert execute(["import", str(tmp_path / name), "--out", str(again)]) == 3
        said = capsys.readouterr().err
        assert "is not the results file of the published benchmark's own code" in said
    assert execute(["import", str(tmp_path / "none.json"), "--out", str(again)]) == 3
    said = capsys.readouterr().err
    assert "No such file" in said
    assert "give the results.json that the published benchmark's own code wrote" in said
    assert not again.exists()


def test_one_model_and_one_score_are_counted_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nouns agree with their numbers."""
    value = upstream_file(models=1)
    value["results"] = [row for row in value["results"] if row["task"] == "beluga"][:1]
    (tmp_path / "results.json").write_text(json.dumps(value))
    out = str(tmp_path / "imported.json")
    assert execute(["import", str(tmp_path / "results.json"), "--out", out]) == 0
    assert "imported: 1 model, 1 score, division compat" in capsys.readouterr().out


def test_a_source_is_named_once() -> None:
    """The table of one model's imported scores has one line on where they are from."""
    (results, *_) = imported_results(imported(upstream_file()), "f", SPEC)
    out = io.StringIO()
    print_results(results, Console(file=out, width=400))
    lines = [line for line in out.getvalue().splitlines() if "not run" in line]
    assert len(lines) == 1
    assert lines[0].startswith(", ".join(results.tasks))
    assert "were not run: their scores are declared, from upstream-results/1" in lines[0]


def test_no_legend_of_ranks_without_ranks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Imported scores have no sets of ranks, so nothing is said on signs and intervals."""
    file = tmp_path / "results.json"
    file.write_text(json.dumps(upstream_file()))
    assert execute(["report", "--ranks", str(file)]) == 0
    said = capsys.readouterr().out
    assert "may be the best" not in said
    assert "interval" not in said


@pytest.mark.parametrize("command", [["verify"], ["submit"], ["compare", "IT"]])
def test_nothing_of_it_is_verified(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands that need predictions say that there are none, and who takes the file."""
    file = tmp_path / "results.json"
    file.write_text(json.dumps(upstream_file()))
    words = [str(file) if word == "IT" else word for word in command]
    assert execute([*words, str(file)]) == 3
    error = capsys.readouterr().err
    assert "has scores without predictions" in error
    assert "`biobench report`, `analyze` and `export` take it" in error


def test_a_file_that_was_changed_is_refused() -> None:
    """A score, a task, the source: the digest covers all of it, and the schema the form."""
    whole = imported(upstream_file())
    changes: list[Callable[[dict[str, Any]], object]] = [
        lambda d: d["models"][0]["scores"].update(beluga=1.0),
        lambda d: d["source"].update(commit=None),
        lambda d: d["left_out"].clear(),
        lambda d: d.update(division="official"),
        lambda d: d["models"][0].pop("family"),
        lambda d: d.update(extra=1),
    ]
    for change in changes:
        document = copy.deepcopy(whole)
        change(document)
        with pytest.raises(DataError, match=r"f: "):
            imported_results(document, "f", SPEC)
    without = copy.deepcopy(whole)
    del without["tasks"]["beluga"]
    without["digest"] = imported_digest(without)
    with pytest.raises(DataError, match="has no task 'beluga'"):
        imported_results(without, "f", SPEC)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("meta", "schema"), 2, "meta.schema 2 is not known"),
        (("meta",), [], "meta.schema"),
        (("models",), {}, "models is not a list"),
        (("models", 0), 3, r"models\[0\].ckpt is None"),
        (("models", 1, "ckpt"), "model-0/tag", "occurs twice"),
        (("models", 0, "params"), True, r"models\[0\].params is True"),
        (("results", 0, "model"), "nobody", "'nobody' is not in models"),
        (("results", 0, "mean"), None, r"results\[0\].mean is None"),
        (("results", 0, "mean"), float("nan"), r"results\[0\].mean is nan"),
        (("results", 0, "mean"), 10**400, r"results\[0\].mean is 1000"),
        (("results", 1, "task"), "beluga", "two scores of beluga"),
        (("results",), [], "no score of a task"),
    ],
)
def test_a_flaw_is_named_with_its_place(place: tuple[Any, ...], value: Any, words: str) -> None:
    """One line: the entry, what it has, and what to give."""
    document = upstream_file()
    inner: Any = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(DataError, match=words) as raised:
        imported(document)
    assert "\n" not in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.data())
def test_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    """A file from anyone: an error is a DataError, whatever stands where."""
    document = upstream_file(models=2)
    part = data.draw(st.sampled_from(["meta", "models", "results"]))
    inner: Any = document[part]
    if isinstance(inner, list) and data.draw(st.booleans()):
        inner = inner[0]
    key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else [0, 1]))
    inner[key] = data.draw(JSON)
    try:
        results = imported_results(imported(document), "f", SPEC)
    except DataError:
        return
    assert len(results) <= 2
