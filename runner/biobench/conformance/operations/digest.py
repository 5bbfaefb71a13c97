"""Digests of values, stages and files (SPEC.md, section 4)."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.pixels import decode_arrays, image_array, recipe_of
from biobench.spec.canonical import sha256_json
from biobench.spec.load import Spec

if TYPE_CHECKING:
    import torch


def _value(given: Mapping[str, Any], spec: Spec) -> Any:
    return {"digest": sha256_json(given["value"])}


def _manifest(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.data.manifest import Manifest, Row

    rows = tuple(
        Row(
            id=row["id"],
            path=row["path"],
            label=0 if "traits" in row else row["label"],
            split=row["split"],
            scored=row["split"] != "train",
            traits=tuple(row.get("traits", ())),
            group=row.get("group", ""),
            subject=row.get("subject", ""),
            cluster=row.get("cluster", ""),
        )
        for row in given["rows"]
    )
    return {"digest": Manifest(Path(), (), rows, {}, ()).digest}


def _pixels(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.embed.features import pixels_digest

    images = [image_array(row["crop"]) for row in given["rows"]]
    if len({pixels.shape for pixels in images}) != 1:
        raise Invalid("value")
    batch = decode_arrays(images, recipe_of({"mode": "none", "crop": images[0].shape[:2]}))
    pixels = np.frombuffer(b"".join(batch.digests), np.uint8).reshape(-1, 32)
    return {
        "leaves": ["blake3:" + leaf.hex() for leaf in batch.digests],
        "digest": pixels_digest([row["id"] for row in given["rows"]], pixels),
    }


def _features(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.embed.features import features_digest

    return {"digest": features_digest(given["ids"], np.array(given["features"], np.float32))}


def _predictions(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.data.predictions import Predictions
    from biobench.errors import DataError

    extras = {name: np.array(column) for name, column in given["extras"].items()}
    try:
        predictions = Predictions(
            ids=tuple(given["ids"]),
            y_true=np.array(given["y_true"], np.int32),
            y_pred=np.array(given["y_pred"], np.int32),
            extras=extras,
        )
    except DataError:
        raise Invalid("duplicate-id" if _repeats(given["ids"]) else "value") from None
    return {"digest": predictions.digest}


def _repeats(ids: list[str]) -> bool:
    return len(set(ids)) < len(ids)


def _score(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.metric.score import SCORE_MEMBERS

    return {"digest": sha256_json({name: given[name] for name in SCORE_MEMBERS})}


def _weights(given: Mapping[str, Any], spec: Spec) -> Any:
    import torch

    from biobench.models.weights import weights_digest

    class State(torch.nn.Module):
        """A module that has the tensors of the input and nothing else."""

        def state_dict(self, *args: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
            return {t["name"]: _tensor(t) for t in given["tensors"]}

    return {"digest": weights_digest(State())}


def _tensor(value: Mapping[str, Any]) -> torch.Tensor:
    import torch

    data = bytearray(base64.b64decode(value["elements"], validate=True))
    dtype: torch.dtype = getattr(torch, value["dtype"])
    flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.reshape(value["shape"])


def _recipe(given: Mapping[str, Any], spec: Spec) -> Any:
    table = base64.b64decode(given["table"], validate=True)
    if len(table) != 3072:
        raise Invalid("value")
    recipe = recipe_of(given["geometry"], table)
    return {"geometry": recipe.geometry_digest, "recipe": recipe.digest}


def _files(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.data.files import found_files
    from biobench.spec.documents import Dataset, Layout

    layout = Layout(given["layout"]["id"], given["layout"]["options"])
    dataset = Dataset("vectors", "", "1", "ok", None, "", (), layout, {})
    with tempfile.TemporaryDirectory(prefix="biobench-") as folder:
        for path, content in given["files"].items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(base64.b64decode(content, validate=True))
        found = found_files(dataset, Path(folder))
    return {"count": found.count, "bytes": found.bytes, "digest": found.digest}


def _root(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.report.document import stage_root

    tasks = {
        task: {"declared": False, "digests": {"stage": digest}}
        for task, digest in given["tasks"].items()
    }
    return {"digest": stage_root(tasks, "stage")}


def _result(given: Mapping[str, Any], spec: Spec) -> Any:
    from biobench.report.result_document import result_digest

    return {"digest": result_digest(given["result"])}


OPERATIONS = {
    "digest.value": _value,
    "digest.manifest": _manifest,
    "digest.pixels": _pixels,
    "digest.features": _features,
    "digest.predictions": _predictions,
    "digest.score": _score,
    "digest.weights": _weights,
    "digest.recipe": _recipe,
    "digest.files": _files,
    "digest.root": _root,
    "digest.result": _result,
}
