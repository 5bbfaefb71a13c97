"""The whole flow on one page: spec, manifest, pixels, features, predictions, score, report.

In: options of a run. Out: a result. Each stage is a function of inputs that have digests; what a
stage computed is kept in the store under the digest of everything that can change it. What comes
before the first image is in setting.py, several train sizes in one run in curve.py.
"""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.data.sample import kept_rows, with_rows
from biobench.data.views import pool_rule
from biobench.errors import BiobenchError
from biobench.out_folder import claim_out
from biobench.report.results import Results
from biobench.repro import settings, torch_state
from biobench.selection import Chosen, Selection, leave_out
from biobench.setting import (
    Options,
    Plan,
    Setting,
    Sizes,
    could_be_official,
    differences,
    plan,
    prepare,
    say,
)
from biobench.streams import as_text

if TYPE_CHECKING:
    from biobench.embed.features import Embedded
    from biobench.report.outcome import TaskOutcome

__all__ = ["Options", "could_be_official", "plan", "run"]


def run(options: Options) -> Results:
    """Score a model and write the result.

    Raises UsageError, DataError, SpecError or ModelError as the command line's exit codes say.
    Where a task fails the others are scored and written before that is raised.
    """
    results, failures = run_tasks(options)
    failures.raise_first(results.folder)
    return results


def run_tasks(options: Options) -> tuple[Results, Failures]:
    """Score a model on the tasks that can be scored, and write the result.

    Raises as :func:`run` where no task can be scored; otherwise the failures of tasks are for the
    caller to raise.
    """
    setting = prepare(options)
    with claim_out(setting.plan) as out:
        return _run(setting, out)


def _run(setting: Setting, out: Path | None) -> tuple[Results, Failures]:
    """Score all tasks and write the result to ``out``, where it is to be written."""
    from biobench.embed.forward import deterministic
    from biobench.report.write import write_run

    options = setting.options
    selection, size = setting.plan.selection, options.n_train
    outcomes: list[TaskOutcome] = []
    failures = Failures(setting.plan)
    with deterministic():
        for chosen, whole in zip(selection.chosen, setting.plan.manifests, strict=True):
            try:
                # Nothing here keeps the features: they may not fit into memory beside the next.
                outcomes.append(
                    score_task(embed_task(chosen, whole, setting, (size,)), size, setting)
                )
            except Exception as error:  # noqa: BLE001 - it is raised once the others are written
                failures.note(chosen.task.id, error)
    if not outcomes:
        failures.raise_first(None)
    results = conclude(outcomes, leave_out(selection, failures.tasks), size, setting)
    if out is not None:
        write_run(results, outcomes, out)
        results.folder = setting.plan.out
    return results, failures


class Failures:
    """Tasks that cannot be scored: their table or an image cannot be read, or their probe or metric
    failed. The hours that the others took are not lost with them: they are scored and written
    first."""

    def __init__(self, plan: Plan) -> None:
        self._options = plan.options
        self._alone = len(plan.selection.chosen) + len(plan.unreadable) == 1
        self._errors: dict[str, Exception] = {}
        for item, error in plan.unreadable:
            self.note(item.task.id, error)

    @property
    def tasks(self) -> Collection[str]:
        """Ids of the tasks that failed, in the order of the run."""
        return self._errors.keys()

    def note(self, task: str, error: Exception) -> None:
        """Keep the error of a task, and tell people that the run goes on."""
        self._errors.setdefault(task, error)
        # Its frames hold the task's features.
        traceback.clear_frames(error.__traceback__)
        if not self._alone:
            self._say(f"{task} is not scored, the run goes on: {self.reason(error)}")

    @staticmethod
    def reason(error: Exception) -> str:
        """One line that says what happened."""
        if isinstance(error, BiobenchError):
            return error.what
        return " ".join(f"it failed unexpectedly ({type(error).__name__}: {error})".split())

    def raise_first(self, folder: Path | None) -> None:
        """Raise the first error, where there is one; ``folder`` holds what was scored."""
        for error in self._errors.values():
            if folder is not None:
                self._say(f"what was scored is in {folder}")
            raise error

    def _say(self, line: str) -> None:
        # Who asked for the bare document is still told what it lacks.
        quiet = self._options.quiet and not self._options.from_command
        say(replace(self._options, quiet=quiet), line)


@dataclass(frozen=True)
class TaskFeatures:
    """A task's features in the order of its whole manifest, before any sample of it is taken.

    wall, cpu: seconds that reading and embedding took.
    """

    chosen: Chosen
    manifest: Manifest
    embedded: Embedded
    wall: float
    cpu: float


def embed_task(chosen: Chosen, manifest: Manifest, setting: Setting, sizes: Sizes) -> TaskFeatures:
    """Files, pixels and features of one task, as far as one of the sizes needs them."""
    from biobench.embed.doubts import doubts
    from biobench.embed.features import embed, rows_to_read
    from biobench.progress import Progress

    task, execution = chosen.task, setting.execution
    stopwatch = Stopwatch()
    wanted: npt.NDArray[np.bool_] | None = None
    if None not in sizes:
        samples = [kept_rows(task, manifest, size) for size in sizes if size is not None]
        wanted = np.logical_or.reduce(samples)
    count = len(rows_to_read(manifest, execution.micro_batch, wanted))
    with Progress(f"{task.id}: embed", count, quiet=setting.options.quiet) as progress:
        embedded = embed(
            manifest, setting.backbone, setting.store, execution,
            keep_bad=setting.options.keep_bad, progress=progress, wanted=wanted,
            compare_alone=not setting.compared_alone,
        )  # fmt: skip
    if embedded.alone is not None:
        setting.compared_alone.add(setting.backbone.info.name)
    for line in doubts(manifest, embedded):
        say(setting.options, f"{task.id}: {line}")
    return TaskFeatures(chosen, manifest, embedded, stopwatch.wall(), stopwatch.cpu())


def score_task(features: TaskFeatures, size: int | None, setting: Setting) -> TaskOutcome:
    """Score one frozen model on one task, exactly as the specification's protocol says.

    size: items of the train split as ``--n-train`` means it; null for all. Raises DataError where
    the sample cannot be probed.
    """
    from biobench.embed import evidence
    from biobench.embed.features import features_digest
    from biobench.embed.pool import pool
    from biobench.metric import score as metric
    from biobench.probe.stored import predict
    from biobench.report.outcome import TaskOutcome

    task, suite, execution = features.chosen.task, setting.suite, setting.execution
    stopwatch = Stopwatch()
    manifest, embedded = _sample(features, size)
    # A row is an image; from here on a row is an item, which a view may pool from several.
    items, rule = manifest.items, pool_rule(task.view)
    pooled, bad = pool(manifest, embedded.features, embedded.bad, rule)
    digest = features_digest([row.id for row in items.rows], pooled)
    pixels = embedded.pixels_digest([row.id for row in manifest.rows])
    digests = {"manifest": manifest.digest, "pixels": pixels, "features": digest}
    evidence.remember(setting.store, digests, manifest, embedded, rule)
    with stopwatch.stage("probe"):
        predictions = predict(
            task, suite, items, pooled, digest, setting.store,
            bad=bad, device=execution.device, workers=execution.workers,
            engine=execution.engine, quiet=setting.options.quiet,
        )  # fmt: skip
    with stopwatch.stage("metric"):
        score = metric.score_task(task, suite, predictions)
    return TaskOutcome(
        chosen=features.chosen,
        manifest=manifest,
        bad=len(embedded.bad),
        computed=embedded.computed,
        predictions=predictions,
        score=score,
        pixels_digest=pixels,
        features_digest=digest,
        torch_state=torch_state.read_state(),
        wall=features.wall + stopwatch.wall(),
        cpu=features.cpu + stopwatch.cpu(),
        stages={
            "decode": embedded.seconds["decode"],
            "embed": embedded.seconds["embed"],
            **stopwatch.stages,
        },
        peak_memory_bytes=peak_memory_bytes(),
    )


def _sample(features: TaskFeatures, size: int | None) -> tuple[Manifest, Embedded]:
    """The manifest of a size, and what is known of its rows."""
    if size is None:
        return features.manifest, features.embedded
    kept = kept_rows(features.chosen.task, features.manifest, size)
    return with_rows(features.manifest, kept), features.embedded.at(np.flatnonzero(kept))


def conclude(
    outcomes: Sequence[TaskOutcome], selection: Selection, size: int | None, setting: Setting
) -> Results:
    """The result of the tasks that were scored, which are those of ``selection``."""
    from biobench.report.document import assemble
    from biobench.report.outcome import Provenance

    at_first = setting.execution.engine.get("torch", {})
    state = torch_state.merged([at_first, *(outcome.torch_state for outcome in outcomes)])
    provenance = Provenance(
        spec=setting.plan.spec,
        selection=selection,
        backbone=setting.backbone,
        execution=setting.execution,
        division=setting.options.division,
        n_train=size,
        differences=tuple(differences(setting.plan)) if size is None else (),
        bits_fixed=settings.bits_fixed() and not torch_state.altered(state, in_run=True),
        torch_state=state,
        started=setting.started,
        wall=time.perf_counter() - setting.clock,
        argv=tuple(map(as_text, sys.argv)),
    )
    return assemble(outcomes, provenance)


@dataclass
class Stopwatch:
    """Wall and processor time since it was made, and wall time by stage, in seconds."""

    stages: dict[str, float] = field(default_factory=dict)
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=time.process_time)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        started = time.perf_counter()
        yield
        self.stages[name] = time.perf_counter() - started

    def wall(self) -> float:
        """Seconds of wall time."""
        return time.perf_counter() - self._wall

    def cpu(self) -> float:
        """Seconds of processor time, all threads."""
        return time.process_time() - self._cpu


def peak_memory_bytes() -> int:
    """The largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
