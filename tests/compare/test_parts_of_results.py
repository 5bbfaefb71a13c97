"""Results of which a part has no intervals or cannot be read: the rest is shown."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from scored import SPEC, TASKS, result, save
from upstream_file import upstream_file

from biobench import Results
from biobench.cli import execute
from biobench.compare import results
from biobench.compare.pair import compare_results
from biobench.compare.standings import standings
from biobench.compare.tables import print_comparison, print_standings
from biobench.errors import DataError


def without_interval(results: Results, task: str) -> Results:
    """The same where a task publishes no interval."""
    results.tasks[task] |= {"interval": None, "no_interval": "metric", "clusters": None}
    return results


def test_a_task_without_intervals_leaves_the_others(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: one task whose metric has no interval costs neither ranks nor comparison of the
    others; where there is no other, the error says why."""
    whole = SPEC.task("newt")
    metrics = tuple(replace(metric, interval=None) for metric in whole.metrics)
    rules = results.task_rules

    def without(found: Results, spec: Any) -> Any:
        known, faults = rules(found, spec)
        return known | {"newt": replace(known["newt"], metrics=metrics)}, faults

    monkeypatch.setattr(results, "task_rules", without)
    models = [
        without_interval(result(template, name, skill), "newt")
        for name, skill in (("a", 0.9), ("b", 0.3))
    ]
    compared = compare_results(*models, SPEC)
    assert list(compared.rows) == list(TASKS[:2])
    assert compared.left_out == ("newt",)
    out = io.StringIO()
    print_comparison(compared, Console(file=out, width=150))
    assert "not run by both, or without intervals: newt" in out.getvalue()
    (table,) = standings(models, SPEC, ranks=True)
    assert table.ranks is not None
    assert set(table.ranks) == set(TASKS[:2])
    print_standings(table, Console(file=out, width=150))
    assert "newt: " not in out.getvalue()
    alone = [
        without_interval(result(template, name, 0.5, tasks=("newt",)), "newt") for name in "ab"
    ]
    for compares in (
        lambda: compare_results(*alone, SPEC),
        lambda: standings(alone, SPEC, ranks=True),
    ):
        with pytest.raises(DataError, match="has no interval"):
            compares()


@pytest.mark.parametrize("command", [["report"], ["analyze"], ["export", "--format", "csv"]])
def test_what_cannot_be_read_is_named_and_ends_with_the_first_code(
    command: Sequence[str], template: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    """Protects: the commands that take many results end alike, the others shown."""
    for i, skill in enumerate((0.3, 0.5, 0.9)):
        made = result(template, f"m{i}", skill, seed=i)
        made.document["model"]["resolved"] = f"timm:m{i}"
        save(made.document, tmp_path / f"m{i}")
    good = [str(tmp_path / f"m{i}") for i in range(3)]
    bad = [str(tmp_path / name) for name in ("nowhere", "neither")]
    assert execute([*command, *good, *bad]) == 3
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if "left out" in line]
    assert [line.startswith("biobench: left out: ") for line in lines] == [True, True]
    assert printed.err.splitlines() == lines
    assert printed.out
    assert execute([*command, *bad]) == 3
    printed = capsys.readouterr()
    assert "left out: " in printed.err.splitlines()[0]
    assert "neither" in printed.err.splitlines()[0]
    assert "nowhere" in printed.err.splitlines()[1]
    assert printed.out == ""


def test_tables_of_scores_have_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: the line names what was asked for, of `compare` as of `verify`."""
    published = tmp_path / "published.json"
    published.write_text(json.dumps(upstream_file()))
    imported = str(tmp_path / "imported.json")
    assert execute(["import", str(published), "--out", imported]) == 0
    capsys.readouterr()
    for command in (["compare", imported, imported], ["verify", imported]):
        assert execute(command) == 3
        assert "so there is nothing to verify or compare" in capsys.readouterr().err
