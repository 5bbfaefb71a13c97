"""A worker: it claims the next job of a plan, does it, and goes on until nothing is left.

In: a plan, a shared store, a folder for the results. Out: features and predictions in the store,
and a result a model, the same that a run alone would write. Whatever a claim says, each job begins
with what the store has, so that work that is done twice costs time alone.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from biobench._common.claims import APART_S, Claims
from biobench._common.files import require_writable
from biobench._common.output import print_line, print_note
from biobench._common.signals import terminate, terminating_later
from biobench.data.file_hashes import ContentIndex
from biobench.data.sample import kept_rows
from biobench.errors import counted
from biobench.report.results import FILE
from biobench.run.failures import Failures
from biobench.run.options import say
from biobench.work import file_digests
from biobench.work.document import Part
from biobench.work.jobs import STALE_S, Job, Jobs, claims_folder
from biobench.work.make import Prepared

if TYPE_CHECKING:
    from biobench.run.context import Context

FIRST_WAIT_S, MOST_WAIT_S = 0.2, 10.0
"""Seconds between two looks where all that is left is claimed by others."""


@dataclass
class Done:
    """Jobs that a worker has done."""

    parts: int = 0
    images: int = 0
    probes: int = 0
    results: list[Path] = field(default_factory=list)


def work(
    prepared: Prepared,
    store: Path,
    out: Path,
    *,
    stale_s: float = STALE_S,
    until_s: float | None = None,
    owner: str = "",
) -> Done:
    """Work on a plan until nothing is left, beside any number of others.

    A job that fails is left to the others, and its error is raised once nothing else is left.

    Args:
        prepared: The plan, prepared on this host.
        store: Folder that all workers share.
        out: Folder of the results, one folder below it a model.
        stale_s: Seconds after which the claim of a worker that gives no sign is taken over.
        until_s: Seconds after which no further job is begun.
        owner: Name of the worker, for people.

    Raises:
        BiobenchError: UsageError where the store or ``out`` cannot be used; otherwise the first
            error of a job.
    """
    require_writable(out)
    require_writable(store)
    claims = Claims(claims_folder(store, prepared.plan), stale_s, owner)
    claims.open()
    try:
        difference = claims.clock_difference()
        if abs(difference) > APART_S:
            side = "ahead of" if difference > 0 else "behind"
            print_note(
                f"biobench: the clock of this host is {abs(difference):.0f} s {side} that of the "
                "store's file system; claims are judged by the latter, the work goes on"
            )
        worker = _Worker(prepared, claims, store, out)
        worker.run(None if until_s is None else time.monotonic() + until_s)
    finally:
        claims.close()
    worker.raise_first()
    return worker.done


class _Worker:
    def __init__(self, prepared: Prepared, claims: Claims, store: Path, out: Path) -> None:
        self.done = Done()
        self._prepared = prepared
        self._plan = prepared.plan
        self._claims = claims
        self._store = store
        self._out = out
        self._index = ContentIndex(None)
        self._learnt: set[str] = set()
        self._paths: dict[int, list[str]] = {}
        self._failed: dict[str, Exception] = {}
        self._loaded: tuple[int, Context] | None = None
        self._jobs = Jobs(self._plan, lambda model: (self._folder(model) / FILE).is_file())
        self._turn = int.from_bytes(os.urandom(4), "little")

    def run(self, until: float | None) -> None:
        """Do jobs until nothing is left that this worker can do, or ``until`` of the monotonic
        clock."""
        wait = FIRST_WAIT_S
        while True:
            listing = self._claims.list()
            left = self._jobs.left(listing, frozenset(self._failed))
            if not left:
                return
            if until is not None and time.monotonic() >= until:
                print_note(f"biobench: the time is over, {counted(len(left), 'job')} or more left")
                return
            loaded = None if self._loaded is None else self._loaded[0]
            for job in self._jobs.ordered(left, listing, loaded, self._turn):
                if job.name in listing.claimed and not self._claims.is_stale(job.name):
                    continue
                if self._try(job):
                    wait = FIRST_WAIT_S
                    break
            else:
                # One of the others may end without having done its job.
                time.sleep(min(wait, self._claims.stale_s / 4))
                wait = min(2 * wait, MOST_WAIT_S)

    def raise_first(self) -> None:
        """Raise the first error of a job."""
        for error in self._failed.values():
            raise error

    def _try(self, job: Job) -> bool:
        """Claim a job and do it; False where another has it."""
        if job.task is None and not (self._folder(job.model) / FILE).is_file():
            self._claims.forget(job.name)
        claim = self._claims.take(job.name)
        if claim is None:
            return False
        whole = False
        try:
            whole = self._do(job)
        except Exception as error:  # noqa: BLE001 - raised once the others are done
            self._note(job, error)
        finally:
            if whole:
                claim.finish()
            else:
                claim.release()
        return True

    def _do(self, job: Job) -> bool:
        context = self._context(job.model)
        if job.part is not None:
            with terminating_later(self._say_later) as asked:
                self._embed(job.part, context)
            if asked():
                self._claims.mark_done(job.name)
                terminate()
            return True
        if job.task is not None:
            self._probe(job.task, context)
            return True
        return self._report(job, context)

    def _embed(self, part: Part, context: Context) -> None:
        from biobench._common.progress import Progress
        from biobench.embed.features import Embedder, embed_together, rows_to_read
        from biobench.embed.forward import set_up_torch
        from biobench.run.task_features import remember_rate

        options, planned = context.options, self._plan.tasks[part.task]
        manifest = context.plan.manifests[part.task]
        located = context.plan.selection.selected[part.task]
        rows = slice(part.rows.start, part.rows.stop)
        wanted = None
        if options.n_train is not None:
            wanted = kept_rows(located.task, manifest, options.n_train)[rows]
        own = replace(manifest, rows=manifest.rows[rows])
        self._learn(part.task, context)
        execution = context.execution
        count = len(rows_to_read(own, context.backbone, execution.micro_batch, wanted))
        name = context.backbone.info.name
        title = f"{options.model_name}, {planned.task}, images from {part.rows.start}"
        with Progress(title, count) as progress, set_up_torch([context.backbone]):
            (found,) = embed_together(
                own, [Embedder(context.backbone, execution, name not in context.compared_alone)],
                context.store,
                keep_bad=options.on_bad_image != "stop", progress=progress, wanted=wanted,
                index=self._index,
            )  # fmt: skip
        if isinstance(found, Exception):
            raise found
        if found.alone is not None:
            context.compared_alone.add(name)
        remember_rate(context, found)
        file_digests.share(
            context.store, self._index, planned.manifest, part.rows, self._paths[part.task][rows]
        )
        self.done.parts += 1
        self.done.images += found.computed

    def _probe(self, task: int, context: Context) -> None:
        from biobench.embed.forward import set_up_torch
        from biobench.pipeline import score_task
        from biobench.run.task_features import embed_task

        self._learn(task, context)
        located, manifest = context.plan.selection.selected[task], context.plan.manifests[task]
        size = context.options.n_train
        with set_up_torch([context.backbone]):
            (features,) = embed_task(located, manifest, [context], (size,))
            if isinstance(features, Exception):
                raise features
            score_task(features, size, context)
        self.done.probes += 1

    def _report(self, job: Job, context: Context) -> bool:
        """Write the result of a model; False where a task has no score."""
        from biobench.pipeline import run_prepared

        for task in range(len(self._plan.tasks)):
            self._learn(task, context)
        options = replace(context.options, save=True)
        saving = replace(
            context,
            plan=replace(context.plan, options=options),
            started=datetime.now(UTC),
            clock=time.perf_counter(),
        )
        results, failures = run_prepared(saving)
        if results.folder is not None:
            print_line(f"result: {results.folder / FILE}", flush=True)
            self.done.results.append(results.folder)
        if failures.first is not None:
            self._failed[job.name] = failures.first
            return False
        return True

    def _context(self, model: int) -> Context:
        """The run of a model, loaded, with a fresh look at the store."""
        from biobench._common.store import Store
        from biobench.run.context import load

        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None
            run = self._prepared.run(model)
            try:
                context, chosen = load(run, datetime.now(UTC), time.perf_counter())
            except Exception as error:
                self._failed |= {job.name: error for job in self._jobs.of_model(model)}
                raise
            say(context.options, chosen)
            self._loaded = model, context
        context = self._loaded[1]
        store = Store(self._store, lambda line: say(context.options, line))
        return replace(context, store=store, index=self._index)

    def _learn(self, task: int, context: Context) -> None:
        """Take over what others know of the files of a task by now."""
        manifest = context.plan.manifests[task]
        if task not in self._paths:
            self._paths[task] = [os.path.join(manifest.root, row.path) for row in manifest.rows]
        paths = self._paths[task]
        file_digests.learn(context.store, self._index, manifest.digest, paths, self._learnt)

    def _note(self, job: Job, error: Exception) -> None:
        self._failed[job.name] = error
        model = self._plan.models[job.model].model
        what = "its result" if job.task is None else self._plan.tasks[job.task].task
        reason = Failures.reason(error)
        print_note(f"biobench: {what} by {model!r} failed, the work goes on: {reason}")

    def _folder(self, model: int) -> Path:
        return self._out / self._plan.models[model].folder

    @staticmethod
    def _say_later() -> None:
        print_note("biobench: SIGTERM: this worker ends with the part that it has")
