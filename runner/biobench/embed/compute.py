"""The part of the embed stage that computes: images through loader and forward pass to the store.

In: rows of shards that the store lacks, for models of one recipe. Out: their features and pixel
digests, each shard stored as it is complete, under the digests of the very bytes that were decoded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.data.file_hashes import file_read
from biobench.data.manifest import Manifest
from biobench.embed import batch_independence
from biobench.embed.changed_files import FileChangeDetector
from biobench.embed.device import Pixels, Values
from biobench.embed.embedded import Embedded, Execution
from biobench.embed.forward import Forward, input_type, pool_of
from biobench.embed.shards import FILES, Rows, ShardKeys, altered_array, groups
from biobench.errors import ModelError
from biobench.models.base import Backbone
from biobench.native import ImageLoader
from biobench.repro.torch_state import merged

_Pending = tuple[Rows, Future[npt.NDArray[np.float32]]]


@dataclass(frozen=True)
class Work:
    """The part of a model in the computation of a task.

    Attributes:
        missing: Rows of each shard that the store lacks, by number.
        result: Filled with features and pixel digests.
        compare_alone: Embed one image a second time, without others, for
            ``result.batch_independence``.
    """

    backbone: Backbone
    execution: Execution
    missing: Mapping[int, Rows]
    result: Embedded
    compare_alone: bool


def compute(
    works: Sequence[Work],
    manifest: Manifest,
    store: Store,
    watch: FileChangeDetector,
    progress: Progress,
) -> list[Exception | None]:
    """Compute the missing features of models with one recipe and fill their results, shard by
    shard.

    A shard that several models miss is read and decoded once, and passed to each of them. A model
    that fails costs the others nothing. Ends early once a file was seen to change; the shards that
    are complete are stored.

    Args:
        works: Models of one recipe, device and micro-batch, with the rows that each lacks.
        manifest: The rows, and where their images lie.
        store: Where shards are stored.
        watch: The files' digests.
        progress: Counts rows, those of each model.

    Returns:
        The error of each model that failed: a ModelError for a feature that is not finite, which
        names the image, or whatever its forward pass raised.
    """
    return _Computation(works, manifest, store, watch, progress).run()


class _Computation:
    """The images that models miss, decoded once and passed to those that miss them."""

    def __init__(
        self,
        works: Sequence[Work],
        manifest: Manifest,
        store: Store,
        watch: FileChangeDetector,
        progress: Progress,
    ) -> None:
        self._watch = watch
        self._execution = works[0].execution
        self._recipe = works[0].backbone.recipe
        self._more_formats = bool(manifest.more_formats)
        self._type = input_type(work.backbone for work in works)
        self._waited = 0.0
        # One pool, so that models side by side take no more threads than one, and the time of a
        # pass is that of the model alone.
        self._pool = pool_of(self._execution.device, self._execution.workers)
        try:
            self._models = [
                _Model(work, manifest, store, watch, progress, self._pool) for work in works
            ]
        except BaseException:
            self._pool.shutdown()
            raise

    def run(self) -> list[Exception | None]:
        started = time.perf_counter()
        shards: dict[bytes, tuple[Rows, list[_Model]]] = {}
        for model in self._models:
            for rows in model.missing.values():
                shards.setdefault(rows.tobytes(), (rows, []))[1].append(model)
        ordered = list(shards.values())
        for model in self._models:
            model.expect(ordered)
        try:
            for group in groups([rows for rows, _ in ordered], self._execution.micro_batch):
                self._load([ordered[i] for i in group])
                if self._watch.changed or not self._left:
                    break
            # Not after each group: the next one is decoded while the last passes run.
            for model in self._left:
                model.finish()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
        # "decode" is the time that the forward passes had to wait for pixels.
        computing = time.perf_counter() - started - self._waited
        busy = sum(model.busy for model in self._models)
        for model in self._models:
            share = model.busy / busy if busy else 1 / len(self._models)
            model.conclude({"decode": share * self._waited, "embed": share * computing})
        return [model.error for model in self._models]

    @property
    def _left(self) -> list[_Model]:
        """The models that have not failed."""
        return [model for model in self._models if model.error is None]

    def _load(self, shards: Sequence[tuple[Rows, Sequence[_Model]]]) -> None:
        """Pass the images of consecutive shards to the models that miss them, micro-batch by
        micro-batch; none reaches into two shards."""
        wanted = [entry for entry in shards if any(model.error is None for model in entry[1])]
        if not wanted:
            return
        rows = np.concatenate([rows for rows, _ in wanted])
        ends = np.cumsum([len(rows) for rows, _ in wanted])
        execution, bad = self._execution, dict[int, str]()
        with ImageLoader(
            [self._watch.paths[i] for i in rows],
            self._recipe,
            batch_size=execution.micro_batch,
            layout="NCHW",
            dtype=self._type,
            workers=execution.workers,
            pin_memory=execution.device == "cuda",
            on_error="report",
            hash_files=True,
            more_formats=self._more_formats,
        ) as loader:
            while not self._watch.changed and self._left:
                before = time.perf_counter()
                batch = next(loader, None)
                self._waited += time.perf_counter() - before
                if batch is None:
                    return
                part = rows[batch.start : batch.start + len(batch.array)]
                for failure in batch.failures:
                    bad[int(rows[failure.index])] = failure.message
                for row, file in zip(part.tolist(), batch.files, strict=True):
                    if file is not None:
                        self._watch.note(row, file_read(*file))
                digests = np.frombuffer(b"".join(batch.digests), dtype=np.uint8).reshape(-1, 32)
                for model in wanted[int(np.searchsorted(ends, batch.start, side="right"))][1]:
                    model.take(part, batch.array, digests, bad)


class _Model:
    """The forward passes of one model, and its shards as they are complete."""

    def __init__(
        self,
        work: Work,
        manifest: Manifest,
        store: Store,
        watch: FileChangeDetector,
        progress: Progress,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.missing = work.missing
        self.error: Exception | None = None
        self._backbone = work.backbone
        self._result = work.result
        self._compare_alone = work.compare_alone
        self._alone: _Pending | None = None
        self._manifest = manifest
        self._store = store
        self._watch = watch
        self._progress = progress
        self._keys = ShardKeys(work.backbone, work.execution)
        self._pending: deque[_Pending] = deque()
        self._waiting: deque[int] = deque()
        self._forward: Forward | None = None
        try:
            self._forward = Forward(
                work.backbone,
                device=work.execution.device,
                micro_batch=work.execution.micro_batch,
                workers=work.execution.workers,
                precision=work.execution.precision,
                pool=pool,
            )
        except Exception as error:  # noqa: BLE001 - the caller raises or notes it
            self.error = error

    @property
    def busy(self) -> float:
        """Seconds of forward passes, added up over the workers."""
        return self._forward.busy if self._forward is not None else 0.0

    def expect(self, shards: Sequence[tuple[Rows, Sequence[_Model]]]) -> None:
        """Note the order in which the model's shards are going to be read."""
        numbers = {rows.tobytes(): number for number, rows in self.missing.items()}
        mine = (rows.tobytes() for rows, models in shards if self in models)
        self._waiting = deque(numbers[key] for key in mine)

    def take(
        self,
        part: Rows,
        batch: Pixels | Values,
        digests: npt.NDArray[np.uint8],
        bad: Mapping[int, str],
    ) -> None:
        """Start the pass of one micro-batch, (rows, 3, H, W), and end the oldest where enough are
        on their way; ``digests``: BLAKE3 of each crop, uint8 (rows, 32)."""
        if self.error is not None or self._forward is None:
            return
        result, forward = self._result, self._forward
        result.bad.update((row, bad[row]) for row in part.tolist() if row in bad)
        result.pixels[part] = digests
        self._pending.append((part, forward.submit(batch)))
        good = [i for i, row in enumerate(part.tolist()) if row not in bad]
        if self._compare_alone and len(good) > 1:
            self._compare_alone = False
            # One of the middle: a model may mix into an image those before it alone.
            middle = good[len(good) // 2]
            place = slice(middle, middle + 1)
            self._alone = part[place], forward.submit(batch[place])
        self._finish(forward.depth - 1)

    def finish(self) -> None:
        """End all passes."""
        self._finish(0)
        if self._alone is None or self.error is not None:
            return
        rows, future = self._alone
        row = int(rows[0])
        path, features = self._manifest.rows[row].path, self._result.features[row]
        try:
            self._result.batch_independence = batch_independence.compare(
                path, features, future.result()[0]
            )
        except Exception as error:  # noqa: BLE001 - the caller raises or notes it
            self.error = error
            return
        batch_independence.remember(self._store, self._keys, self._result.batch_independence)

    def conclude(self, seconds: dict[str, float]) -> None:
        """Write down what the passes cost and what they did to torch."""
        if self._forward is not None:
            states = [self._result.torch_state, self._forward.torch_state]
            self._result.torch_state = merged(states, in_run=True)
        self._result.seconds.update(seconds)

    def _finish(self, left: int) -> None:
        """End passes, oldest first, until ``left`` are on their way; keeps the error of one that
        fails."""
        try:
            while len(self._pending) > left:
                self._finish_one()
        except Exception as error:  # noqa: BLE001 - the caller raises or notes it
            self.error = error
            for _, future in self._pending:
                future.cancel()
            self._pending.clear()

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
        if rows[-1] == self.missing[self._waiting[0]][-1]:
            self._keep(self._waiting.popleft())

    def _keep(self, number: int) -> None:
        """Store a finished shard without the images that could not be read (they may be repaired).

        Where the features of an image depend on the others, such a shard is not stored at all.
        """
        result, rows = self._result, self.missing[number]
        good = np.array([row for row in rows.tolist() if row not in result.bad], np.int64)
        # The others keep places in a shard that nobody has.
        kept = good if self._keys.by_item else rows
        result.shards[number] = self._keys.key(self._watch.contents(kept))
        result.places[kept, 0] = number
        result.places[kept, 1] = np.arange(len(kept))
        if not len(good) or len(good) < len(kept):
            return
        assert self._forward is not None
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
