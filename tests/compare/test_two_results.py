"""Results side by side: the test of every task and the mean, and tables that mix nothing."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scored import SPEC, SUITE, TASKS, declared, result, save

from biobench import Results
from biobench.cli import execute
from biobench.compare.groups import groups_of
from biobench.compare.pair import compare_results
from biobench.compare.standings import COLUMNS, standings, standings_csv, standings_document
from biobench.compare.tables import print_comparison, print_standings
from biobench.data.predictions import Predictions
from biobench.errors import DataError, SpecError, UsageError
from biobench.metric.comparison import compare, holm


def test_a_pair(template: dict[str, Any]) -> None:
    """Each row is the test of that task, corrected over the tasks; the mean is the suite's."""
    a, b = result(template, "good", 0.9), result(template, "bad", 0.3, seed=1)
    compared = compare_results(a, b, SPEC)
    assert list(compared.rows) == [*TASKS, "mean"]
    tests = [
        compare(a.predictions(task), b.predictions(task), SPEC.task(task), SUITE) for task in TASKS
    ]
    assert [compared.rows[task].test for task in TASKS] == tests
    assert [compared.rows[task].corrected for task in TASKS] == holm([test.p for test in tests])
    mean = compared.rows["mean"]
    assert mean.corrected is None
    assert a.mean is not None
    assert b.mean is not None
    assert mean.test.difference == a.mean["score"] - b.mean["score"]
    document = compared.document()
    assert document["tasks"]["newt"]["ahead"] == "a"
    assert document["tasks"]["newt"]["cluster_unit"] == "item"
    assert document["mean"]["p"] == 1 / (SUITE.comparison.replicates + 1)
    out = io.StringIO()
    print_comparison(compared, Console(file=out, width=150))
    assert "newt" in out.getvalue()
    assert "expected difference on new items of the same kind; not over training" in out.getvalue()
    assert f"{tests[2].difference:+.4f}" in out.getvalue()
    assert "at most 0.05, on the mean where its p, uncorrected, is" in out.getvalue()


def test_a_model_against_itself(template: dict[str, Any]) -> None:
    """Nobody is ahead, and p is 1."""
    a = result(template, "one", 0.7)
    compared = compare_results(a, a, SPEC)
    assert {row.test.p for row in compared.rows.values()} == {1.0}
    assert {row.test.ahead for row in compared.rows.values()} == {None}


def test_what_is_not_compared(template: dict[str, Any]) -> None:
    """Tasks that one has not run and declared scores are left out, and there is no mean then."""
    a = result(template, "a", 0.8)
    for other in (result(template, "b", 0.5, tasks=TASKS[:2]),
                  declared(result(template, "b", 0.5), "newt", 0.9)):  # fmt: skip
        compared = compare_results(a, other, SPEC)
        assert list(compared.rows) == list(TASKS[:2])
        assert compared.left_out == ("newt",)
        out = io.StringIO()
        print_comparison(compared, Console(file=out, width=150))
        assert "where the corrected p is at most 0.05\n" in out.getvalue()
        assert "mean" not in out.getvalue()
    with pytest.raises(UsageError, match="no task in common"):
        compare_results(
            result(template, "a", 0.5, tasks=TASKS[:1]),
            result(template, "b", 0.5, tasks=TASKS[1:]),
            SPEC,
        )


def test_what_cannot_be_compared(template: dict[str, Any]) -> None:
    """Other divisions, other versions, other items, and predictions that are not the result's."""
    a = result(template, "a", 0.8)
    with pytest.raises(UsageError, match="divisions official and compat cannot share a table"):
        compare_results(a, result(template, "b", 0.5, division="compat"), SPEC)
    other = result(template, "b", 0.5)
    other.tasks["newt"]["version"] = 2
    with pytest.raises(UsageError, match="versions 1 and 2 of task newt"):
        compare_results(a, other, SPEC)
    both = [result(template, name, 0.5) for name in "ab"]
    for found in both:
        found.tasks["newt"]["version"] = 2
    with pytest.raises(SpecError, match="newt of the result is not the specification's"):
        compare_results(both[0], both[1], SPEC)
    other = result(template, "b", 0.5)
    other.tasks["newt"]["digests"]["predictions"] = "sha256:" + "0" * 64
    with pytest.raises(DataError, match="digest differs"):
        compare_results(a, other, SPEC)
    other = result(template, "b", 0.5)
    held = dict(other.loaded_predictions or {})
    fewer = held["newt"]
    held["newt"] = Predictions(
        fewer.ids[:-1], fewer.y_true[:-1], fewer.y_pred[:-1], {"group": fewer.extras["group"][:-1]}
    )
    other = Results(other.document, None, held)
    other.tasks["newt"]["digests"]["predictions"] = held["newt"].digest
    with pytest.raises(DataError, match="not scored on the same items"):
        compare_results(a, other, SPEC)


def test_standings(template: dict[str, Any]) -> None:
    """Best mean first, those without one last; JSON and CSV have every number in
    full."""
    models = [
        result(template, "worst", 0.1, seed=1),
        result(template, "part", 0.5, tasks=TASKS[:2]),
        result(template, "best", 0.9),
        result(template, "twin", 0.9),
        declared(result(template, "said", 0.4), "imagenet1k", 0.99),
    ]
    (table,) = standings(models, SPEC, ranks=False)
    names = [row.document["model"]["name"] for row in table.rows]
    assert names[:2] == ["best", "twin"]
    assert names[-1] == "part"
    assert table.tasks == TASKS
    rows = list(csv.DictReader(io.StringIO(standings_csv([table]))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 4 * 4 + 2
    assert float(rows[0]["score"]) == table.rows[0].tasks["imagenet1k"]["score"]
    document = standings_document([table])
    assert document["suites"][0]["rows"][-1]["mean"] is None
    assert document["suites"][0]["ranks"] is None
    out = io.StringIO()
    print_standings(table, Console(file=out, width=120))
    text = out.getvalue()
    assert "0.9900 d" in text
    assert "declared, not run here" in text
    assert "a mean needs the whole suite" in text


def test_ranks(template: dict[str, Any]) -> None:
    """The twin may be the best, too, the worst is third; what is said names the clusters."""
    models = [result(template, name, skill) for name, skill in (("a", 0.95), ("b", 0.1))]
    models.append(result(template, "twin", 0.95))
    (table,) = standings(models, SPEC, ranks=True)
    names = [row.document["model"]["name"] for row in table.rows]
    assert names == ["a", "twin", "b"]
    assert table.ranks is not None
    assert set(table.ranks) == {*TASKS, "mean"}
    document = standings_document([table])["suites"][0]["ranks"]
    assert document["mean"]["sets"] == [[1, 2], [1, 2], [3, 3]]
    assert (document["mean"]["told_apart"], document["mean"]["pairs"]) == (2, 3)
    out = io.StringIO()
    print_standings(table, Console(file=out, width=120))
    lines = out.getvalue().splitlines()
    row = next(line for line in lines if line.startswith(" twin"))
    assert row.count(" =") == len(TASKS) + 1
    assert (
        "mean: ranks 1-2, 1-2, 3, row by row; 2 of 3 pairs told apart, resolution 0."
        in out.getvalue()
    )
    assert "expected rank on new items of the same kind; not over training" in out.getvalue()


def test_too_few_clusters_rank_nothing(template: dict[str, Any]) -> None:
    """Six clusters: an interval, no p value, no ranks; three: not even an interval."""
    for clusters, interval in ((6, True), (3, False)):
        found = []
        for name, skill in (("a", 0.9), ("b", 0.3)):
            made = result(template, name, skill, tasks=("newt",))
            held = dict(made.loaded_predictions or {})
            names = np.array([f"{i // 4 % clusters}" for i in range(96)])
            extras = {**held["newt"].extras, "cluster": names}
            held["newt"] = Predictions(
                held["newt"].ids, held["newt"].y_true, held["newt"].y_pred, extras
            )
            made.tasks["newt"]["digests"]["predictions"] = held["newt"].digest
            found.append(Results(made.document, None, held))
        row = compare_results(*found, SPEC).rows["newt"]
        assert (row.test.low is not None) is interval
        assert (row.test.p, row.corrected) == (None, None)
        out = io.StringIO()
        print_comparison(compare_results(*found, SPEC), Console(file=out, width=150))
        assert "too few clusters for it" in out.getvalue()
        assert ("* few clusters: the interval" in out.getvalue()) is interval
        assert ("expected difference" in out.getvalue()) is interval
        (table,) = standings(found, SPEC, ranks=True)
        print_standings(table, Console(file=out, width=150))
        assert "newt: too few clusters to rank models" in out.getvalue()
        assert "may be the best" not in out.getvalue()


def test_suites_and_sizes_are_told_apart(template: dict[str, Any]) -> None:
    """A table a suite; a sample's size beside the model's name, and equal names by full name."""
    few = result(template, "m", 0.5, n_train=10)
    other = result(template, "m", 0.6)
    other.document["model"]["resolved"] = "hf:else/where"
    twin = result(template, "m", 0.7)
    demo = Results(copy.deepcopy(template))
    tables = standings([few, other, twin, demo], SPEC, ranks=False)
    assert [table.suite for table in tables] == ["prior-work", "demo"]
    out = io.StringIO()
    print_standings(tables[0], Console(file=out, width=200))
    text = out.getvalue()
    assert "m (10 a class)" in text
    assert "m [hf:else/where]" in text
    with pytest.raises(UsageError, match="cannot share a table"):
        standings([few, result(template, "m", 0.5, division="compat")], SPEC, ranks=False)


@pytest.mark.parametrize("names", ["ab", ["hf:somebody/a-model-with-a-long-name", "b"]])
@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_width_cuts_a_score(width: int, names: Sequence[str], template: dict[str, Any]) -> None:
    """A narrow terminal gets more tables, and numbers where names leave too little room."""
    found = [result(template, name, 0.5, seed=i) for i, name in enumerate(names)]
    (table,) = standings(found, SPEC, ranks=False)
    out = io.StringIO()
    print_standings(table, Console(file=out, width=width))
    for row in table.rows:
        for task in TASKS:
            assert f"{row.tasks[task]['score']:.4f}" in out.getvalue()
    assert "\u2026" not in out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 200])
def test_results_that_share_every_name_are_told_apart(
    width: int, template: dict[str, Any], tmp_path: Path
) -> None:
    """One model run twice: a line a row says of which result it is, and where that lies."""
    found = []
    for i, skill in enumerate((0.3, 0.9)):
        made = result(template, "m", skill, seed=i)
        made.document["digests"]["result"] = f"sha256:{str(i) * 64}"
        found.append(Results(made.document, tmp_path / f"run-{i}", made.loaded_predictions))
    (table,) = standings(found, SPEC, ranks=False)
    out = io.StringIO()
    print_standings(table, Console(file=out, width=width))
    for number, i in ((1, 1), (2, 0)):
        assert f"{number}: m, timm:tf_efficientnet_lite0, sha256:{str(i) * 64}" in out.getvalue()
        assert str(tmp_path / f"run-{i}") in out.getvalue()
        score = f"{found[i].tasks['imagenet1k']['score']:.4f}"
        assert re.search(rf"^ {number} .* {score}", out.getvalue(), re.MULTILINE)


@pytest.mark.parametrize("what", ["protocol", "metric"])
def test_another_protocol_is_no_better_model(template: dict[str, Any], what: str) -> None:
    """The difference of two scores by two protocols, of one sample or of two, says nothing of the
    models; a declared score, which states no protocol, goes with any."""
    a, b = result(template, "a", 0.9), result(template, "b", 0.3, n_train=3)
    b.tasks["newt"][what] = "other"
    for call in (lambda: compare_results(a, b, SPEC), lambda: standings([a, b], SPEC, ranks=True)):
        with pytest.raises(UsageError, match=rf"{what}s \w+ and other of task newt cannot share"):
            call()
    groups = groups_of([a, b])
    words = f"{what} other of task newt, not {a.tasks['newt'][what]}"
    assert [group.reason for group in groups] == [None, words]
    assert len(groups_of([a, declared(b, "newt", 0.4)])) == 1


def test_another_list_of_images_is_refused_where_nothing_can_stand_apart(
    template: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    """One table as CSV or JSON has no room for the reason; samples of other sizes have lists of
    their own by nature."""
    a, b = result(template, "a", 0.9), result(template, "b", 0.3)
    few = result(template, "c", 0.3, n_train=3)
    for other in (b, few):
        other.tasks["newt"]["digests"]["manifest"] = f"sha256:{'1' * 64}"
    standings([a, few], SPEC, ranks=False)
    places = [str(tmp_path / "a"), str(tmp_path / "b")]
    for one, place in zip((a, b), places, strict=True):
        save(one.document, Path(place))
    for command in (["report", "--csv"], ["report", "--json"], ["export", "--format", "csv"]):
        assert execute([command[0], *places, *command[1:]]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert "other data of task newt: another list of images was scored" in said.err


def test_a_family_of_one_task_is_one_task(template: dict[str, Any]) -> None:
    """The line below a comparison counts in English."""
    a, b = (result(template, name, 0.5, seed=ord(name), tasks=("newt",)) for name in "ab")
    out = io.StringIO()
    print_comparison(compare_results(a, b, SPEC), Console(file=out, width=80))
    assert "corrected over 1 task by Holm" in out.getvalue()


def test_a_result_that_was_edited(template: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    """No table shows a number that the result did not have when it was written."""
    save(template, tmp_path)
    place = str(tmp_path)
    assert execute(["report", place]) == 0
    path = tmp_path / "results.json"
    document = json.loads(path.read_text())
    document["tasks"]["demo-beluga"]["score"] = 0.99
    path.write_text(json.dumps(document))
    capsys.readouterr()
    for command in (["report", place], ["report", "--csv", place], ["compare", place, place]):
        assert execute(command) == 3
        printed = capsys.readouterr()
        (line,) = printed.err.splitlines()
        assert "was changed after it was written" in line
        assert printed.out == ""


def test_commands(template: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    """A file that is no sound result is exit 3 after the others; mixed divisions stand apart, and
    have no one document; what a model is called is text."""
    name = "[red]\x1b[31mname"
    save(template | {"model": template["model"] | {"name": name}}, tmp_path / "a")
    save(template | {"division": "compat"}, tmp_path / "b")
    save(template | {"more": 1}, tmp_path / "flawed")
    a, b, flawed = (str(tmp_path / folder) for folder in ("a", "b", "flawed"))
    assert execute(["report", a, a]) == 0
    printed = capsys.readouterr().out
    assert "[red]" in printed
    assert "\x1b[31m" not in printed
    assert execute(["report", a]) == 0
    assert execute(["report", a, b]) == 0
    assert "apart from the results above: division compat, not official" in capsys.readouterr().out
    for form in ("--json", "--csv"):
        assert execute(["report", a, b, form]) == 2
        assert "cannot share a table" in capsys.readouterr().err
    assert execute(["report", flawed, a]) == 3
    printed = capsys.readouterr()
    assert "[red]" in printed.out
    (line,) = printed.err.splitlines()
    assert "not a sound result" in line
    assert "flawed" in line
    assert execute(["report", a, "--json", "--csv"]) == 2
    assert execute(["compare", a, flawed]) == 3
    assert "not a sound result" in capsys.readouterr().err
    assert execute(["report", a, a, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "biobench.standings/1"
    assert execute(["report", a, "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
