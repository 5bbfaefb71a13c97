"""The embed stage: images of a manifest to features (SPEC.md, section "Features").

In: manifest, backbone, store. Out: float32 features and pixel digests in manifest order.
Micro-batch b of a split holds its rows b*size to (b+1)*size - 1, whatever is computed or known.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.data.annotations import changed
from biobench.data.faults import SHOWN
from biobench.data.file_hashes import ContentIndex
from biobench.data.manifest import Manifest
from biobench.embed import batch_independence
from biobench.embed.changed_files import FileChangeDetector
from biobench.embed.compute import Work, compute
from biobench.embed.embedded import Embedded, Execution, features_digest, pixels_digest
from biobench.embed.pulled import check_sample, count_found
from biobench.embed.shards import Rows, ShardKeys, Wanted, parts
from biobench.embed.stored import StoredItems, find
from biobench.errors import DataError, shown

if TYPE_CHECKING:
    from biobench.models.base import Backbone

__all__ = [
    "Embedded",
    "Embedder",
    "Execution",
    "embed",
    "embed_together",
    "features_digest",
    "pixels_digest",
    "rows_to_read",
]


def rows_to_read(
    manifest: Manifest, backbone: Backbone, micro_batch: int, wanted: Wanted = None
) -> npt.NDArray[np.int64]:
    """Rows that :func:`embed` reads, ascending, int64: the wanted ones, and by torch those that
    share a shard with one.

    Args:
        manifest: All rows.
        backbone: The model.
        micro_batch: Rows of a micro-batch.
        wanted: bool (rows,); None for all rows.
    """
    return _joined(parts(manifest, backbone, micro_batch, wanted))


@dataclass(frozen=True)
class Embedder:
    """A model that embeds a task.

    Attributes:
        execution: How its forward pass runs.
        compare_alone: Say how an image alone differs from the same image among others, where the
            store knows. Otherwise embed one a second time, where anything is computed.
    """

    backbone: Backbone
    execution: Execution
    compare_alone: bool = False


def embed(
    manifest: Manifest,
    backbone: Backbone,
    store: Store,
    execution: Execution,
    *,
    keep_bad: bool,
    progress: Progress,
    wanted: Wanted = None,
    compare_alone: bool = False,
) -> Embedded:
    """Features of every row of the manifest by one model; see :func:`embed_together`.

    Args:
        manifest: The rows, and where their images lie.
        backbone: The model.
        store: Where features are found and kept.
        execution: How the forward pass runs.
        keep_bad: Report unreadable images in ``bad`` (their features are zero) instead of raising.
        progress: Counts rows.
        wanted: bool (rows,), the rows that are asked for; ``None`` for all.
        compare_alone: As in :class:`Embedder`.

    Raises:
        DataError: As :func:`embed_together`.
        ModelError: A value of a feature is not finite, or what else the model failed with.
    """
    model = Embedder(backbone, execution, compare_alone)
    (found,) = embed_together(
        manifest, [model], store, keep_bad=keep_bad, progress=progress, wanted=wanted
    )
    if isinstance(found, Exception):
        raise found
    return found


def embed_together(
    manifest: Manifest,
    models: Sequence[Embedder],
    store: Store,
    *,
    keep_bad: bool,
    progress: Progress,
    wanted: Wanted = None,
    index: ContentIndex | None = None,
    items: StoredItems | None = None,
) -> list[Embedded | Exception]:
    """Features of every row of the manifest by each model, from the store where they are known.

    Each image is read once: the bytes that are decoded are those that are hashed, and the features
    are stored under their digest, which finds them whatever else lies beside the image. In the
    order of the shards, files that nobody knows are hashed before they are decoded only as long as
    the store has the features of most, since those images need not be decoded.

    Args:
        manifest: The rows, and where their images lie.
        models: Models of one recipe, device and micro-batch: what several of them miss is decoded
            once.
        store: Where features are found and kept.
        keep_bad: Report unreadable images in ``bad`` (their features are zero) instead of raising.
        progress: Counts rows, those of each model.
        wanted: bool (rows,), the rows that are asked for; ``None`` for all. A row keeps its place
            in its micro-batch whichever rows are wanted, so its bits do not depend on them. Rows
            of :func:`rows_to_read` are read; the features of the others are zero.
        index: Digests of known files, which stays open; ``None`` for the one in the store.
        items: What the store has by image, looked up once for several calls; ``None`` to look now.

    Returns:
        By model its features, or the error that it failed with, such as the ModelError of a value
        that is not finite, which names the image.

    Raises:
        DataError: Images cannot be read, or were changed while the stage ran: the first ten and
            the count. A table or annotation file no longer has the bytes that the manifest was made
            of.
    """
    # Joined as text: a quarter of a million Path objects would cost seconds.
    paths = [os.path.join(manifest.root, row.path) for row in manifest.rows]
    cut = [parts(manifest, m.backbone, m.execution.micro_batch, wanted) for m in models]
    files = ContentIndex(store.root / "files.sqlite") if index is None else index
    found: list[Embedded | Exception]
    try:
        rows = np.unique(np.concatenate([_joined(shards) for shards in cut]))
        watch = FileChangeDetector(paths, rows, files, models[0].execution.workers)
        results, works = [], []
        for model, shards in zip(models, cut, strict=True):
            keys = ShardKeys(model.backbone, model.execution)
            result, missing = _known(manifest, model, shards, watch, store, progress, items)
            if model.compare_alone:
                result.batch_independence = batch_independence.recall(store, keys)
            if missing:
                count, of = sum(map(len, missing.values())), sum(map(len, shards))
                store.warn(f"the features of {count} of {of} images")
                alone = model.compare_alone and result.batch_independence is None
                works.append(Work(model.backbone, model.execution, missing, result, alone))
            results.append(result)
        try:
            errors = compute(works, manifest, store, watch, progress) if works else []
        finally:
            watch.flush()
        failed = {id(w.result): e for w, e in zip(works, errors, strict=True) if e is not None}
        found = [failed.get(id(result), result) for result in results]
        if len(failed) == len(results):
            return found
        for result in results:
            if wanted is not None:
                result.bad = {row: why for row, why in result.bad.items() if wanted[row]}
            if result.bad and not keep_bad:
                raise _bad_images(manifest, result.bad)
        watch.check()
    finally:
        if index is None:
            files.close()
    if watch.changed:
        raise _changed_images(manifest, watch.changed)
    if tables := changed(manifest.root, manifest.tables):
        raise _changed_tables(manifest, tables)
    return found


def _known(
    manifest: Manifest,
    model: Embedder,
    shards: Sequence[Rows],
    watch: FileChangeDetector,
    store: Store,
    progress: Progress,
    items: StoredItems | None,
) -> tuple[Embedded, dict[int, Rows]]:
    """The features of a model that the store has, pulled ones after a sample, and the shards that
    are missing by number."""
    keys = ShardKeys(model.backbone, model.execution)
    result = _nothing(manifest, model.backbone, keys, watch)
    missing = find(shards, watch, keys, store, result, progress, items)
    if not check_sample(result, manifest, model.backbone, model.execution, store):
        said, before = result.pulled, count_found(result)
        result = _nothing(manifest, model.backbone, keys, watch)
        # Another process may pull again meanwhile, what was just deleted.
        quiet = Progress("", 0, quiet=True)
        missing = find(shards, watch, keys, store, result, quiet, pulled=False)
        result.pulled = said
        progress.skip(count_found(result) - before)
    return result, missing


def _joined(shards: Sequence[Rows]) -> Rows:
    return np.sort(np.concatenate(shards)) if shards else np.zeros(0, np.int64)


def _nothing(
    manifest: Manifest, backbone: Backbone, keys: ShardKeys, watch: FileChangeDetector
) -> Embedded:
    """A result without a feature."""
    count = len(manifest.rows)
    return Embedded(
        features=np.zeros((count, backbone.info.dim), dtype=np.float32),
        pixels=np.zeros((count, 32), dtype=np.uint8),
        files=watch.digests,
        bad={},
        computed=0,
        kind=keys.kind,
        shards=[],
        places=np.full((count, 2), -1, dtype=np.int64),
        seconds={"decode": 0.0, "embed": 0.0},
    )


def _bad_images(manifest: Manifest, bad: Mapping[int, str]) -> DataError:
    return DataError(
        f"{len(bad)} of {len(manifest.rows)} images cannot be read: "
        + _listed([f"{manifest.rows[row].path} ({bad[row]})" for row in sorted(bad)]),
        where=str(manifest.root),
        remedy="restore the files, or score them as wrong with --on-bad-image report",
    )


def _changed_images(manifest: Manifest, changed: Collection[int]) -> DataError:
    return DataError(
        f"{len(changed)} of {len(manifest.rows)} images were changed while they were read: "
        + _listed([manifest.rows[row].path for row in sorted(changed)]),
        where=str(manifest.root),
        remedy="run again once nothing writes there; what was embedded is kept",
    )


def _changed_tables(manifest: Manifest, paths: Sequence[str]) -> DataError:
    was = "was" if len(paths) == 1 else "were"
    return DataError(
        f"{_listed(paths)} {was} changed while the run went on",
        where=str(manifest.root),
        remedy="run again once nothing writes there; what was embedded is kept",
    )


def _listed(entries: Sequence[str]) -> str:
    more = f"; and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return "; ".join(shown(entry) for entry in entries[:SHOWN]) + more
