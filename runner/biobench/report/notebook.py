"""The view of a result in a notebook: table, scores by class, and the items that were got wrong.

In: the document of a result, predictions, names of classes. Out: HTML, or rows for a data frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from biobench._common.templates import can_render
from biobench._common.text import joined
from biobench.data.sample import size_name
from biobench.errors import BiobenchError
from biobench.report import summary

if TYPE_CHECKING:
    import pandas

    from biobench.data.predictions import Predictions
    from biobench.report.page.names import Names

FRAME_COLUMNS = ("model", "task", "metric", "score", "low", "high", "test", "declared")
CLASS_COLUMNS = (
    "model",
    "task",
    "class",
    "support",
    "right",
    "called",
    "recall",
    "precision",
    "f1",
)
GROUP_COLUMNS = ("model", "task", "unit", "group", "items", "right", "share")
ERROR_COLUMNS = ("model", "task", "id", "truth", "predicted", "group")


def frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pandas.DataFrame:
    """A pandas DataFrame of rows, with its columns even where there is no row.

    Raises:
        BiobenchError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise BiobenchError("a table needs pandas", remedy="pip install pandas") from error
    return pandas.DataFrame(list(rows), columns=list(columns))


def score_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a task of a result; see :data:`FRAME_COLUMNS`."""
    rows = []
    for task, entry in document["tasks"].items():
        interval = entry["interval"] or {"low": None, "high": None}
        rows.append(
            {
                "model": document["model"]["name"],
                "task": task,
                "metric": entry["metric"],
                "score": entry["score"],
                "low": interval["low"],
                "high": interval["high"],
                "test": entry["counts"]["test"] if entry["counts"] else None,
                "declared": entry["declared"],
            }
        )
    return rows


def class_rows(
    model: str, task: str, predictions: Predictions, names: Names
) -> list[dict[str, Any]]:
    """One row a class of the test items, or a trait, worst first; see :data:`CLASS_COLUMNS`."""
    from biobench.report.page.mistakes import class_scores

    return [
        {
            "model": model,
            "task": task,
            "class": one.name,
            "support": one.support,
            "right": one.right,
            "called": one.called,
            "recall": one.recall,
            "precision": one.precision,
            "f1": one.f1,
        }
        for one in class_scores(predictions, names)
    ]


def group_rows(
    model: str, task: str, unit: str | None, predictions: Predictions
) -> list[dict[str, Any]]:
    """One row a group of the test items, worst first; see :data:`GROUP_COLUMNS`.

    Args:
        model: The name of the model.
        task: The task's id.
        unit: What a cluster is; the groups of a task that has its own are named so.
        predictions: The predictions of the task.
    """
    from biobench.report.page.mistakes import GROUP, group_parts

    return [
        {
            "model": model,
            "task": task,
            "unit": GROUP if GROUP in predictions.extras else unit,
            "group": part.name,
            "items": part.items,
            "right": part.right,
            "share": part.share,
        }
        for part in group_parts(predictions)
    ]


def error_rows(
    model: str, task: str, predictions: Predictions, names: Names
) -> list[dict[str, Any]]:
    """One row an item that was predicted wrong, in the order of the manifest; see
    :data:`ERROR_COLUMNS`."""
    from biobench.report.page.mistakes import item_groups, said_of, wrong_items

    groups = item_groups(predictions)
    found = []
    for i in wrong_items(predictions):
        truth, predicted = said_of(predictions, names, i)
        found.append(
            {
                "model": model,
                "task": task,
                "id": predictions.ids[i],
                "truth": truth,
                "predicted": predicted,
                "group": None if groups is None else groups[i],
            }
        )
    return found


def result_html(document: Mapping[str, Any]) -> str | None:
    """The table of a result, every value escaped; None without jinja2: a notebook shows text."""
    if not can_render():
        return None
    rows = [{name: row.get(name, "") for name in summary.COLUMNS} for row in summary.rows(document)]
    return table_html(
        summary.head_line(document), summary.COLUMNS, rows, summary.limits(document), summary.WORDS
    )


def curve_html(document: Mapping[str, Any]) -> str | None:
    """The table of a learning curve, tasks by sizes, every value escaped; None without jinja2."""
    if not can_render():
        return None
    sizes = [size_name(size["n_train"]) for size in document["sizes"]]
    rows, lines = [], []
    for task, entry in document["tasks"].items():
        row = {"task": task, "metric": entry["metric"]}
        for size, cell in zip(sizes, entry["cells"], strict=True):
            row[size] = "-" if cell["score"] is None else f"{cell['score']:.4f}"
            if cell["reason"] is not None:
                lines.append(f"{task} at {size}: {cell['reason']}")
        rows.append(row)
    means = [size["mean"] for size in document["sizes"]]
    if any(means):
        scores = ["-" if mean is None else f"{mean['score']:.4f}" for mean in means]
        rows.append({"task": "mean", "metric": "", **dict(zip(sizes, scores, strict=True))})
    words = ("task", "metric")
    caption = f"model {document['model']['name']}, scores by training items"
    return table_html(caption, (*words, *sizes), rows, lines, words)


def failures_html(caption: str, failures: Mapping[str, Exception]) -> str:
    """The table of models that have no score, with the reason of each, every value escaped."""
    columns = ("model", "reason")
    rows = [{"model": name, "reason": joined(error)} for name, error in failures.items()]
    return table_html(caption, columns, rows, (), columns)


def table_html(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    lines: Sequence[str],
    words: Sequence[str],
) -> str:
    """A table and the lines below it; ``words``: columns that are aligned to the left."""
    from biobench.report.page.render import render

    return render(
        "frame.html", caption=caption, columns=columns, rows=rows, lines=lines, words=words
    )
