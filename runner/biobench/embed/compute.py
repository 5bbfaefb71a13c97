"""The part of the embed stage that computes: images through loader and forward pass to the store.

In: rows of shards that the store lacks. Out: their features and pixel digests, each shard stored as
it is complete, under the digests of the very bytes that were decoded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.data.file_hashes import file_read
from biobench.data.manifest import Manifest
from biobench.embed import batch_independence
from biobench.embed.changed_files import FileChangeDetector
from biobench.embed.embedded import Embedded, Execution
from biobench.embed.forward import Forward
from biobench.embed.shards import FILES, Rows, ShardKeys, altered_array, groups
from biobench.errors import ModelError
from biobench.models.base import Backbone
from biobench.native import ImageLoader
from biobench.repro.torch_state import merged

_Pending = tuple[Rows, Future[npt.NDArray[np.float32]]]


def compute(
    missing: Mapping[int, Rows],
    manifest: Manifest,
    backbone: Backbone,
    store: Store,
    execution: Execution,
    result: Embedded,
    watch: FileChangeDetector,
    progress: Progress,
    *,
    compare_alone: bool,
) -> None:
    """Compute the features of ``missing`` and fill ``result``, shard by shard in manifest order.

    Ends early once a file was seen to change; the shards that are complete are stored.

    Args:
        missing: Rows of each shard that the store lacks, by number.
        manifest: The rows, and where their images lie.
        backbone: The model.
        store: Where shards are stored.
        execution: How the forward pass runs.
        result: Filled with features and pixel digests.
        watch: The files' digests.
        progress: Counts rows.
        compare_alone: Embed one image a second time, without others, for ``result.alone``.

    Raises:
        ModelError: A feature is not finite; names the image.
    """
    computation = _Computation(
        missing, manifest, backbone, store, execution, result, watch, progress, compare_alone
    )
    computation.run()


class _Computation:
    def __init__(
        self,
        missing: Mapping[int, Rows],
        manifest: Manifest,
        backbone: Backbone,
        store: Store,
        execution: Execution,
        result: Embedded,
        watch: FileChangeDetector,
        progress: Progress,
        compare_alone: bool,
    ) -> None:
        self._compare_alone = compare_alone
        self._alone: _Pending | None = None
        self._missing = missing
        self._manifest = manifest
        self._backbone = backbone
        self._store = store
        self._execution = execution
        self._result = result
        self._watch = watch
        self._progress = progress
        self._keys = ShardKeys(backbone, execution)
        self._forward = Forward(
            backbone,
            device=execution.device,
            micro_batch=execution.micro_batch,
            workers=execution.workers,
            precision=execution.precision,
        )
        self._pending: deque[_Pending] = deque()
        self._waiting = deque(missing)
        self._waited = 0.0

    def run(self) -> None:
        execution, forward = self._execution, self._forward
        started = time.perf_counter()
        numbers = list(self._missing)
        try:
            for group in groups(list(self._missing.values()), execution.micro_batch):
                rows = np.concatenate([self._missing[numbers[i]] for i in group])
                self._load(rows)
                if self._watch.changed:
                    break
            # Not after each group: the next one is decoded while the last passes run.
            while self._pending:
                self._finish_one()
            if self._alone is not None:
                rows, future = self._alone
                row = int(rows[0])
                path, features = self._manifest.rows[row].path, self._result.features[row]
                self._result.alone = batch_independence.compare(path, features, future.result()[0])
                batch_independence.remember(self._store, self._keys, self._result.alone)
        finally:
            forward.close()
        self._result.torch_state = merged(
            [self._result.torch_state, forward.torch_state], in_run=True
        )
        # "decode" is the time that the forward pass had to wait for pixels.
        self._result.seconds["decode"] = self._waited
        self._result.seconds["embed"] = time.perf_counter() - started - self._waited

    def _load(self, rows: Rows) -> None:
        """Pass the images of ``rows`` to the forward pass, micro-batch by micro-batch."""
        execution, forward = self._execution, self._forward
        with ImageLoader(
            [self._watch.paths[i] for i in rows],
            self._backbone.recipe,
            batch_size=execution.micro_batch,
            layout="NCHW",
            dtype="float32",
            workers=execution.workers,
            pin_memory=execution.device == "cuda",
            on_error="report",
            hash_files=True,
            more_formats=bool(self._manifest.more_formats),
        ) as loader:
            while not self._watch.changed:
                before = time.perf_counter()
                batch = next(loader, None)
                self._waited += time.perf_counter() - before
                if batch is None:
                    return
                part = rows[batch.start : batch.start + len(batch.array)]
                for failure in batch.failures:
                    self._result.bad[int(rows[failure.index])] = failure.message
                for row, file in zip(part.tolist(), batch.files, strict=True):
                    if file is not None:
                        self._watch.note(row, file_read(*file))
                digests = np.frombuffer(b"".join(batch.digests), dtype=np.uint8)
                self._result.pixels[part] = digests.reshape(-1, 32)
                self._pending.append((part, forward.submit(batch.array)))
                good = [i for i, row in enumerate(part.tolist()) if row not in self._result.bad]
                if self._compare_alone and len(good) > 1:
                    self._compare_alone = False
                    # One of the middle: a model may mix into an image those before it alone.
                    middle = good[len(good) // 2]
                    place = slice(middle, middle + 1)
                    self._alone = part[place], forward.submit(batch.array[place])
                if len(self._pending) >= forward.depth:
                    self._finish_one()

    def _finish_one(self) -> None:
        rows, future = self._pending.popleft()
        features = future.result()
        self._check_finite(rows, features)
        self._result.features[rows] = features
        for row in rows:
            if int(row) in self._result.bad:
                self._result.features[row] = 0
        self._result.computed += len(rows)
        self._progress.advance(len(rows))
        if rows[-1] == self._missing[self._waiting[0]][-1]:
            self._keep(self._waiting.popleft())

    def _keep(self, number: int) -> None:
        """Store a finished shard without the images that could not be read (they may be repaired).

        Where the features of an image depend on the others, such a shard is not stored at all.
        """
        result, rows = self._result, self._missing[number]
        good = np.array([row for row in rows.tolist() if row not in result.bad], np.int64)
        # The others keep places in a shard that nobody has.
        kept = good if self._keys.by_item else rows
        result.shards[number] = self._keys.key(self._watch.contents(kept))
        result.places[kept, 0] = number
        result.places[kept, 1] = np.arange(len(kept))
        if not len(good) or len(good) < len(kept):
            return
        arrays: dict[str, npt.NDArray[Any]] = {
            "features": result.features[good],
            "pixels": result.pixels[good],
            FILES: self._watch.digests[good],
            **altered_array(self._forward.torch_state),
        }
        self._store.put(self._keys.kind, result.shards[number], arrays)

    def _check_finite(self, rows: Rows, features: npt.NDArray[np.float32]) -> None:
        for row, values in zip(rows, features, strict=True):
            if not np.isfinite(values).all() and int(row) not in self._result.bad:
                raise ModelError(
                    f"gives a feature that is not finite for {self._manifest.rows[row].path}",
                    where=self._backbone.info.name,
                    remedy="check the weights, or run with --precision float32",
                )
