"""Rows of a task embedded into the store, and how fast that was.

In: a loaded model, a task, rows of its manifest. Out: their features in the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench.run.context import Context
from biobench.run.task_features import rate_of, remember_rate

if TYPE_CHECKING:
    from biobench.data.file_hashes import ContentIndex
    from biobench.embed.embedded import Embedded
    from biobench.embed.stored import StoredItems
    from biobench.work.make import Prepared

FEW = 32
"""Images that are embedded to measure a model; by torch those that share a shard with them too."""


def embed_rows(
    context: Context,
    task: int,
    rows: slice,
    wanted: npt.NDArray[np.bool_] | None,
    *,
    index: ContentIndex | None = None,
    items: StoredItems | None = None,
) -> Embedded:
    """Embed rows of a task, as far as the store does not have them.

    Args:
        context: A loaded model.
        task: Number of the task.
        rows: Rows of its whole manifest, which begin where a shard does.
        wanted: The rows of these that are wanted, bool; None for all.
        index: Digests of known files; None for those that the store keeps.
        items: What the store has by image; None to look now.

    Raises:
        BiobenchError: As :func:`biobench.embed.features.embed`.
    """
    from biobench.embed.features import Embedder, embed_together, rows_to_read
    from biobench.embed.forward import set_up_torch

    manifest = context.plan.manifests[task]
    own = replace(manifest, rows=manifest.rows[rows])
    backbone, execution, options = context.backbone, context.execution, context.options
    count = len(rows_to_read(own, backbone, execution.micro_batch, wanted))
    id = context.plan.selection.selected[task].task.id
    title = f"{options.model_name}, {id}, images from {rows.start}"
    name = backbone.info.name
    with Progress(title, count, quiet=options.quiet) as progress, set_up_torch([backbone]):
        (embedded,) = embed_together(
            own, [Embedder(backbone, execution, name not in context.compared_alone)],
            context.store, keep_bad=options.on_bad_image != "stop", progress=progress,
            wanted=wanted, index=index, items=items,
        )  # fmt: skip
    if isinstance(embedded, Exception):
        raise embedded
    if embedded.batch_independence is not None:
        context.compared_alone.add(name)
    remember_rate(context, embedded)
    return embedded


def measure(prepared: Prepared) -> None:
    """Embed a few images by each model that the store knows no rate of; they are kept there.

    Raises:
        BiobenchError: A model cannot be loaded, or one of the images cannot be read.
    """
    import time
    from datetime import UTC, datetime

    from biobench._common.store import Store
    from biobench.embed import rates
    from biobench.run.context import fitted, load

    for run in prepared.runs:
        if rates.recall(Store(run.store), rate_of(run.options)) is not None:
            continue
        context = fitted(load(run, datetime.now(UTC), time.perf_counter())[0])
        counts = [len(manifest.rows) for manifest in run.manifests]
        task = counts.index(min(counts))
        wanted = np.arange(counts[task]) < FEW
        embed_rows(context, task, slice(0, counts[task]), wanted)
