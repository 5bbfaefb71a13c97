"""A sample of items, decoded and embedded again (SPEC.md, section "Evidence").

In: a result with the digests of its items, their images, and the model. Out: findings of the stages
pixels and features, and what they prove of the items that were not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench.data.manifest import Manifest
from biobench.data.views import pool_rule
from biobench.embed.embedded import Execution, feature_leaves
from biobench.embed.pool import pool_rows
from biobench.embed.recomputed import recompute_rows, refuted
from biobench.errors import BiobenchError, UsageError, counted
from biobench.models.base import Backbone
from biobench.report.item_digests import STAGES, ItemDigests
from biobench.report.results import Results
from biobench.spec.documents import Suite, Task
from biobench.spec.generator import Stream
from biobench.verify.findings import Finding, Report
from biobench.verify.from_data import BATCH, Images, find_root, sampled
from biobench.verify.item_digests import check_item_digests
from biobench.verify.loaded_model import check_loaded
from biobench.verify.rules import TaskRules

MAX_NAMED = 5
"""Items that a finding names."""


@dataclass(frozen=True)
class Sample:
    """The sample that is asked for.

    Attributes:
        count: Number of items, over all tasks.
        seed: Seed of the generator's stream ``verify/sample``, which draws the items. It must not
            have been known when the result was made.
    """

    count: int
    seed: int


@dataclass(frozen=True, eq=False)
class _Stated:
    """A task's list of images and the digests of its items, which belong to the result."""

    task: Task
    manifest: Manifest
    pixels: ItemDigests
    features: ItemDigests


def check_items(
    results: Results,
    rules: Sequence[TaskRules],
    suite: Suite,
    images: Images,
    backbone: Backbone,
    sample: Sample,
    *,
    given: bool,
) -> Report:
    """Compare a sample of items with the digests that a result states of them.

    Args:
        results: A result whose features a program computed.
        rules: Its tasks.
        suite: Its suite.
        images: Where its images are.
        backbone: Its model, loaded here.
        sample: What is drawn.
        given: True where the user named the model, see :func:`check_loaded`.

    Raises:
        UsageError: The features are not those of a program, or no task has its images
            and the digests of its items here.
    """
    if results.document["model"]["program"] is None:
        raise UsageError(
            "torch computed its features, which only a whole rerun repeats",
            where="--sample",
            remedy="give --rerun",
        )
    findings = list(_model(results, backbone, given))
    stated: list[_Stated] = []
    for rule in rules:
        found = _stated(results, rule, suite, images)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            stated.append(found)
    if all(finding.holds is not False for finding in findings):
        if not stated:
            raise _nothing_to_draw(findings)
        findings += _compare(stated, backbone, images, sample)
    return Report(tuple(findings), {}, {})


def _nothing_to_draw(findings: Sequence[Finding]) -> UsageError:
    """The error where no task's items can be drawn, by what is missing."""
    for finding in findings:
        if finding.task is not None and finding.stage != "data":
            return UsageError(
                f"nothing can be drawn: {finding.text}",
                where="--sample",
                remedy="give the result with its folder evidence, or --rerun",
            )
    return UsageError(
        "a sample needs the images", where="--sample", remedy="give --data their folder"
    )


def _model(results: Results, backbone: Backbone, given: bool) -> Iterator[Finding]:
    """Compare the model that was loaded with the one that the result states."""
    model, info = results.document["model"], backbone.info
    yield from check_loaded(model, vars(info), given=given)
    # A program of its own has no checkpoint; its digest covers every constant.
    alone = info.weights == info.program
    for stage, name, here, there in (
        ("recipe", "recipe", backbone.recipe.digest, model["recipe"]["digest"]),
        ("weights", "weights", info.weights, model["weights"]),
        ("weights", "program", info.program, model["program"]),
    ):
        if name == "weights" and alone:
            continue
        same = here == there
        text = f"{name} loaded again: equal" if same else f"its {name} here has the digest {here}"
        yield Finding(stage, same, text)


def _stated(results: Results, rule: TaskRules, suite: Suite, images: Images) -> _Stated | Finding:
    """The statements of the result about a task's items, or the reason why none can be compared."""
    task = rule.document or images.own.get(rule.id)
    root = None if task is None else find_root(task, results, images)
    if task is None or root is None:
        return Finding("data", None, "its images are not here; give --data", rule.id)
    digests = results.tasks[rule.id]["digests"]
    try:
        whole = images.manifest(task, results, root, suite.seed)
        manifest = sampled(task, results, whole)
        if manifest.digest != digests["manifest"]:
            text = "the images here make another list than the one that was scored"
            return Finding("data", False, text, rule.id)
    except BiobenchError as error:
        return Finding("data", False, str(error), rule.id)
    fault = check_item_digests(results, rule.id, manifest)
    if fault is not None:
        return fault
    pixels, features = (results.item_digests(rule.id, stage) for stage in STAGES)
    return _Stated(task, manifest, pixels, features)


def _compare(
    stated: Sequence[_Stated], backbone: Backbone, images: Images, sample: Sample
) -> Iterator[Finding]:
    sizes = [len(entry.features) for entry in stated]
    total, count = sum(sizes), min(sample.count, sum(sizes))
    drawn = Stream(sample.seed, "verify/sample").permutation(total)[:count]
    first = 0
    differing: dict[str, list[str]] = {"pixels": [], "features": []}
    rows = 0
    with Progress("sample", count, quiet=images.quiet) as progress:
        for entry, size in zip(stated, sizes, strict=True):
            mine = np.sort(drawn[(drawn >= first) & (drawn < first + size)] - first)
            first += size
            if len(mine):
                again = _recompute(entry, mine, backbone, images, progress)
                rows += again.rows
                for stage in ("pixels", "features"):
                    differing[stage] += [f"{entry.task.id} {id}" for id in again.differing[stage]]
    for stage, names in differing.items():
        what = counted(rows, "image") if stage == "pixels" else counted(count, "item")
        if names:
            listed = ", ".join(names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
            apart = {"drawn": count, "different": len(names)}
            yield Finding(stage, False, f"{len(names)} of {what} differ: {listed}", size=apart)
            continue
        text = f"{what} decoded again, equal"
        if stage == "features":
            text = f"{count} of {counted(total, 'item')} embedded again, equal; seed {sample.seed}"
            text += refuted(count, total)
        yield Finding(stage, True, text, size={"drawn": count, "of": total})


@dataclass(frozen=True)
class _RecomputedItems:
    rows: int
    differing: dict[str, list[str]]


def _recompute(
    stated: _Stated,
    items: npt.NDArray[np.int64],
    backbone: Backbone,
    images: Images,
    progress: Progress,
) -> _RecomputedItems:
    """Decode and embed the rows of items, and compare both with what is stated."""
    manifest = stated.manifest
    rows = np.flatnonzero(np.isin(manifest.item_of_row, items))
    execution = Execution(
        device="cpu", precision="float32", micro_batch=BATCH, workers=images.workers, engine={}
    )

    def embedded(place: slice) -> None:
        progress.advance(len(np.unique(manifest.item_of_row[rows[place]])))

    again = recompute_rows(manifest, rows, backbone, execution, embedded)
    pixels, features, bad = again.pixels, again.features, again.bad
    features[sorted(bad)] = 0
    item_of_row = np.searchsorted(items, manifest.item_of_row[rows])
    rule = pool_rule(stated.task.view)
    if rule is not None and manifest.pooled:
        features = pool_rows(features, item_of_row, rule)
        features[sorted({int(item_of_row[row]) for row in bad})] = 0
    wrong = np.flatnonzero((pixels != stated.pixels[rows]).any(axis=1))
    other = np.flatnonzero((feature_leaves(features) != stated.features[items]).any(axis=1))
    return _RecomputedItems(
        len(rows),
        {
            "pixels": [manifest.rows[rows[i]].id for i in wrong],
            "features": [manifest.items.rows[items[i]].id for i in other],
        },
    )
