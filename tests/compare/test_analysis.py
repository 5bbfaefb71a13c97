"""One benchmark against another: the published figures, the parts of an analysis, the command."""

from __future__ import annotations

import copy
import csv
import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from upstream_file import NINE, upstream_file

from biobench import Results
from biobench.cli import execute
from biobench.compare.analysis import Analysis, analyse, analyse_each
from biobench.compare.analysis_figure import render_figure
from biobench.compare.results import open_scores
from biobench.errors import UsageError
from biobench.metric.association import associate
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec

SPEC = load_spec()
FACTS = Path(
    os.environ.get("BIOBENCH_REFERENCE", Path(__file__).resolve().parents[3] / "shared/reference")
)
PUBLISHED = FACTS / "upstream-results.json"
published = pytest.mark.skipif(
    not PUBLISHED.is_file(), reason="upstream's published results file is not there"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A results file of the published benchmark's form."""
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(upstream_file()))
    return path


def scores(value: dict[str, Any]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in value["results"]:
        found.setdefault(row["model"], {})[row["task"]] = row["mean"]
    return found


def mean(of: dict[str, float]) -> float:
    total = 0.0
    for task in NINE:
        total += of[task]
    return total / 9


@published
def test_the_published_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """ImageNet against the nine tasks over 84 models and the 63 of 75% or more, to the digit."""
    assert execute(["analyze", str(PUBLISHED), "--above", "0.75", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["analyses"]
    assert (found["x"], found["y"], found["division"]) == ("imagenet1k", "biobench", "compat")
    names = ("r2", "spearman", "kendall")
    for part, models, expected, misranked in (
        (found["overall"], 84, (0.555, 0.858, 0.685), 15.7),
        (found["above"][0], 63, (0.579, 0.768, 0.617), 19.2),
    ):
        assert part["models"] == models
        assert tuple(round(part[name]["value"], 3) for name in names) == expected
        assert round(100 * part["misranked"]["value"], 1) == misranked
        for name in (*names, "misranked"):
            assert part[name]["low"] < part[name]["value"] < part[name]["high"]
    at = {point["threshold"]: point for point in found["curve"]}
    assert {**at[0.75]} == {**found["above"][0]}
    assert set(found["tasks"]) == {*NINE, "inat21", "newt"}


@published
def test_every_published_score_is_read() -> None:
    """The table of published scores has the same numbers, of tasks that the specification has."""
    read = {
        (result.document["model"]["name"], task): entry["score"]
        for result in open_scores(PUBLISHED, SPEC)
        for task, entry in result.tasks.items()
    }
    with (FACTS / "published-scores.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["task"] in SPEC.task_ids()]
    assert read == {(row["checkpoint"], row["task"]): float(row["score"]) for row in rows}


def test_an_analysis_is_its_parts(file: Path) -> None:
    """Overall, above thresholds and for each task: the association of the scores themselves."""
    value = scores(upstream_file())
    found = analyse(open_scores(file, SPEC), SPEC, above=[0.6])
    whole = {name: s for name, s in value.items() if "plankton" in s}
    assert found.left_out == ("model-13/tag",)
    pairs = [(s["imagenet1k"], mean(s)) for s in whole.values()]
    assert [(p.x, p.y) for p in found.points] == pairs

    def expected(pairs: list[tuple[float, float]], y: str) -> Any:
        x, z = zip(*pairs, strict=True)
        stream = Stream(17, f"association/imagenet1k/{y}")
        return associate(x, z, stream, replicates=1000, confidence=0.95)

    assert found.overall == expected(pairs, "biobench")
    assert found.above == {0.6: expected([p for p in pairs if p[0] >= 0.6], "biobench")}
    for threshold, part in found.curve.items():
        assert part == expected([p for p in pairs if p[0] >= threshold], "biobench")
        assert part.models >= 10
    for task in NINE:
        both = [(s["imagenet1k"], s[task]) for s in value.values() if task in s]
        assert found.tasks[task] == expected(both, task)


def test_any_task_against_any(file: Path) -> None:
    """Also a suite against one of its tasks; single tasks have no tasks below them."""
    results = open_scores(file, SPEC)
    found = analyse(results, SPEC, x="beluga", y="kabr")
    assert [(p.x, p.y) for p in found.points] == [
        (s["beluga"], s["kabr"]) for s in scores(upstream_file()).values()
    ]
    assert found.tasks == {}
    turned = analyse(results, SPEC, x="kabr", y="beluga")
    assert turned.overall.kendall.value == found.overall.kendall.value
    assert analyse(results, SPEC, x="biobench", y="beluga").overall.models == 13


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": "inat21"}, r"no result has a score of 'inat21'; --x and --y take biobench, beluga"),
        ({"y": "nothing"}, "no result has a score of 'nothing'"),
        ({"x": "kabr", "y": "kabr"}, "x and y are both kabr"),
        ({"above": [0.99]}, "models have imagenet1k of 0.99 or more; give --above at most 0.8"),
    ],
)
def test_what_cannot_be_analysed(file: Path, options: dict[str, Any], words: str) -> None:
    """A line that says what there is instead."""
    with pytest.raises(UsageError, match=words):
        analyse(open_scores(file, SPEC), SPEC, **options)


def result(template: dict[str, Any], name: str, of: dict[str, float], **changes: Any) -> Results:
    """A result of a run with the given scores."""
    document = copy.deepcopy(template)
    entry = document["tasks"].pop("demo-beluga")
    document["tasks"] = {task: {**copy.deepcopy(entry), "score": s} for task, s in of.items()}
    document["model"] |= {"name": name, "resolved": name}
    return Results(document | changes)


def test_the_results_of_one_model_are_taken_together(template: dict[str, Any]) -> None:
    """ImageNet is in another suite than the nine tasks, so in another result."""
    results = [
        result(template, f"m{i}", {task: 0.1 * i}, suite=suite)
        for i in (1, 3, 2)
        for task, suite in (("inat21", "prior-work"), ("beluga", "biobench"))
    ]
    found = analyse(results, SPEC, x="inat21", y="beluga")
    assert [(p.model, p.x, p.y) for p in found.points] == [
        ("m1", 0.1, 0.1), ("m3", pytest.approx(0.3), pytest.approx(0.3)), ("m2", 0.2, 0.2)
    ]  # fmt: skip
    assert found.overall.kendall.value == 1.0
    again = [*results, result(template, "m1", {"beluga": 0.5})]
    with pytest.raises(UsageError, match=r"two results give m1 the scores 0\.1 and 0\.5 of beluga"):
        analyse(again, SPEC, x="inat21", y="beluga")


def test_other_divisions_samples_versions_and_data_are_apart(template: dict[str, Any]) -> None:
    """Each with the reason; those that alone cannot be analysed are named."""

    def pair(**changes: Any) -> list[Results]:
        both = {"inat21": 0.1, "beluga": 0.2}
        return [result(template, f"m{i}", {t: s * i for t, s in both.items()}, **changes)
                for i in (1, 2)]  # fmt: skip

    newer, other = pair(), pair()
    for one in newer:
        one.tasks["beluga"]["version"] = 2
    for one in other:
        one.tasks["beluga"]["digests"]["manifest"] = f"sha256:{'a' * 64}"
    alone = result(template, "m9", {"beluga": 0.3}, division="open")
    mixed = [*pair(), *pair(division="compat"), *pair(n_train=10), *newer, *other, alone]
    found, refused = analyse_each(mixed, SPEC, x="inat21", y="beluga")
    assert [reason for _, reason in found] == [
        None,
        "division compat, not official",
        "n_train 10, not all",
        "version 2 of task beluga, not 1",
        "other data of task beluga: another list of images was scored",
    ]
    assert [a.overall.models for a, _ in found] == [2] * 5
    (error,) = refused
    assert str(error).startswith("results of m9, division open: there is one benchmark")


def test_one_benchmark_alone(template: dict[str, Any]) -> None:
    """Says which one there is, instead of asking for a name that nothing has."""
    with pytest.raises(UsageError, match=r"one benchmark in these results \(photos\); give"):
        analyse_each([result(template, f"m{i}", {"photos": 0.1 * i}) for i in (1, 2)], SPEC)


def test_a_folder_of_results_is_no_result(
    template: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of a run of several models names those of the models."""
    for name in ("b", "a"):
        (tmp_path / "many" / name).mkdir(parents=True)
        (tmp_path / "many" / name / "results.json").write_text(json.dumps(template))
    for command in ("report", "analyze", "verify"):
        assert execute([command, str(tmp_path / "many")]) == 3
        said = capsys.readouterr().err
        assert f"is not a result; 2 folders in it have: a, b; give them: {tmp_path}/many/*" in said


def test_the_command_prints_tables_that_fit(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 40 columns no row of a table is wider; sentences wrap by themselves."""
    monkeypatch.setenv("COLUMNS", "40")
    assert execute(["analyze", str(file), "--above", "0.6"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if re.match(r" (\S.*\d|.*models)", line)]
    assert any("all models" in row for row in rows)
    assert max(map(len, rows)) <= 40
    assert any("1 model lacks imagenet1k or biobench: model-13/tag" in line for line in lines)


def test_an_unknown_schema_is_named_and_left_out(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are analysed, and the exit code says that something is missing."""
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps({"schema": "biobench.results/9"}))
    assert execute(["analyze", str(odd), str(file)]) == 3
    out = capsys.readouterr()
    assert "left out" in out.err
    assert "odd.json: schema 'biobench.results/9' is not known" in out.err
    assert "13 models" in out.out
    assert execute(["analyze", str(odd)]) == 3


def figure(found: Analysis, *, page: bool = False) -> str:
    return render_figure([found], page=page)


def test_the_figure_stands_alone(file: Path, tmp_path: Path) -> None:
    """SVG or a page: light and dark, without a network, one point a model."""
    for name in ("a.svg", "a.html"):
        assert execute(["analyze", str(file), "--figure", str(tmp_path / name)]) == 0
        text = (tmp_path / name).read_text()
        assert "prefers-color-scheme: dark" in text
        links = re.sub(r'xmlns="[^"]*"', "", text)
        assert not re.search(r"https?://|<script|src=|url\(|@import", links)
        assert text.count('<circle class="dot"') == 13
    assert execute(["analyze", str(file), "--figure", str(tmp_path / "a.png")]) == 2
    assert not (tmp_path / "a.png").exists()


def test_the_figure_escapes_names(file: Path) -> None:
    """A model's name is anybody's text."""
    value = upstream_file()
    hostile = '"><script>alert(1)</script>\x1b[31m\u202e'
    value["models"][0]["ckpt"] = hostile
    for row in value["results"]:
        row["model"] = hostile if row["model"] == "model-0/tag" else row["model"]
    file.write_text(json.dumps(value))
    found = analyse(open_scores(file, SPEC), SPEC)
    for page in (False, True):
        text = figure(found, page=page)
        assert "<script" not in text
        assert not {"\x1b", "\u202e"} & set(text)
    drawn = ElementTree.fromstring(figure(found))
    titles = [title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert sum('"><script>alert(1)</script>\\x1b[31m\\u202e' in str(t) for t in titles) == 1
