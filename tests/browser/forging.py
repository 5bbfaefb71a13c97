"""Results of many models, forged from one of the demo suite: for a site's size, not for scores.

Predictions of the one result are changed by chance. Scores, intervals and digests are computed from
them, so that each is a sound result of division open; names, sizes and costs are invented.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from biobench.data.predictions import Predictions
from biobench.metric.score import score_task
from biobench.report.document import stage_root
from biobench.report.result_document import result_digest
from biobench.report.results import Results, load_results
from biobench.spec.load import Spec
from biobench.verify.rules import task_rules

FAMILIES = ("vit", "convnext", "resnet", "siglip2", "dinov3", "eva02", "swin", "hiera")
COPIES = ("demo-plankton", "demo-plantnet", "demo-herbarium19")
"""Tasks that occur a second time, under names of their own, so that there are twelve."""


def forge(source: Path, out: Path, spec: Spec, *, models: int, seed: int = 0) -> list[Path]:
    """Write ``models`` results of twelve tasks below ``out`` and return their folders."""
    original = load_results(source)
    document = copy.deepcopy(original.document)
    document["division"] = "open"
    for task in COPIES:
        document["tasks"][f"own-{task}"] = copy.deepcopy(document["tasks"][task])
    tables = {
        task: pq.read_table(source / entry["predictions"])
        for task, entry in document["tasks"].items()
    }
    held = {task: original.predictions(task.removeprefix("own-")) for task in tables}
    draw = np.random.default_rng(seed)
    return [
        _model(out / f"model-{i:03d}", document, tables, held, spec, draw, i) for i in range(models)
    ]


def _model(
    folder: Path,
    document: dict[str, Any],
    tables: dict[str, pa.Table],
    held: dict[str, Predictions],
    spec: Spec,
    draw: np.random.Generator,
    i: int,
) -> Path:
    made = copy.deepcopy(document)
    family = FAMILIES[i % len(FAMILIES)]
    made["model"]["name"] = f"hf:forged/{family}-{i:03d}"
    made["model"]["resolved"] = f"hf:forged/{family}-{i:03d}"
    made["model"]["parameters"] = int(10 ** draw.uniform(6.5, 9))
    made["run"]["wall_s"] = float(draw.uniform(100, 10_000))
    (folder / "predictions").mkdir(parents=True)
    skill = draw.uniform(0, 0.8)
    suite = spec.suites["demo"]
    rules, faults = task_rules(Results(made), spec)
    assert not [fault for fault in faults if fault.task not in rules], faults
    for task, entry in made["tasks"].items():
        predictions = _changed(held[task], skill, draw)
        score = score_task(rules[task], suite, predictions)
        entry.update(score.document())
        entry["predictions"] = f"predictions/{task}.parquet"
        entry["digests"].update({"predictions": predictions.digest, "score": score.digest})
        rate = float(draw.uniform(20, 400))
        passed = {"decode": 0.0, "embed": entry["cost"]["images"] / rate}
        entry["cost"] |= {"images_per_s": rate, "stages": entry["cost"]["stages"] | passed}
        pq.write_table(_table(tables[task], task, predictions), folder / entry["predictions"])
    made["mean"] = None
    for stage in ("manifest", "pixels", "features", "predictions", "score"):
        made["digests"]["data" if stage == "manifest" else stage] = stage_root(made["tasks"], stage)
    made["digests"]["result"] = result_digest(made)
    (folder / "results.json").write_text(json.dumps(made))
    return folder


def _changed(predictions: Predictions, skill: float, draw: np.random.Generator) -> Predictions:
    """Predictions of which a share ``skill`` becomes right, and a tenth another label."""
    truth, predicted = predictions.y_true, predictions.y_pred.copy()
    if truth.ndim == 2:
        right = draw.random(truth.shape) < skill
        predicted = np.where(right, truth, predicted)
        return Predictions(predictions.ids, truth, predicted.astype(np.int32), predictions.extras)
    right = draw.random(len(truth)) < skill
    predicted[right] = truth[right]
    other = draw.random(len(truth)) < 0.1
    predicted[other] = draw.choice(truth[truth >= 0], int(other.sum()))
    extras = dict(predictions.extras)
    if "predicted_poisonous" in extras:
        # An item of no class is never called poisonous.
        extras["predicted_poisonous"] = extras["predicted_poisonous"] & (predicted >= 0)
    return Predictions(predictions.ids, truth, predicted.astype(np.int32), extras)


def _table(table: pa.Table, task: str, predictions: Predictions) -> pa.Table:
    kind = table.schema.field("y_pred").type
    columns = [
        ("y_pred", pa.array(predictions.y_pred.tolist(), kind)),
        ("correct", pa.array(_correct(predictions), pa.bool_())),
    ]
    if "predicted_poisonous" in predictions.extras:
        values = predictions.extras["predicted_poisonous"].tolist()
        columns.append(("predicted_poisonous", pa.array(values, pa.bool_())))
    for name, values in columns:
        place = table.column_names.index(name)
        table = table.set_column(place, name, values)
    return table.replace_schema_metadata({**table.schema.metadata, b"task": task.encode()})


def _correct(predictions: Predictions) -> Iterator[bool]:
    equal = predictions.y_true == predictions.y_pred
    return iter(equal.reshape(len(equal), -1).all(axis=1).tolist())
