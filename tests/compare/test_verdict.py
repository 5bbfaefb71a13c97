"""The sentence that says which model to take."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console
from scored import SPEC, TASKS, result

from biobench.compare.ranking import ranked_table
from biobench.compare.site.verdict import verdicts
from biobench.compare.standings import Standings, shown_names, standings
from biobench.compare.tables import print_standings


def table(
    template: dict[str, Any], *skills: float, tasks: tuple[str, ...] = ("newt",)
) -> Standings:
    """Models m0, m1 ... of those skills, each task of 96 items."""
    results = [result(template, f"m{i}", skill, i, tasks) for i, skill in enumerate(skills)]
    for one in results:
        for entry in one.tasks.values():
            entry["counts"] = {"train": 9, "test": 96, "classes": 4, "excluded": 4}
    return ranked_table(results, SPEC)[0]


def test_a_model_that_is_ahead_is_taken(template: dict[str, Any]) -> None:
    """The one whose set of ranks begins at 1 alone is named, with the items that tell."""
    (said,) = verdicts(table(template, 0.2, 1.0, tasks=("inat21",)))
    assert said == "inat21: take m1; it is ahead of m0 (96 test items)."
    (said,) = verdicts(table(template, 0.1, 1.0, 0.2, tasks=("inat21",)))
    assert said == "inat21: take m1; it is ahead of all 2 others (96 test items)."


def test_models_that_cannot_be_told_apart(template: dict[str, Any]) -> None:
    """The best is named with those too near to it, by how much, and the resolution."""
    held = table(template, 0.5, 0.55, tasks=("inat21",))
    assert held.ranks is not None
    ranks = held.ranks["inat21"]
    assert ranks is not None
    assert len(ranks.may_be_best) == 2
    scores = sorted((row.tasks["inat21"]["score"] for row in held.rows), reverse=True)
    best = max(held.rows, key=lambda row: float(row.tasks["inat21"]["score"]))
    (said,) = verdicts(held)
    name = best.document["model"]["name"]
    other = {"m0": "m1", "m1": "m0"}[name]
    assert said == (
        f"inat21: {name} scores highest, but 96 test items cannot tell it from {other} "
        f"(difference {scores[0] - scores[1]:.3f}, resolution {ranks.resolution:.3f})."
    )


def test_many_that_cannot_be_told_apart_are_counted(template: dict[str, Any]) -> None:
    """A few names are enough for a sentence."""
    (said,) = verdicts(table(template, *[0.5] * 6, tasks=("inat21",)))
    assert re.search(r"cannot tell it from [45] others, such as m\d \(differences ", said)
    assert re.search("at once takes more than the 0[.][0-9]{3} that tells two apart", said)


def test_one_sentence_on_the_mean(template: dict[str, Any]) -> None:
    """The mean of results that have one decides; its items are those of all tasks."""
    (said,) = verdicts(table(template, 0.1, 1.0, tasks=TASKS))
    assert said.startswith("the mean: ")
    assert "288 test items" in said, said


def test_models_of_several_folders(template: dict[str, Any]) -> None:
    """Protects: of results of the same models on different tasks each task says which to take, by
    the ranks of those that have it; a name that means one model has nothing after it."""
    results = [
        result(template, f"m{i}", 0.1 + 0.9 * i, i, (task,))
        for task in ("inat21", "newt") for i in range(2)
    ]  # fmt: skip
    for one in results:
        one.document["model"]["resolved"] = f"timm:{one.document['model']['name']}"
    held, unranked = ranked_table(results, SPEC)
    assert unranked is None
    said = verdicts(held)
    assert [one.partition(" (")[0] for one in said] == [
        f"{task}: take m1; it is ahead of m0" for task in ("inat21", "newt")
    ]
    alone, _ = ranked_table(results[:2], SPEC)
    assert held.ranks is not None
    assert alone.ranks is not None
    found, wanted = held.ranks["inat21"], alone.ranks["inat21"]
    assert found is not None
    assert wanted is not None
    assert sorted(found.sets.values()) == sorted(wanted.sets.values())
    sets = held.document()["ranks"]["inat21"]["sets"]
    assert [one is not None for one in sets] == ["inat21" in row.tasks for row in held.rows]
    out = io.StringIO()
    print_standings(held, Console(file=out, width=80))
    assert "inat21: ranks 2, 1, -, -, row by row; 1 of 1 pair told apart" in out.getvalue()
    (held,) = standings(results, SPEC, ranks=False)
    assert all("as 2 other results have no such score" in one for one in verdicts(held))
    results[0].document["model"]["resolved"] = "timm:other"
    (held,) = standings(results, SPEC, ranks=False)
    assert sorted(shown_names(held)) == ["m0 [timm:m0]", "m0 [timm:other]", "m1", "m1"]


@pytest.mark.parametrize("count", [1, 2])
def test_without_ranks_nobody_is_recommended(template: dict[str, Any], count: int) -> None:
    """One model has no rival; of two without ranks only the order is said."""
    results = [result(template, f"m{i}", 0.1 + 0.9 * i, i, ("inat21",)) for i in range(count)]
    (held,) = standings(results, SPEC, ranks=False)
    said = verdicts(held)
    assert len(said) == count - 1
    assert all("m1 scores highest" in one and "not known here" in one for one in said)
