"""The evaluation block of a model card (``model-index``), written by huggingface_hub's classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from biobench.errors import shown
from biobench.export.formats import ExportOptions
from biobench.export.words import dataset_title, known_task, setup, task_title
from biobench.report.results import Results
from biobench.spec.load import Spec

_HUB_METRICS = {"macro_f1": "f1"}
"""Ids of the hub's own metrics that differ from ours; the name says the rest."""


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The block with its fences, as at the head of README.md: an entry a task and one of the mean.

    ``source`` has the address that was given; the hub's classes allow no source without one.
    """
    from huggingface_hub import EvalResult, ModelCardData

    (result,) = results
    document = result.document
    made_under = ", ".join(setup(document))
    external = {task: ", declared" if e["declared"] else "" for task, e in result.tasks.items()}
    source_name = "BioBench" if options.source_url else None
    entries = [
        EvalResult(
            task_type=_task_type(task, spec),
            task_name=f"{task_title(task, spec)} ({task})",
            dataset_type=_dataset(task, spec),
            dataset_name=dataset_title(task, spec),
            dataset_split="test",
            metric_type=_HUB_METRICS.get(entry["metric"], entry["metric"]),
            metric_name=f"{entry['metric']} ({made_under}{external[task]})",
            metric_value=entry["score"],
            source_name=source_name,
            source_url=options.source_url,
        )
        for task, entry in result.tasks.items()
    ]
    if result.mean is not None:
        entries.append(
            EvalResult(
                task_type="image-classification",
                task_name=f"Mean of suite {document['suite']}",
                dataset_type=str(document["suite"]),
                dataset_name=f"Suite {document['suite']}",
                metric_type="mean",
                metric_name=f"mean of {result.mean['tasks']} tasks ({made_under})",
                metric_value=result.mean["score"],
                source_name=source_name,
                source_url=options.source_url,
            )
        )
    card: Any = ModelCardData(
        model_name=shown(str(document["model"]["name"])), eval_results=entries
    )
    return f"---\n{card.to_yaml()}\n---\n".encode()


def _dataset(task: str, spec: Spec) -> str:
    known = known_task(task, spec)
    return task if known is None else known.dataset.id


def _task_type(task: str, spec: Spec) -> str:
    """The hub's name for the kind of task."""
    known = known_task(task, spec)
    frames = known is not None and known.view["kind"] == "frames"
    return "video-classification" if frames else "image-classification"
