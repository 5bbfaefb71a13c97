"""Section 7.6: rows pooled to items, and the digest of what they are pooled to."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors.case import Case, VectorFile, refused
from vectors.drawn import SEED


def pooled(given: Any, output: Any) -> bool:
    rows = given["features"]
    found = []
    for item in range(max(given["item_of_row"], default=-1) + 1):
        own = [row for row, of in zip(rows, given["item_of_row"], strict=True) if of == item]
        columns = list(zip(*own, strict=True))
        if given["pool"] == "max":
            found.append([float(max(column)) + 0.0 for column in columns])
        else:
            sums = [sequential(column) / len(column) for column in columns]
            found.append([float(np.float32(value)) + 0.0 for value in sums])
    return bool(output == {"features": found})


def sequential(column: Sequence[float]) -> float:
    """Left to right in float64; each term exact."""
    total = 0.0
    for value in column:
        total = float(Fraction(total) + Fraction(value))
    return total


def pool_cases() -> Iterator[Case]:
    drawn = (Stream(SEED, "vectors/views/pool").floats(28) * np.float32(8) - 4).reshape(7, 4)
    for rule in ("max", "mean"):
        of = [0, 0, 0, 1, 2, 2, 2]
        given = {"features": drawn.tolist(), "item_of_row": of, "pool": rule}
        yield Case(f"views/pool/{rule}", given, pooled)
        wide = {"features": [[1e8], [1.0], [-1e8], [3.0]], "item_of_row": [0] * 4, "pool": rule}
        yield Case(f"views/pool/{rule}-cancelling", wide, pooled)
        ordered = {
            "features": [[1.0], [2.0**70], [-(2.0**70)]],
            "item_of_row": [0] * 3,
            "pool": rule,
        }
        yield Case(f"views/pool/{rule}-from-left-to-right", ordered, pooled)
        single = {"features": drawn[:3].tolist(), "item_of_row": [0, 1, 2], "pool": rule}
        yield Case(f"views/pool/{rule}-of-one-row", single, pooled)
    given = {"features": [[1.0]], "item_of_row": [0], "pool": "median"}
    yield Case("views/pool/unknown", given, refused)


def encoded(rows: Sequence[Sequence[float]]) -> str:
    return base64.b64encode(np.array(rows, "<f4").tobytes()).decode()


def pooled_digest(given: Any, output: Any) -> bool:
    """The bytes that are hashed have no sign of a zero."""
    data = base64.b64decode(given["elements"])
    numbers = struct.unpack(f"<{len(data) // 4}f", data)
    width = given["width"]
    rows = [numbers[i : i + width] for i in range(0, len(numbers), width)]
    listed = []
    for item, id in enumerate(given["ids"]):
        found = b""
        own = [row for row, of in zip(rows, given["item_of_row"], strict=True) if of == item]
        for column in zip(*own, strict=True):
            value = max(column) if given["pool"] == "max" else sequential(column) / len(column)
            packed = struct.pack("<f", value)
            found += bytes(4) if struct.unpack("<f", packed)[0] == 0 else packed
        listed.append([id, "sha256:" + hashlib.sha256(found).hexdigest()])
    text = json.dumps(listed, separators=(",", ":")).encode()
    return bool(output == {"digest": "sha256:" + hashlib.sha256(text).hexdigest()})


def digest_cases() -> Iterator[Case]:
    least = 2.0**-149
    rows = {
        "both-zeros": [[-0.0, 0.0, -0.0], [0.0, -0.0, -0.0]],
        "one-row": [[-0.0, 1.5, -2.5]],
        "zero-and-less": [[-0.0, -1.0, 0.0], [-1.0, -0.0, -3.0]],
        # A third of the smallest number is rounded to a zero with its sign.
        "sums-that-vanish": [[-least, least, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]],
        "no-zero": [[0.25, -1.0], [0.5, -3.0]],
    }
    for rule in ("max", "mean"):
        for name, own in rows.items():
            given = {
                "ids": ["a"],
                "width": len(own[0]),
                "elements": encoded(own),
                "item_of_row": [0] * len(own),
                "pool": rule,
            }
            yield Case(f"views/pooled-digest/{rule}-{name}", given, pooled_digest)
        two = {
            "ids": ["clip-1", "clip-2"],
            "width": 2,
            "elements": encoded([[-0.0, 1.0], [-0.0, 2.0], [3.0, -0.0]]),
            "item_of_row": [0, 0, 1],
            "pool": rule,
        }
        yield Case(f"views/pooled-digest/{rule}-two-items", two, pooled_digest)


def files() -> Iterator[VectorFile]:
    for name, operation, about, cases, source in (
        ("pool", "view.pool", "Rows pooled to items.", pool_cases(), "exact fractions"),
        (
            "pooled_digest",
            "view.pooled_digest",
            "The features digest of rows pooled to items: a zero has no sign.",
            digest_cases(),
            "hashlib over exact fractions",
        ),
    ):
        yield VectorFile("views", name, "7.6", "D", operation, about, list(cases), source=source)
