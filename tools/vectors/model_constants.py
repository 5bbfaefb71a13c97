"""Section 21.9: constants of a model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np

from biobench.spec.generator import Stream
from vectors.case import Case, Section, VectorFile
from vectors.drawn import SEED

SECTION = Section("model-constants", "21.9", "F", "model_constants", optional=True)

ARGUMENTS = [0.0, 0.5, -0.7853981633974483, 1.5707963267948966, 3.0, -7.25, 100.0, -12345.678, 5e5]
LOGARITHMS = [1.0, 8.0, 1.4142135623730951, 0.7071067811865475, 1.0000000000000002, 1.9, 1e-300]
EXPONENTS = [0.0, 0.0625, 0.9375, -1.5, 3.25]


def functions_check(given: Any, output: Any) -> str | None:
    """Against 30 digits: units in the last place, more where an exponent has many."""
    mpmath.mp.dps = 30
    exact = {
        "sin": mpmath.sin,
        "cos": mpmath.cos,
        "log": mpmath.log,
        "pow": lambda x: mpmath.power(mpmath.mpf(given["base"]), x),
    }[given["function"]]
    for x, found in zip(given["x"], output["values"], strict=True):
        expected = exact(mpmath.mpf(x))
        exponent = abs(x * math.log(given.get("base", 1)))
        room = 4 * math.ulp(float(expected)) * (1 + exponent) + abs(x) * 1e-21
        if abs(expected - found) > room:
            return f"{x}: {found}, {expected}"
    return None


def functions() -> Iterator[Case]:
    for name in ("sin", "cos"):
        yield Case(f"model-constants/{name}", {"function": name, "x": ARGUMENTS}, functions_check)
    yield Case("model-constants/log", {"function": "log", "x": LOGARITHMS}, functions_check)
    for base in (10_000.0, 100.0, 0.1):
        given = {"function": "pow", "base": base, "x": EXPONENTS}
        yield Case(f"model-constants/pow/{base:g}", given, functions_check)


def rotary_check(given: Any, output: Any) -> str | None:
    """Sines and cosines of one table belong to one angle, which is that of the last column."""
    sine, cosine = np.array(output["sine"]), np.array(output["cosine"])
    shape = (given["rows"] * given["columns"], given["width"])
    if sine.shape != shape or cosine.shape != shape:
        return f"tables of {sine.shape}"
    if np.abs(sine**2 + cosine**2 - 1).max() > 2e-7:
        return "sines and cosines of different angles"
    side = "columns" if given.get("column_first") else "rows"
    count = given[side]
    i = count - 1
    if given["form"] == "dinov3":
        angle = 2 * math.pi * ((i + 0.5) / count * 2 - 1)
    else:
        stated = given.get("reference")
        whole = count if stated is None else stated[side == "columns"]
        angle = (i + given["offset"]) / count * whole
    # The first band has the period 1.
    found = math.atan2(sine[-1, 0], cosine[-1, 0])
    apart = math.remainder(found - angle, 2 * math.pi)
    return f"{found} is not {angle}" if abs(apart) > 1e-6 else None


def rotary() -> Iterator[Case]:
    grid = {"width": 16, "rows": 3, "columns": 4}
    for name, given in {
        "dinov3": {"form": "dinov3", "base": 100.0, "halves": True},
        "dinov3-pairs": {"form": "dinov3", "base": 100.0, "halves": False},
        "eva02": {
            "form": "indexed", "base": 10_000.0, "offset": 0.0, "reference": [16, 16],
            "column_first": False, "halves": False,
        },
        "pe": {
            "form": "indexed", "base": 10_000.0, "offset": 1.0, "reference": None,
            "column_first": True, "halves": False,
        },
        "pe-reference": {
            "form": "indexed", "base": 10_000.0, "offset": 0.0, "reference": [5, 7],
            "column_first": True, "halves": True,
        },
    }.items():  # fmt: skip
        yield Case(f"model-constants/rotary/{name}", {**grid, **given}, rotary_check)


def offsets_check(given: Any, output: Any) -> str | None:
    """Offsets of float64 by NumPy's logarithm."""
    sides = []
    for size, stated in zip(given["window"], given.get("trained") or given["window"], strict=True):
        x = np.arange(1 - size, size) * 8 / max(stated - 1, 1)
        sides.append(np.sign(x) * np.log2(np.abs(x) + 1) / 3)
    expected = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)
    found = np.array(output["table"])
    return None if np.allclose(found, expected, rtol=1e-7, atol=0) else f"{found}"


def offsets() -> Iterator[Case]:
    for name, given in {
        "as-trained": {"window": [3, 2]},
        "of-another-window": {"window": [2, 3], "trained": [6, 4]},
        "of-one-place": {"window": [1, 2], "trained": [1, 1]},
    }.items():
        yield Case(f"model-constants/offsets/{name}", given, offsets_check)


def resize_check(given: Any, output: Any) -> str | None:
    import torch

    table = torch.tensor(given["table"]).permute(2, 0, 1)[None]
    expected = torch.nn.functional.interpolate(
        table, size=(given["rows"], given["columns"]), mode=given["filter"],
        antialias=given["antialias"],
    )  # fmt: skip
    found = torch.tensor(output["table"]).permute(2, 0, 1)[None]
    apart = float((found - expected).abs().max())
    return f"{apart} apart" if apart > 1e-5 else None


def resizes() -> Iterator[Case]:
    drawn = Stream(SEED, "vectors/model-constants").floats(4 * 5 * 2)
    table = (np.array(drawn, np.float32) * 2 - 1).reshape(4, 5, 2).tolist()
    for filter in ("bilinear", "bicubic"):
        for antialias in (False, True):
            for rows, columns in ((7, 3), (4, 5)):
                given = {
                    "table": table, "rows": rows, "columns": columns, "filter": filter,
                    "antialias": antialias,
                }  # fmt: skip
                form = "antialias" if antialias else "plain"
                name = f"model-constants/resize/{filter}/{form}/{rows}x{columns}"
                yield Case(name, given, resize_check)


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "functions",
        "Sine, cosine, logarithm and power of float64.",
        list(functions()),
        source="mpmath",
    )  # fmt: skip
    yield SECTION.file(
        "rotary", "Rotary tables, float32.", list(rotary()), source="the C library's atan2"
    )
    yield SECTION.file(
        "offsets", "Offset tables, float32.", list(offsets()), source="NumPy's logarithm"
    )
    yield SECTION.file("resize", "Resized tables, float32.", list(resizes()), source="torch")
