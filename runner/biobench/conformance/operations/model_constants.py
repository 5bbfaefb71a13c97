"""Constants of a model (SPEC.md, section 21.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench._native import cosines, interpolate, logarithms, powers, sines
from biobench.models.program.offsets import offset_table
from biobench.models.program.rotary import centred_angles, indexed_angles, tables
from biobench.spec.load import Spec


def _functions(given: Mapping[str, Any], spec: Spec) -> Any:
    x = np.array(given["x"], np.float64)
    if given["function"] == "pow":
        return {"values": powers(float(given["base"]), x).tolist()}
    function = {"sin": sines, "cos": cosines, "log": logarithms}[given["function"]]
    return {"values": function(x).tolist()}


def _rotary(given: Mapping[str, Any], spec: Spec) -> Any:
    grid = given["width"], float(given["base"]), given["rows"], given["columns"]
    if given["form"] == "dinov3":
        angles = centred_angles(*grid)
    else:
        reference = given.get("reference")
        angles = indexed_angles(
            *grid,
            offset=float(given["offset"]),
            reference=tuple(reference) if reference else None,
            column_first=given["column_first"],
        )
    sine, cosine = tables(angles, halves=given["halves"])
    return {"sine": sine.tolist(), "cosine": cosine.tolist()}


def _offsets(given: Mapping[str, Any], spec: Spec) -> Any:
    rows, columns = given["window"]
    trained = given.get("trained")
    table = offset_table((rows, columns), (trained[0], trained[1]) if trained else None)
    return {"table": table.tolist()}


def _resize(given: Mapping[str, Any], spec: Spec) -> Any:
    table = np.array(given["table"], np.float32)
    found = interpolate(table, given["rows"], given["columns"], given["filter"], given["antialias"])
    return {"table": found.tolist()}


OPERATIONS = {
    "model_constants.functions": _functions,
    "model_constants.rotary": _rotary,
    "model_constants.offsets": _offsets,
    "model_constants.resize": _resize,
}
