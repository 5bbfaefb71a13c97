"""Two models on every task that both have run, by their clusters.

In: two results. Out: differences with intervals and p values, corrected over the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from biobench.compare.results import (
    MEAN,
    clustered_scores,
    comparable_tasks,
    model_name,
    require_one_table,
    with_mean,
)
from biobench.compare.results import task_order as in_order
from biobench.errors import UsageError
from biobench.metric.comparison import Clustered, Comparison, difference, holm, score
from biobench.report.results import Results
from biobench.spec.load import Spec

SCHEMA = "biobench.comparison/1"


@dataclass(frozen=True)
class PairRow:
    """Two models on one task, or on the mean: their scores, the test, and its corrected p value.

    Attributes:
        unit: What a cluster of the task is; None for the mean.
        corrected: None for the mean, which does not belong to the family of tasks, and where there
            is no p value.
    """

    metric: str
    unit: str | None
    a: float
    b: float
    test: Comparison
    corrected: float | None


@dataclass(frozen=True)
class ModelComparison:
    """Rows by task in the suite's order, with ``mean`` last where both have the whole suite.

    Attributes:
        left_out: Tasks that not both have run, or that publish no interval.
    """

    names: tuple[str, str]
    results: tuple[Results, Results]
    rows: dict[str, PairRow]
    alpha: float
    left_out: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The comparison as a JSON value."""
        return {
            "schema": SCHEMA,
            "division": self.results[0].document["division"],
            **{
                key: {
                    "name": results.document["model"]["name"],
                    "resolved": results.document["model"]["resolved"],
                    "n_train": results.document["n_train"],
                    "result": results.digests["result"],
                }
                for key, results in zip(("a", "b"), self.results, strict=True)
            },
            "correction": "holm",
            "alpha": self.alpha,
            "tasks": {task: _row(row) for task, row in self.rows.items() if task != MEAN},
            "mean": _row(self.rows[MEAN]) if MEAN in self.rows else None,
            "left_out": list(self.left_out),
        }


def compare_results(a: Results, b: Results, spec: Spec) -> ModelComparison:
    """Compare two results on the tasks that both have run and that publish an interval; other tasks
    are left out.

    Args:
        a: A result with its predictions.
        b: The result that it is compared with.
        spec: The specification that both were made with.

    Returns:
        Differences, intervals and p values by task.

    Raises:
        UsageError: The two cannot share a table, or have no task in common.
        BiobenchError: As :func:`clustered_scores`.
    """
    require_one_table([a, b])
    order = in_order([a, b], spec)
    tasks = comparable_tasks([a, b], order)
    if not tasks:
        raise UsageError("the two results have run no task in common", remedy="name two others")
    suite = spec.suites[str(a.document["suite"])]
    columns = with_mean(clustered_scores({"a": a, "b": b}, tasks, suite, spec), suite)
    tests = {name: difference(models["a"], models["b"], suite) for name, models in columns.items()}
    family = {task: tests[task].p for task in tasks}
    known = {task: p for task, p in family.items() if p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    rows = {
        name: _made(a.tasks.get(name), columns[name], test, corrected.get(name))
        for name, test in tests.items()
    }
    left_out = tuple(task for task in order if task not in tasks)
    return ModelComparison(
        (model_name(a), model_name(b)), (a, b), rows, suite.comparison.alpha, left_out
    )


def _made(
    entry: Mapping[str, Any] | None,
    models: Mapping[str, Sequence[Clustered]],
    test: Comparison,
    corrected: float | None,
) -> PairRow:
    metric, unit = (str(entry["metric"]), str(entry["cluster_unit"])) if entry else ("", None)
    a, b = (score(models[name]) for name in ("a", "b"))
    return PairRow(metric, unit, a, b, test, corrected)


def _row(row: PairRow) -> dict[str, Any]:
    return {
        "metric": row.metric or None,
        "cluster_unit": row.unit,
        "a": row.a,
        "b": row.b,
        **asdict(row.test),
        "p_corrected": row.corrected,
    }
