"""The table of several models: what is said beside its intervals and speeds."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from scored import SPEC, TASKS, result

from biobench.compare.ranking import print_ranking, ranked_table, rankings
from biobench.run.many import Speed


def printed(template: dict[str, Any], *, mean: bool) -> str:
    """The table of two models, of the mean or of the single task newt."""
    tasks = TASKS if mean else ("newt",)
    results, speeds = [], {}
    for name, skill, computed in (("good", 0.9, 96), ("bad", 0.4, 40)):
        made = result(template, name, skill, tasks=tasks)
        interval = made.tasks["newt"]["interval"]
        interval["few_clusters"], interval["lone_classes"] = name == "bad", name == "good"
        for entry in made.tasks.values():
            entry["cluster_unit"] = "camera"
        made.tasks["newt"]["cluster_unit"] = "specimen"
        results.append(made)
        speeds[id(made)] = Speed(96, computed, 2.0)
    # Their units are not those of the specification, so that no set of ranks is known.
    (ranking,) = rankings(ranked_table(results, SPEC)[0], speeds)
    out = io.StringIO()
    print_ranking(ranking, Console(file=out, width=150))
    return out.getvalue()


def test_intervals_name_their_unit_and_have_their_marks(template: dict[str, Any]) -> None:
    """Section 12: whoever shows an interval says of what it is, and marks the weak ones; a speed of
    some of the images has a mark of its own."""
    text = printed(template, mean=False)
    assert "interval: expected score on new specimens of the same kind; not over training" in text
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert " +" in rows["good"]
    assert " *" in rows["bad"]
    assert "20.0 ~" in rows["bad"]
    assert "~" not in rows["good"]
    assert "* few clusters: the interval is less certain" in text
    assert "+ many classes lie in one cluster each" in text
    assert "~ of the images whose features the store did not have" in text


def test_the_mean_names_the_units_of_all_its_tasks(template: dict[str, Any]) -> None:
    """A mean has no marks, and is of new clusters of every kind."""
    text = printed(template, mean=True)
    assert "expected score on new cameras or specimens of the same kind; not over" in text
    assert "few clusters" not in text
