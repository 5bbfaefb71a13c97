"""One row a result, as the pages of a site show and filter it.

In: results of one group. Out: JSON values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from biobench.compare.results import model_name
from biobench.errors import shown
from biobench.report.imported import is_imported
from biobench.report.intervals import marks
from biobench.report.results import Results

SIZES = ((30e6, "below 30 M"), (100e6, "30 to 100 M"), (400e6, "100 to 400 M"))
"""Upper bounds of the classes of size, in parameters."""
LARGEST = "400 M and more"
_ONLY_LOADER = {"tf", "hf", "timm", "open", "clip", "py", "models"}
"""First words of names that say where a model comes from, and not what it is."""


def key_of(results: Results) -> str:
    """A name for the files of a result: its model, and the beginning of its digest."""
    words = re.sub(r"[^a-z0-9]+", "-", str(results.document["model"]["name"]).lower()).strip("-")
    return f"{words[:40] or 'model'}-{results.digests['result'].removeprefix('sha256:')[:8]}"


def family(resolved: str) -> str:
    """The family of a model: the first word of its name that is not of its loader.

    ``hf:google/siglip2-large-patch16-256`` gives ``siglip2``, ``timm:tf_efficientnet_lite0``
    ``efficientnet``, ``timm:./best.pth#vit_tiny_patch16_224`` ``vit``.
    """
    # Of a file of weights its architecture.
    name = resolved.rpartition("#")[2].partition(":")[2] or resolved.rpartition("#")[2]
    name = name.partition("@")[0].rstrip("/")
    name = name.rpartition("/")[2] if resolved.startswith("hf:") else name.partition("/")[0]
    words = [word for word in re.split(r"[-_.:/ ]+", name.lower()) if word]
    return shown(next((word for word in words if word not in _ONLY_LOADER), "other"))


def size_class(parameters: int | None) -> str:
    """The class of size of a model."""
    if parameters is None:
        return "unknown"
    return next((name for bound, name in SIZES if parameters < bound), LARGEST)


def images_per_second(results: Results) -> float | None:
    """Images a second through the backbone over all tasks: of the images that were computed, or
    where the store had all of them as earlier runs measured it; None where none has."""
    costs = [entry["cost"] for entry in results.tasks.values() if entry["cost"]]
    timed = [
        (cost["images_per_s"], sum(cost["stages"].get(name, 0.0) for name in ("decode", "embed")))
        for cost in costs if cost["images_per_s"]
    ]  # fmt: skip
    if not any(passed for _, passed in timed):
        # Of no run's own time: each task weighs by what its images take at its rate.
        timed = [
            (cost["images_per_s"], cost["images"] / cost["images_per_s"])
            for cost in costs if cost["images_per_s"]
        ]  # fmt: skip
    seconds = sum(passed for _, passed in timed)
    return sum(rate * passed for rate, passed in timed) / seconds if seconds else None


def row_of(results: Results, key: str) -> dict[str, Any]:
    """Values that tables and plots show; a cell is its score, bounds, whether it is declared,
    and the marks of its interval."""
    document, mean = results.document, results.mean
    model = document["model"]
    return {
        "key": key,
        "name": shown(model_name(results)),
        "resolved": shown(str(model["resolved"])),
        "imported": is_imported(results),
        "n_train": document["n_train"],
        "family": shown(model.get("family") or family(str(model["resolved"]))),
        "size": size_class(model["parameters"]),
        "level": str(document["levels"].get("features", "none")),
        "parameters": model["parameters"],
        "images_per_s": images_per_second(results),
        "seconds": document["run"] and document["run"]["wall_s"],
        "mean": mean and [mean["score"], mean["low"], mean["high"], bool(mean.get("declared"))],
        "scores": {task: _cell(entry) for task, entry in results.tasks.items()},
    }


def _cell(entry: dict[str, Any]) -> list[Any]:
    interval = entry["interval"] or {"low": None, "high": None}
    weak = marks(entry["interval"]).strip() if entry["interval"] else ""
    return [entry["score"], interval["low"], interval["high"], entry["declared"], weak]


def ranks(results: Sequence[Results], keys: Sequence[str], task: str) -> list[list[Any]]:
    """Key, score and rank of each result that has a task, in the order given; equal scores share
    the better rank."""
    scored = [
        (key, result.tasks[task]) for key, result in zip(keys, results, strict=True)
        if task in result.tasks
    ]  # fmt: skip
    higher = scored[0][1]["higher_is_better"] if scored else True
    scores = [entry["score"] for _, entry in scored]
    return [
        [
            key,
            entry["score"],
            1 + sum((s > entry["score"]) == higher and s != entry["score"] for s in scores),
        ]
        for key, entry in scored
    ]
