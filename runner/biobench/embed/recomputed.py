"""Rows decoded and embedded again, past the store (SPEC.md, section "Evidence").

In: rows of a manifest and a model. Out: what their files, pixels and features are here and now, to
compare with what is stated of them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.embed.embedded import Execution
from biobench.embed.forward import Forward, input_type
from biobench.models.base import Backbone
from biobench.native import ImageLoader


def refuted(drawn: int, of: int) -> str:
    """Bound that an equal drawn part puts on the rest (SPEC.md, section "Evidence"), to follow a
    statement; empty where everything was drawn, or too little to bound a share."""
    if drawn >= of or drawn <= 3:
        return ""
    return f"; a forged share above {3 / drawn:.2%} is refuted at 95 %"


@dataclass(frozen=True, eq=False)
class RecomputedRows:
    """Rows as they are here and now, in the order in which they were asked for.

    Attributes:
        pixels: BLAKE3 of each crop, uint8 (rows, 32).
        features: float32 (rows, dim).
        files: SHA-256 of each file that was decoded, uint8 (rows, 32); zero where it was not read.
        bad: Places of the rows whose images cannot be read.
    """

    pixels: npt.NDArray[np.uint8]
    features: npt.NDArray[np.float32]
    files: npt.NDArray[np.uint8]
    bad: frozenset[int]


def recompute_rows(
    manifest: Manifest,
    rows: npt.NDArray[np.int64],
    backbone: Backbone,
    execution: Execution,
    done: Callable[[slice], None] = lambda place: None,
) -> RecomputedRows:
    """Decode and embed rows; by torch a micro-batch holds ``rows`` as they follow each other here.

    Args:
        manifest: Where their images are.
        rows: int64 (rows,).
        backbone: The model.
        execution: How its forward pass runs.
        done: Called with the places of each micro-batch that is embedded.
    """
    pixels = np.zeros((len(rows), 32), np.uint8)
    files = np.zeros((len(rows), 32), np.uint8)
    features = np.zeros((len(rows), backbone.info.dim), np.float32)
    bad: set[int] = set()
    pending: deque[tuple[slice, Future[npt.NDArray[np.float32]]]] = deque()

    def finish_one() -> None:
        place, future = pending.popleft()
        features[place] = future.result()
        done(place)

    forward = Forward(
        backbone,
        device=execution.device,
        micro_batch=execution.micro_batch,
        workers=execution.workers,
        precision=execution.precision,
    )
    try:
        with ImageLoader(
            [os.path.join(manifest.root, manifest.rows[row].path) for row in rows],
            backbone.recipe,
            batch_size=execution.micro_batch,
            layout="NCHW",
            dtype=input_type([backbone]),
            workers=execution.workers,
            pin_memory=execution.device == "cuda",
            on_error="report",
            hash_files=True,
            more_formats=bool(manifest.more_formats),
        ) as loader:
            for batch in loader:
                place = slice(batch.start, batch.start + len(batch.array))
                pixels[place] = np.frombuffer(b"".join(batch.digests), np.uint8).reshape(-1, 32)
                bad |= {failure.index for failure in batch.failures}
                for at, file in enumerate(batch.files, batch.start):
                    if file is not None:
                        files[at] = np.frombuffer(file[0], np.uint8)
                pending.append((place, forward.submit(batch.array)))
                if len(pending) >= forward.depth:
                    finish_one()
            while pending:
                finish_one()
    finally:
        forward.close()
    return RecomputedRows(pixels, features, files, frozenset(bad))
