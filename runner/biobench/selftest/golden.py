"""The recorded measurements that a machine is compared with, and the distance of others from them.

In: the file ``golden.json`` beside this module, which ``tools/make_golden.py`` writes. Out: the
distance of a measurement from the recorded one, in numbers and in words.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from biobench.errors import BiobenchError
from biobench.selftest.part import Measured, SelftestPart

SCHEMA = "biobench.golden/1"
FILE = Path(__file__).with_name("golden.json")
_MAX_NAMED = 5
"""Most names of differing items in one line."""


@dataclass(frozen=True)
class Golden:
    """The recorded measurements.

    Attributes:
        cpu: The processor that the parts were measured on.
        packages: Versions of packages that can move bits.
        libc: Version of the C library, None where it is unknown.
        parts: ``digest`` and ``values`` by part id.
    """

    cpu: str
    packages: Mapping[str, str]
    libc: str | None
    parts: Mapping[str, Measured]


def read_golden(file: Path = FILE) -> Golden:
    """Read the recorded measurements.

    Raises:
        BiobenchError: The file is missing, or has another form.
    """
    try:
        document = json.loads(file.read_bytes())
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        parts = {
            id: Measured(part["digest"], part["values"]) for id, part in document["parts"].items()
        }
        return Golden(document["cpu"], document["packages"], document["libc"], parts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BiobenchError(
            f"cannot be read as recorded measurements ({type(error).__name__}: {error})",
            where=str(file),
            remedy="install biobench again",
        ) from error


def golden_document(golden: Golden) -> dict[str, Any]:
    """The JSON value that :func:`read_golden` reads."""
    parts = {
        id: {"digest": part.digest, "values": dict(part.values)}
        for id, part in golden.parts.items()
    }
    return {
        "schema": SCHEMA,
        "cpu": golden.cpu,
        "packages": dict(golden.packages),
        "libc": golden.libc,
        "parts": parts,
    }


@dataclass(frozen=True)
class GoldenDistance:
    """The distance of a measurement from the recorded one, where their digests differ.

    Attributes:
        near: True where it is within level T.
        text: The size of the difference, for people.
        numbers: The same by name, for programs.
    """

    near: bool
    text: str
    numbers: Mapping[str, float]


def distance(
    part: SelftestPart, measured: Measured, recorded: Measured, tolerance: Mapping[str, float]
) -> GoldenDistance:
    """Compute the distance between the values of both measurements; tolerance: that of the
    suite."""
    mine, theirs = measured.values, recorded.values
    if part.stage == "features" and "rows" in theirs:
        return _features(mine, theirs, tolerance["feature_cosine"])
    if part.stage == "predictions":
        return _predictions(mine["predictions"], theirs["predictions"], tolerance)
    if part.stage == "score":
        size = abs(mine["score"] - theirs["score"])
        # A score is exact in any language, so a near one is still wrong.
        return GoldenDistance(False, f"score differs by {size:.3g}", {"score_difference": size})
    key = next(iter(theirs))
    others = [name for name in theirs[key] if mine[key].get(name) != theirs[key][name]]
    shown = ", ".join(others[:_MAX_NAMED]) + (" and others" if len(others) > _MAX_NAMED else "")
    return GoldenDistance(
        False,
        f"{len(others)} of {len(theirs[key])} {key} differ: {shown}"
        if others
        else "recipe differs",
        {f"{key}_that_differ": float(len(others))},
    )


def _floats(text: str) -> Any:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float64)


def _features(mine: Mapping[str, Any], theirs: Mapping[str, Any], least: float) -> GoldenDistance:
    if mine["dim"] != theirs["dim"]:
        return GoldenDistance(False, f"{mine['dim']} features instead of {theirs['dim']}", {})
    one, other = _rows(mine), _rows(theirs)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = float(((one * other).sum(axis=1) / norms).min())
    largest = float(np.abs(one - other).max())
    return GoldenDistance(
        cosine >= least,
        f"cosine {cosine:.9f}, largest difference {largest:.2g}",
        {"cosine": cosine, "largest_difference": largest},
    )


def _rows(values: Mapping[str, Any]) -> Any:
    return _floats(values["rows"]).reshape(-1, values["dim"])


def _predictions(
    mine: list[int], theirs: list[int], tolerance: Mapping[str, float]
) -> GoldenDistance:
    if len(mine) != len(theirs):
        return GoldenDistance(False, f"{len(mine)} predictions instead of {len(theirs)}", {})
    share = sum(a == b for a, b in zip(mine, theirs, strict=True)) / len(theirs)
    return GoldenDistance(
        share >= tolerance["equal_predictions"],
        f"what was learned differs, {share:.2%} of the predictions are equal",
        {"equal_predictions": share},
    )
