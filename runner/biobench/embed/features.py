"""The embed stage: images of a manifest to features (SPEC.md, section "Features").

In: manifest, backbone, store. Out: float32 features and pixel digests in manifest order.
Micro-batch b of a split holds its rows b*size to (b+1)*size - 1, whatever is computed or known.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.data.content import ContentIndex
from biobench.data.manifest import Manifest
from biobench.embed.forward import Forward
from biobench.errors import DataError, ModelError
from biobench.native import ImageLoader, build_info
from biobench.progress import Progress
from biobench.spec.canonical import canonical_json, sha256_json
from biobench.store import Store

if TYPE_CHECKING:
    from biobench.models.base import Backbone

MICRO_BATCHES_PER_SHARD = 8
"""Rows of a shard are the most that an interruption loses; small shards make many files."""

KIND = "features"
REVISION = 2
"""Raised by any change of decoding, resizing or embedding that can move a bit."""


@dataclass(frozen=True)
class Execution:
    """How the forward pass runs, as far as it can move a bit.

    engine names what fixes the bits: under the settings of level E2 the library versions alone,
    otherwise the processor and the process's own settings as well.
    """

    device: str
    precision: str
    micro_batch: int
    workers: int
    engine: dict[str, Any]


@dataclass
class Embedded:
    """Features of a task. ``bad`` maps a manifest row to the reason its image was not read.

    shards: the store's key of each shard. places: for every row the number of its shard and its
    place in it, int64 (rows, 2); -1 for a row that is in none.
    """

    features: npt.NDArray[np.float32]
    pixels: npt.NDArray[np.uint8]
    bad: dict[int, str]
    computed: int
    shards: tuple[str, ...]
    places: npt.NDArray[np.int64]
    seconds: dict[str, float] = field(default_factory=dict)

    def at(self, rows: npt.NDArray[np.int64]) -> Embedded:
        """What is known of ``rows``, ascending, numbered anew from 0; the costs stay."""
        place = {int(row): i for i, row in enumerate(rows)}
        return Embedded(
            features=self.features[rows],
            pixels=self.pixels[rows],
            bad={place[row]: why for row, why in self.bad.items() if row in place},
            computed=self.computed,
            shards=self.shards,
            places=self.places[rows],
            seconds=self.seconds,
        )

    def features_digest(self, ids: Sequence[str]) -> str:
        """:func:`features_digest` of the rows."""
        return features_digest(ids, self.features)

    def pixels_digest(self, ids: Sequence[str]) -> str:
        """:func:`pixels_digest` of the rows."""
        return pixels_digest(ids, self.pixels)


def pixels_digest(ids: Sequence[str], pixels: npt.NDArray[np.uint8]) -> str:
    """Digest of ``[[id, blake3 of the uint8 crop], ...]`` in manifest order.

    pixels: the BLAKE3 of each row's crop, uint8 (rows, 32).
    """
    rows = zip(ids, pixels, strict=True)
    return sha256_json([[item, "blake3:" + row.tobytes().hex()] for item, row in rows])


def features_digest(ids: Sequence[str], features: npt.NDArray[np.float32]) -> str:
    """Digest of the canonical JSON of the ids, then the float32 rows, little-endian."""
    digest = hashlib.sha256(canonical_json(list(ids)))
    # In place: the rows of a large task are gigabytes.
    digest.update(np.ascontiguousarray(features, dtype="<f4").data.cast("B"))
    return "sha256:" + digest.hexdigest()


@dataclass(frozen=True)
class _Shard:
    rows: npt.NDArray[np.int64]
    key: str


_Pending = tuple[npt.NDArray[np.int64], Future[npt.NDArray[np.float32]]]
_Wanted = npt.NDArray[np.bool_] | None


def _parts(
    manifest: Manifest, micro_batch: int, wanted: _Wanted
) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the shards of every split, in manifest order; those without a wanted row left out."""
    size = micro_batch * MICRO_BATCHES_PER_SHARD
    for split in dict.fromkeys(row.split for row in manifest.rows):
        rows = manifest.indices(split)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            if wanted is None or wanted[part].any():
                yield part


def _shards(
    manifest: Manifest,
    contents: Sequence[str],
    backbone: Backbone,
    execution: Execution,
    wanted: _Wanted = None,
) -> list[_Shard]:
    """Shards in manifest order, each with the digest of all that decides it."""
    info = build_info()
    base = {
        "kind": KIND,
        "revision": [REVISION, version("biobench"), info["libjpeg_turbo"], info["libwebp"]],
        "weights": backbone.info.weights,
        "fingerprint": backbone.info.fingerprint,
        "model": backbone.info.resolved,
        "feature": backbone.info.feature,
        "recipe": backbone.recipe.digest,
        "precision": execution.precision,
        "micro_batch": execution.micro_batch,
        "engine": execution.engine,
    }
    return [
        _Shard(part, sha256_json({**base, "files": [contents[i] for i in part]}))
        for part in _parts(manifest, execution.micro_batch, wanted)
    ]


def rows_to_read(
    manifest: Manifest, micro_batch: int, wanted: _Wanted = None
) -> npt.NDArray[np.int64]:
    """Rows that share a shard with a wanted one, ascending, int64: those that :func:`embed` reads.

    wanted: bool (rows,); null for all rows.
    """
    parts = list(_parts(manifest, micro_batch, wanted))
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _paths(manifest: Manifest) -> list[str]:
    # Joined as text: a quarter of a million Path objects would cost seconds.
    return [os.path.join(manifest.root, row.path) for row in manifest.rows]


def content_digests(
    manifest: Manifest,
    store: Store,
    workers: int,
    advance: Callable[[int], None],
    rows: npt.NDArray[np.int64] | None = None,
) -> list[str]:
    """The sha256 of each row's file, in manifest order; raises DataError for an unreadable one.

    rows: only the files of these rows are read; the others have an empty string.
    """
    paths = _paths(manifest)
    asked = range(len(paths)) if rows is None else rows.tolist()
    index = ContentIndex(store.root / "files.sqlite")
    try:
        digests = index.digests([paths[i] for i in asked], workers, advance)
    finally:
        index.close()
    found = [""] * len(paths)
    for i, digest in zip(asked, digests, strict=True):
        found[i] = digest
    return found


def embed(
    manifest: Manifest,
    contents: Sequence[str],
    backbone: Backbone,
    store: Store,
    execution: Execution,
    *,
    keep_bad: bool,
    progress: Progress,
    wanted: npt.NDArray[np.bool_] | None = None,
) -> Embedded:
    """Features of every row of the manifest, from the store where they are known.

    contents: the sha256 of each row's file, as :func:`content_digests` gives them.
    wanted: bool (rows,), the rows that are asked for; null for all. A row keeps its place in its
    micro-batch whichever rows are wanted, so its bits do not depend on them. Rows of
    :func:`rows_to_read` are read; the features of the others are zero.
    keep_bad: report unreadable images in ``bad`` (their features are zero) instead of raising.
    Raises DataError (exit 3) with the first ten unreadable images and the count, ModelError
    (exit 5) naming the image for which the model gives a value that is not finite.
    """
    paths = _paths(manifest)
    shards = _shards(manifest, contents, backbone, execution, wanted)
    result = Embedded(
        features=np.zeros((len(paths), backbone.info.dim), dtype=np.float32),
        pixels=np.zeros((len(paths), 32), dtype=np.uint8),
        bad={},
        computed=0,
        shards=tuple(shard.key for shard in shards),
        places=np.full((len(paths), 2), -1, dtype=np.int64),
        seconds={"decode": 0.0, "embed": 0.0},
    )
    missing = []
    for number, shard in enumerate(shards):
        result.places[shard.rows, 0] = number
        result.places[shard.rows, 1] = np.arange(len(shard.rows))
        known = store.get(KIND, shard.key)
        if known is None:
            missing.append(shard)
            continue
        result.features[shard.rows] = known["features"]
        result.pixels[shard.rows] = known["pixels"]
        progress.skip(len(shard.rows))
    if missing:
        computation = _Computation(manifest, backbone, store, execution, result)
        computation.run(missing, paths, progress.advance)
        if wanted is not None:
            result.bad = {row: why for row, why in result.bad.items() if wanted[row]}
        if result.bad and not keep_bad:
            raise _bad_images(manifest, result.bad)
    return result


class _Computation:
    """Fills ``result`` for the shards that the store lacks, and stores each as it is complete."""

    def __init__(
        self,
        manifest: Manifest,
        backbone: Backbone,
        store: Store,
        execution: Execution,
        result: Embedded,
    ) -> None:
        self._manifest = manifest
        self._backbone = backbone
        self._store = store
        self._execution = execution
        self._result = result
        self._pending: deque[_Pending] = deque()
        self._waiting: deque[_Shard] = deque()

    def run(
        self, shards: Sequence[_Shard], paths: Sequence[str], advance: Callable[[int], None]
    ) -> None:
        execution = self._execution
        forward = Forward(
            self._backbone,
            device=execution.device,
            micro_batch=execution.micro_batch,
            workers=execution.workers,
            precision=execution.precision,
        )
        self._waiting.extend(shards)
        started = time.perf_counter()
        waited = 0.0
        try:
            for group in _groups(shards, execution.micro_batch):
                rows = np.concatenate([shard.rows for shard in group])
                with ImageLoader(
                    [paths[i] for i in rows],
                    self._backbone.recipe,
                    batch_size=execution.micro_batch,
                    layout="NCHW",
                    dtype="float32",
                    workers=execution.workers,
                    pin_memory=execution.device == "cuda",
                    on_error="report",
                ) as loader:
                    while True:
                        before = time.perf_counter()
                        batch = next(loader, None)
                        waited += time.perf_counter() - before
                        if batch is None:
                            break
                        part = rows[batch.start : batch.start + len(batch.array)]
                        for failure in batch.failures:
                            self._result.bad[int(rows[failure.index])] = failure.message
                        digests = np.frombuffer(b"".join(batch.digests), dtype=np.uint8)
                        self._result.pixels[part] = digests.reshape(-1, 32)
                        self._pending.append((part, forward.submit(batch.array)))
                        if len(self._pending) >= forward.depth:
                            self._finish_one(advance)
            # Not after each group: the next one is decoded while the last passes run.
            while self._pending:
                self._finish_one(advance)
        finally:
            forward.close()
        # "decode" is the time that the forward pass had to wait for pixels.
        self._result.seconds["decode"] = waited
        self._result.seconds["embed"] = time.perf_counter() - started - waited

    def _finish_one(self, advance: Callable[[int], None]) -> None:
        rows, future = self._pending.popleft()
        features = future.result()
        self._check_finite(rows, features)
        self._result.features[rows] = features
        for row in rows:
            if int(row) in self._result.bad:
                self._result.features[row] = 0
        self._result.computed += len(rows)
        advance(len(rows))
        if rows[-1] == self._waiting[0].rows[-1]:
            self._keep(self._waiting.popleft())

    def _keep(self, shard: _Shard) -> None:
        """Store a finished shard, unless an image of it could not be read (it may be mended)."""
        result = self._result
        if not any(int(row) in result.bad for row in shard.rows):
            arrays: dict[str, npt.NDArray[Any]] = {
                "features": result.features[shard.rows],
                "pixels": result.pixels[shard.rows],
            }
            self._store.put(KIND, shard.key, arrays)

    def _check_finite(self, rows: npt.NDArray[np.int64], features: npt.NDArray[np.float32]) -> None:
        for row, values in zip(rows, features, strict=True):
            if not np.isfinite(values).all() and int(row) not in self._result.bad:
                raise ModelError(
                    f"gives a feature that is not finite for {self._manifest.rows[row].path}",
                    where=self._backbone.info.name,
                    remedy="check the weights, or run with --precision float32",
                )


def _groups(shards: Sequence[_Shard], size: int) -> list[list[_Shard]]:
    groups: list[list[_Shard]] = [[]]
    for shard in shards:
        groups[-1].append(shard)
        if len(shard.rows) % size:
            groups.append([])
    return [group for group in groups if group]


def _bad_images(manifest: Manifest, bad: dict[int, str]) -> DataError:
    rows = sorted(bad)
    shown = "; ".join(f"{manifest.rows[row].path} ({bad[row]})" for row in rows[:10])
    more = f"; and {len(rows) - 10} more" if len(rows) > 10 else ""
    return DataError(
        f"{len(rows)} of {len(manifest.rows)} images cannot be read: {shown}{more}",
        where=str(manifest.root),
        remedy="restore the files, or score them as wrong with --on-bad-image report",
    )
