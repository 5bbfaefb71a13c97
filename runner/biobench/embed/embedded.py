"""The output of the embed stage, and the conditions that it ran under (SPEC.md, section
"Features").

In: features and pixel digests in manifest order. Out: the same with the digests of the stage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.store import Mark
from biobench.spec.canonical import sha256_json

TOLERANCE = 1e-3
"""Largest distance of two features of an image, of the length of one, that is still rounding: the
same shape and padding give the same bits on a processor and nearly so on a GPU."""


@dataclass(frozen=True)
class Execution:
    """Conditions of the forward pass that can move a bit.

    Attributes:
        engine: Fixes the bits of what torch computes: software, processor or GPU, and what was
            altered.
    """

    device: str
    precision: str
    micro_batch: int
    workers: int
    engine: dict[str, Any]


@dataclass(frozen=True)
class BatchIndependence:
    """An image that was embedded a second time with no other image in its micro-batch.

    Attributes:
        path: Its path in the data set that it belongs to.
        distance: Distance of the two features.
        length: Length of those of the image alone.
    """

    path: str
    distance: float
    length: float

    @property
    def differs(self) -> bool:
        """True where the distance is no rounding."""
        return not self.distance <= TOLERANCE * self.length


@dataclass
class Embedded:
    """Features of a task.

    Attributes:
        bad: Manifest row -> the reason why its image was not read.
        kind: The store's folder of the shards.
        shards: The store's key of each shard.
        places: For every row the number of its shard and its place in it, int64 (rows, 2); -1 for a
            row without features, whose image cannot be read or is not wanted.
        files: SHA-256 of the bytes that each row was decoded from, uint8 (rows, 32); zero where
            they could not be read.
        batch_independence: The comparison of an image alone with the same image among others, where
            it was asked for and is known.
        torch_state: Switches of torch in the threads that embedded, see
            :mod:`biobench.repro.torch_state`; of a shard that the store had, the altered ones.
        marks: By the key of a shard that was pulled its mark as it was when the shard was read.
        pulled: The statement about features that came from elsewhere, None where none did.
    """

    features: npt.NDArray[np.float32]
    pixels: npt.NDArray[np.uint8]
    bad: dict[int, str]
    computed: int
    kind: str
    shards: list[str]
    places: npt.NDArray[np.int64]
    files: npt.NDArray[np.uint8]
    seconds: dict[str, float] = field(default_factory=dict)
    batch_independence: BatchIndependence | None = None
    torch_state: dict[str, str] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    pulled: str | None = None

    def at(self, rows: npt.NDArray[np.int64]) -> Embedded:
        """The part for ``rows``, ascending, numbered anew from 0; the costs stay."""
        place = {int(row): i for i, row in enumerate(rows)}
        return Embedded(
            features=self.features[rows],
            pixels=self.pixels[rows],
            files=self.files[rows],
            bad={place[row]: why for row, why in self.bad.items() if row in place},
            computed=self.computed,
            kind=self.kind,
            shards=self.shards,
            places=self.places[rows],
            seconds=self.seconds,
            torch_state=self.torch_state,
        )

    def features_digest(self, ids: Sequence[str]) -> str:
        """:func:`features_digest` of the rows."""
        return features_digest(ids, self.features)

    def pixels_digest(self, ids: Sequence[str]) -> str:
        """:func:`pixels_digest` of the rows."""
        return pixels_digest(ids, self.pixels)


def pixels_digest(ids: Sequence[str], pixels: npt.NDArray[np.uint8]) -> str:
    """Digest of ``[[id, blake3 of the uint8 crop], ...]`` in manifest order.

    Args:
        ids: Ids of the rows.
        pixels: The BLAKE3 of each row's crop, uint8 (rows, 32).
    """
    rows = zip(ids, pixels, strict=True)
    return sha256_json([[item, "blake3:" + row.tobytes().hex()] for item, row in rows])


def feature_leaves(features: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """SHA-256 of each row of float32 (rows, dim), little-endian: uint8 (rows, 32)."""
    rows = np.ascontiguousarray(features, dtype="<f4")
    leaves = b"".join(hashlib.sha256(row.data).digest() for row in rows)
    return np.frombuffer(leaves, np.uint8).reshape(-1, 32)


def features_root(ids: Sequence[str], leaves: npt.NDArray[np.uint8]) -> str:
    """Digest of ``[[id, sha256 of the features], ...]`` in manifest order; ``leaves``: see
    :func:`feature_leaves`."""
    rows = zip(ids, leaves, strict=True)
    return sha256_json([[item, "sha256:" + row.tobytes().hex()] for item, row in rows])


def features_digest(ids: Sequence[str], features: npt.NDArray[np.float32]) -> str:
    """:func:`features_root` of float32 (rows, dim)."""
    return features_root(ids, feature_leaves(features))
