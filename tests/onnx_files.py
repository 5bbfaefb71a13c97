"""Small ONNX files for tests: a stem, a pool and a linear layer of seeded weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 32
RECIPE = {
    "mode": "shortest", "size": SIDE, "crop": SIDE, "filter": "bilinear",
    "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4],
}  # fmt: skip


def small_model(
    *,
    batch: int | str = "n",
    opset: int = 17,
    extra: Sequence[Any] = (),
    output: str = "features",
    weights: dict[str, np.ndarray] | None = None,
    image: Sequence[int | str] = (3, SIDE, SIDE),
) -> Any:
    """A model whose features are 5 numbers an image, or as many as the weights of ``head`` give;
    ``extra`` nodes come after its own."""
    from onnx import TensorProto, helper, numpy_helper

    numbers = np.random.default_rng(0)
    arrays = {
        "stem": numbers.normal(size=(8, 3, 4, 4)).astype(np.float32),
        "head": numbers.normal(size=(5, 8)).astype(np.float32),
        "shift": numbers.normal(size=5).astype(np.float32),
        **(weights or {}),
    }
    nodes = [
        helper.make_node("Conv", ["images", "stem"], ["maps"], "patches", strides=[4, 4]),
        helper.make_node("Relu", ["maps"], ["above"], "activation"),
        helper.make_node("GlobalAveragePool", ["above"], ["pooled"], "pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "head", "shift"], ["features"], "linear", transB=1),
        *extra,
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, *image])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, len(arrays["head"])])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def filters(count: int) -> dict[str, np.ndarray]:
    """Weights for features that are the means of ``count`` drawn filters, which tell the images of
    the demo suite apart, if badly."""
    stem = np.random.default_rng(0).normal(size=(count, 3, 4, 4)).astype(np.float32)
    return {"stem": stem, "head": np.eye(count, dtype=np.float32), "shift": np.zeros(count, "f4")}


def written(folder: Path, model: Any, recipe: Any = RECIPE, name: str = "small") -> str:
    """Write a model with its recipe; returns the name by which it is loaded."""
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    if recipe is not None:
        (folder / f"{name}.recipe.json").write_text(json.dumps(recipe))
    return f"onnx:{path}"
