"""The features of one task by one model, or by several that share a recipe.

In: a located task with its manifest, and loaded models. Out: features of the whole manifest by each
model, before any sample of it is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench.data.locate import LocatedTask
from biobench.data.manifest import Manifest
from biobench.data.sample import kept_rows, with_rows
from biobench.run.context import Context
from biobench.run.costs import Stopwatch, peak_memory_bytes
from biobench.run.learning_curve import Sizes
from biobench.run.manifests import without
from biobench.run.options import Options, say

if TYPE_CHECKING:
    from biobench.embed.features import Embedded


@dataclass(frozen=True)
class TaskFeatures:
    """A task's features in the order of its whole manifest, before any sample of it is taken.

    Attributes:
        wall: Seconds of wall time that reading and embedding took; of several models each has its
            share, by the time of its forward passes.
        cpu: Seconds of processor time, in the same shares.
        images_per_s: Measured by this run, or by an earlier one where this one computed few images
            or none; 0 where neither has.
    """

    located: LocatedTask
    manifest: Manifest
    embedded: Embedded
    wall: float
    cpu: float
    images_per_s: float

    def at_size(self, size: int | None) -> tuple[Manifest, Embedded]:
        """The manifest of a size of the train split, and the features of its rows."""
        if size is None:
            return self.manifest, self.embedded
        kept = kept_rows(self.located.task, self.manifest, size)
        return with_rows(self.manifest, kept), self.embedded.at(np.flatnonzero(kept))


def embed_task(
    located: LocatedTask, manifest: Manifest, contexts: Sequence[Context], sizes: Sizes
) -> list[TaskFeatures | Exception]:
    """Files, pixels and features of one task by models of one recipe, as far as one of the sizes
    needs them; in the place of a model that fails is its error."""
    from biobench._common.progress import Progress
    from biobench.embed.diagnostics import doubts
    from biobench.embed.features import Embedder, embed_together, rows_to_read

    task, shared = located.task, contexts[0]
    stopwatch = Stopwatch()
    models = [
        Embedder(c.backbone, c.execution, c.backbone.info.name not in c.compared_alone)
        for c in contexts
    ]

    def embed_rows() -> Sequence[Embedded | Exception]:
        wanted: npt.NDArray[np.bool_] | None = None
        if None not in sizes:
            samples = [kept_rows(task, manifest, size) for size in sizes if size is not None]
            wanted = np.logical_or.reduce(samples)
        count = sum(
            len(rows_to_read(manifest, m.backbone, m.execution.micro_batch, wanted)) for m in models
        )
        with Progress(f"{task.id}: embed", count, quiet=shared.options.quiet) as progress:
            return embed_together(
                manifest, models, shared.store,
                keep_bad=shared.options.on_bad_image != "stop", progress=progress, wanted=wanted,
                index=shared.index,
            )  # fmt: skip

    found: Sequence[Embedded | Exception]
    try:
        found = embed_rows()
        # As if the files had not been there: by torch a feature may depend on its neighbours. A
        # sample of the shorter manifest has other images, and a bad one may be among them.
        while shared.options.on_bad_image == "leave-out" and (bad := _bad_images(found)):
            unread = {manifest.rows[row].path: why for row, why in bad.items()}
            manifest = without(located, manifest, unread, shared.suite.seed)
            earlier, found = found, embed_rows()
            _add_costs(found, earlier)
    except Exception as error:  # noqa: BLE001 - raised once the others are written
        found = [error] * len(contexts)
    spent = [sum(e.seconds.values()) for e in found if not isinstance(e, Exception)]
    rest = max(stopwatch.wall() - sum(spent), 0.0) / len(contexts)
    rate = stopwatch.cpu() / max(stopwatch.wall(), 1e-9)
    features: list[TaskFeatures | Exception] = []
    for context, embedded in zip(contexts, found, strict=True):
        if isinstance(embedded, Exception):
            features.append(embedded)
            continue
        remember_rate(context, embedded)
        speed = _speed(context, manifest, embedded)
        if embedded.batch_independence is not None:
            context.compared_alone.add(context.backbone.info.name)
        by = "" if context.options.folder is None else f" by {context.options.model_name!r}"
        own = context.plan.selection.written is not None
        for line in doubts(manifest, embedded, copies_known=own):
            say(context.options, f"{task.id}{by}: {line}")
        wall = rest + sum(embedded.seconds.values())
        features.append(TaskFeatures(located, manifest, embedded, wall, rate * wall, speed))
    return features


def remember_rate(context: Context, embedded: Embedded) -> None:
    """Note in the store how fast the model is here, for estimates."""
    from biobench.embed import rates

    rates.remember(
        context.store, rate_of(context.options), context.backbone, context.execution, embedded,
        peak_memory_bytes(),
    )  # fmt: skip


def _speed(context: Context, manifest: Manifest, embedded: Embedded) -> float:
    """Images a second of a task, see :class:`TaskFeatures`; the store keeps what was measured."""
    from biobench.embed import rates

    # Of these images: those of other tasks take another time to decode.
    asked = {**rate_of(context.options), "manifest": manifest.digest}
    model = (context.backbone, context.execution)
    rates.remember(context.store, asked, *model, embedded, peak_memory_bytes())
    # A few images that were missing tell less than what was measured of all.
    earlier = rates.measured_earlier(context.store, asked, *model)
    seconds = sum(embedded.seconds.values())
    return earlier or (embedded.computed / seconds if seconds > 0 else 0.0)


def rate_of(options: Options) -> dict[str, str]:
    """The options under which the rate of a model is noted."""
    return {
        "model": options.model_name,
        "precision": options.precision,
        "engine": options.engine,
        "device": options.device,
        "division": options.division,
    }


def _bad_images(found: Sequence[Embedded | Exception]) -> dict[int, str]:
    """Manifest row -> the reason why any of the models could not read its image."""
    embedded = (each for each in found if not isinstance(each, Exception))
    return {row: why for each in embedded for row, why in each.bad.items()}


def _add_costs(
    later: Sequence[Embedded | Exception], earlier: Sequence[Embedded | Exception]
) -> None:
    """Add to each model's costs those of an earlier pass, whose features the store has by now."""
    for embedded, before in zip(later, earlier, strict=True):
        if isinstance(embedded, Exception) or isinstance(before, Exception):
            continue
        embedded.computed += before.computed
        for stage, seconds in before.seconds.items():
            embedded.seconds[stage] += seconds
