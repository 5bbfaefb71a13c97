"""Frames of clips, and features of images pooled to items (SPEC.md, section 7.6)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.interval import any_suite
from biobench.data.views import Start, frame_numbers, middle, random_start
from biobench.embed.features import features_digest
from biobench.embed.pool import pool_rows
from biobench.errors import SpecError
from biobench.spec.load import Spec


def _frames(given: Mapping[str, Any], spec: Spec) -> Any:
    start: Start = middle
    if given["start"] == "random":
        start = random_start(any_suite(spec).seed, given["task"], given["clip"])
    try:
        numbers = frame_numbers(
            given["count"], frames=given["frames"], stride=given["stride"], start=start
        )
    except ValueError:
        raise Invalid("value") from None
    return {"frames": numbers}


def _pool(given: Mapping[str, Any], spec: Spec) -> Any:
    features = np.array(given["features"], np.float32)
    try:
        pooled = pool_rows(features, np.array(given["item_of_row"], np.int64), given["pool"])
    except SpecError:
        raise Invalid("value") from None
    return {"features": pooled.tolist()}


def _pooled_digest(given: Mapping[str, Any], spec: Spec) -> Any:
    elements = np.frombuffer(base64.b64decode(given["elements"], validate=True), "<f4")
    features = elements.astype(np.float32).reshape(-1, given["width"])
    pooled = pool_rows(features, np.array(given["item_of_row"], np.int64), given["pool"])
    return {"digest": features_digest(given["ids"], pooled)}


OPERATIONS = {
    "view.frames": _frames,
    "view.pool": _pool,
    "view.pooled_digest": _pooled_digest,
}
