"""The checks of level D, and of level P where possible: the chain made again from the images,
without a model.

In: a result, its data, and features that a store holds. Out: findings of the stages data, pixels
and predictions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench.data.build import build_manifest
from biobench.data.counts import scored_counts
from biobench.data.locate import locate
from biobench.data.manifest import Manifest
from biobench.data.sample import sample_train
from biobench.decode.formats import missing_formats
from biobench.decode.limits import MAX_RECIPE_SIDE
from biobench.decode.loader import ImageLoader
from biobench.decode.recipe import Recipe
from biobench.embed.evidence import Evidence
from biobench.embed.features import pixels_digest
from biobench.errors import BiobenchError, counted
from biobench.probe.registry import PROTOCOLS, is_exact
from biobench.report.results import Results
from biobench.spec.documents import Suite, Task
from biobench.verify.findings import Finding
from biobench.verify.recipes import impossible_sides, recipe_of

BATCH = 32
MOST_TRAINING = 1 << 41
"""Most multiply-adds that a probe is trained with again here: about a minute of one thread."""
MOST_PIXELS = MAX_RECIPE_SIDE**2
"""Most pixels of a batch's crops, which a result may state at will: 50 MB."""


def batch_size(crop: tuple[int, int]) -> int:
    """Number of images that are decoded together; ``crop``: (height, width) in pixels."""
    return max(1, min(BATCH, MOST_PIXELS // (crop[0] * crop[1])))


@dataclass(frozen=True)
class Images:
    """Locations of a result's images, and the settings to read them.

    Attributes:
        own: Tasks of a person's own by id, since a result names none of their files.
        sampled: True where a sample is decoded instead of all of them.
        made: Whole manifests by task and folder, with what they were made of, where a sample asks
            for them again.
    """

    data: Path | None
    own: Mapping[str, Task]
    workers: int
    quiet: bool
    sampled: bool = False
    made: dict[tuple[str, Path], tuple[object, Manifest]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def manifest(self, task: Task, results: Results, root: Path, seed: int) -> Manifest:
        """The manifest of a task before any sample, without the images that the result says cannot
        be read; errors as build_manifest."""
        entry = results.tasks[task.id]
        left_out = {image["path"]: image["reason"] for image in entry.get("left_out", ())}
        formats = tuple(entry.get("formats", ()))
        asked = (task, seed, left_out, formats)
        kept = self.made.get((task.id, root))
        if kept is not None and kept[0] == asked:
            return kept[1]
        made = replace(build_manifest(task, root, seed, left_out), more_formats=formats)
        if self.sampled:
            self.made[task.id, root] = (asked, made)
        return made


def find_root(task: Task, results: Results, images: Images) -> Path | None:
    """The folder of a task's data, None where it is not here.

    Raises:
        DataError: ``--data`` is not a folder.
    """
    alone = sum(not entry["declared"] for entry in results.tasks.values()) == 1
    return locate(task, images.data, only_task=alone)


def sampled(task: Task, results: Results, manifest: Manifest) -> Manifest:
    """The manifest of a task as the result scored it; errors as sample_train."""
    size = results.document["n_train"]
    return manifest if size is None else sample_train(task, manifest, size)


def check_left_out(
    id: str, results: Results, manifest: Manifest, images: Images
) -> Iterator[Finding]:
    """Check that images that were left out cannot be read: else a result could leave out those that
    a model gets wrong."""
    paths = sorted(manifest.left_out)
    recipe = recipe_of(results.document["model"]["recipe"])
    if not paths or impossible_sides(recipe) is not None:
        return
    names = [os.path.join(manifest.root, path) for path in paths]
    bad: set[int] = set()
    with ImageLoader(
        names, recipe, batch_size=batch_size(recipe.crop), workers=images.workers,
        on_error="report", more_formats=True,
    ) as loader:  # fmt: skip
        for batch in loader:
            bad |= {failure.index for failure in batch.failures}
    good = [path for i, path in enumerate(paths) if i not in bad]
    if good:
        text = f"{counted(len(good), 'image')} left out as unreadable can be read ({good[0]})"
        yield Finding("data", False, text, id)


def check_manifest(
    id: str, entry: Mapping[str, Any], manifest: Manifest, evidence: Evidence | None
) -> Finding:
    """Check that a manifest is the one that was scored, and that its counts are those that are
    stated."""
    if manifest.digest == entry["digests"]["manifest"]:
        wrong = [
            f"{name} is {count} by its list of images, not {entry['counts'][name]}"
            for name, count in scored_counts(manifest).items()
            if count != entry["counts"][name]
        ]
        if wrong:
            return Finding("data", False, f"counts: {', '.join(wrong)}", id)
        return Finding("data", True, counted(len(manifest.rows), "row"), id)
    text = f"{len(manifest.rows)} images here make another list than the one that was scored"
    if evidence is not None:
        text += f": {rows_difference(manifest.value(), evidence.rows)}"
    return Finding("data", False, text, id)


def rows_difference(here: Sequence[Sequence[Any]], there: Sequence[Sequence[Any]]) -> str:
    """Describe the rows in which two manifests differ."""
    ours, theirs = ({row[0]: list(row) for row in rows} for rows in (here, there))
    added = [id for id in ours if id not in theirs]
    lost = [id for id in theirs if id not in ours]
    changed = [id for id in ours if id in theirs and ours[id] != theirs[id]]
    parts = [
        f"{len(ids)} {what} ({ids[0]})"
        for ids, what in (
            (added, "more"),
            (lost, "missing"),
            (changed, "with another label or path"),
        )
        if ids
    ]
    return ", ".join(parts) or "the same rows in another order"


def leaves(
    manifest: Manifest, recipe: Recipe, images: Images, name: str
) -> tuple[npt.NDArray[np.uint8], dict[int, str]]:
    """BLAKE3 of each row's crop, uint8 (rows, 32), and the errors of rows without one.

    Args:
        manifest: Where the images are.
        recipe: Their crop.
        images: Threads, and whether progress is shown.
        name: Name of the task, for people.
    """
    paths = [os.path.join(manifest.root, row.path) for row in manifest.rows]
    found = np.zeros((len(paths), 32), np.uint8)
    bad: dict[int, str] = {}
    with (
        Progress(f"{name}: pixels", len(paths), quiet=images.quiet) as progress,
        ImageLoader(
            paths,
            recipe,
            batch_size=batch_size(recipe.crop),
            workers=images.workers,
            on_error="report",
            more_formats=bool(manifest.more_formats),
        ) as loader,
    ):
        for batch in loader:
            for i, digest in enumerate(batch.digests):
                found[batch.start + i] = np.frombuffer(digest, np.uint8)
            bad |= {failure.index: failure.message for failure in batch.failures}
            progress.advance(len(batch.digests))
    return found, bad


def check_pixels(
    id: str,
    results: Results,
    manifest: Manifest,
    images: Images,
    evidence: Evidence | None,
) -> tuple[Finding, dict[int, str] | None]:
    """Check that the images give the pixels that were scored.

    Args:
        id: Id of the task.
        results: The result.
        manifest: The list of its images, made here.
        images: Where they are.
        evidence: Digests of pixels that the store has; None where it has none.

    Returns:
        The finding, and the errors of rows without pixels, by row; None where the images are not
        known to be those that were scored.
    """
    entry = results.tasks[id]
    recipe = recipe_of(results.document["model"]["recipe"])
    odd = impossible_sides(recipe)
    if odd is not None:
        return Finding("pixels", False, odd, id), None
    lacking = missing_formats(entry.get("formats", ()))
    if lacking:
        return Finding("pixels", None, "; ".join(one.reason for one in lacking), id), None
    try:
        here, bad = leaves(manifest, recipe, images, id)
    except (ValueError, MemoryError, OverflowError) as error:
        return Finding("pixels", False, f"its recipe cannot be: {error}", id), None
    ids = [row.id for row in manifest.rows]
    if pixels_digest(ids, here) == entry["digests"]["pixels"]:
        text = f"{counted(len(ids), 'image')} decoded again"
        return Finding("pixels", True, text, id, {"bad": len(bad)}), bad
    text = f"some of {len(ids)} images give other pixels; which, only the store of the run can tell"
    size: dict[str, Any] = {}
    if evidence is not None:
        differ = np.flatnonzero((here != evidence.pixels).any(axis=1))
        first = manifest.rows[int(differ[0])].path
        size = {"images": len(differ), "share": len(differ) / len(ids), "first": first}
        text = f"{len(differ)} of {len(ids)} images give other pixels ({first})"
    if bad:
        row = min(bad)
        text += f"; {len(bad)} cannot be read ({manifest.rows[row].path}: {bad[row]})"
    return Finding("pixels", False, text, id, size), None


def check_exact(
    task: Task,
    suite: Suite,
    entry: Mapping[str, Any],
    manifest: Manifest,
    evidence: Evidence,
    *,
    workers: int,
    gpu: bool,
) -> Finding | None:
    """Check at level P that the features give the predictions.

    Args:
        task: The task.
        suite: Its suite, for the seed.
        entry: Its entry in the result.
        manifest: The rows, made again from the data.
        evidence: The features of the items.
        workers: Number of threads.
        gpu: True where the run had a GPU.

    Returns:
        What was found; None where the probe of that run is not exact.
    """
    from biobench.probe.predict import run_probe

    if not is_exact(task.protocol.kind, gpu=gpu):
        return None
    id = task.id
    trained = PROTOCOLS[task.protocol.kind].multiply_adds
    work = trained(task, manifest, evidence.features.shape[1])
    if work > MOST_TRAINING:
        text = f"to train its probe again takes {work:.0e} multiply-adds; give --rerun"
        return Finding("predictions", None, text, id)
    try:
        found = run_probe(task, suite, manifest.items, evidence.features, threads=workers)
    except BiobenchError as error:
        return Finding("predictions", False, f"cannot be made from the features: {error}", id)
    if found.digest == entry["digests"]["predictions"]:
        text = f"{len(found.ids)} made again from the features, all equal"
        return Finding("predictions", True, text, id)
    return Finding("predictions", False, "the features give other predictions", id)
