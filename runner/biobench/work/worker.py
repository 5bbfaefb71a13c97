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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from biobench._common.claims import BEATS, Claims
from biobench._common.files import require_writable
from biobench._common.output import print_line, print_note
from biobench._common.signals import terminate, terminating_later
from biobench.data.file_hashes import ContentIndex
from biobench.errors import UsageError, counted
from biobench.report.replace import refuse_claimed
from biobench.report.results import FILE
from biobench.run.failures import Failures
from biobench.run.options import say
from biobench.work import file_digests
from biobench.work.document import PlanPart
from biobench.work.embedding import embed_rows
from biobench.work.jobs import STALE_S, Job, Jobs, claims_folder
from biobench.work.make import Prepared, wanted_rows
from biobench.work.slices import Slice

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from biobench.embed.stored import StoredItems
    from biobench.run.context import Context

FIRST_WAIT_S, MOST_WAIT_S = 0.2, 10.0
"""Seconds between two looks where all that is left is claimed by others."""
LOOKS_A_SECOND = 20
"""Looks of all waiting workers together where these are many: each lists the folder, and a thousand
workers may wait for one job."""


@dataclass
class WorkSummary:
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
) -> WorkSummary:
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
    try:
        claims.open()
        worker = _Worker(prepared, claims, store, out)
        worker.run(None if until_s is None else time.monotonic() + until_s)
    finally:
        claims.close()
    worker.raise_first()
    return worker.done


def longest_wait(processes: int, stale_s: float) -> float:
    """Seconds that a worker waits at most until it looks again.

    Args:
        processes: Workers that have the folder of claims open.
        stale_s: Seconds after which a claim without a sign is taken over: a worker that looks less
            often than claims are touched would notice later that one is still.
    """
    return min(max(MOST_WAIT_S, processes / LOOKS_A_SECOND), stale_s / BEATS)


class _Worker:
    def __init__(self, prepared: Prepared, claims: Claims, store: Path, out: Path) -> None:
        self.done = WorkSummary()
        self._prepared = prepared
        self._plan = prepared.plan
        self._claims = claims
        self._store = store
        self._out = out
        self._index = ContentIndex(None)
        self._imported: set[str] = set()
        self._busy: dict[str, float] = {}
        self._paths: dict[int, list[str]] = {}
        self._wanted: dict[int, npt.NDArray[np.bool_] | None] = {}
        self._items: StoredItems | None = None
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
                if job.name in listing.claimed - listing.stale:
                    continue
                if self._try(job):
                    wait = FIRST_WAIT_S
                    break
            else:
                if wait == FIRST_WAIT_S:
                    others = counted(len(left), "job")
                    print_note(f"biobench: waits for {others} that others have")
                # One of them may end without having done its job.
                longest = longest_wait(listing.processes, self._claims.stale_s)
                time.sleep(min(wait, longest))
                wait = min(2 * wait, longest)

    def raise_first(self) -> None:
        """Raise the first error of a job."""
        for error in self._failed.values():
            raise error

    def _try(self, job: Job) -> bool:
        """Claim a job and do it; False where another has it."""
        if job.task is None and not self._jobs.is_written(job.model):
            self._claims.forget(job.name)
        claim = self._claims.take(job.name)
        if claim is None:
            return False
        whole = False
        try:
            if job.task is None and self._is_being_written(job):
                return False
            whole = self._do(job, inherited=claim.inherited)
        except Exception as error:  # noqa: BLE001 - raised once the others are done
            self._note(job, error)
        finally:
            if whole:
                claim.finish()
            else:
                claim.release()
        return True

    def _is_being_written(self, job: Job) -> bool:
        """True where a process that lost its claim still writes the result of a model; raises its
        error where that does not end."""
        try:
            refuse_claimed(self._folder(job.model))
        except UsageError:
            now = time.monotonic()
            if now - self._busy.setdefault(job.name, now) > self._claims.stale_s:
                raise
            return True
        return False

    def _do(self, job: Job, *, inherited: bool) -> bool:
        context = self._context(job.model)
        if job.part is not None:
            # Whoever had it may have stored its features and died before it said so. A store that
            # was empty when the model was loaded is not searched for files that nobody knows.
            self._embed_whole(job, job.part, self._fresh(context) if inherited else context)
            return True
        if job.task is not None:
            self._probe(job.task, context)
            return True
        return self._report(job, context)

    def _embed_whole(self, job: Job, part: PlanPart, context: Context) -> None:
        """Embed a part; end after it where that was asked for meanwhile, also where it fails."""
        failed: Exception | None = None
        with terminating_later(self._say_later) as asked:
            try:
                self._embed(part, context)
            except Exception as error:  # noqa: BLE001 - raised or noted below
                failed = error
        # From here on a signal raises by itself.
        if asked():
            try:
                if failed is None:
                    self._claims.mark_done(job.name)
                else:
                    self._note(job, failed)
            finally:
                terminate()
        if failed is not None:
            raise failed

    def _embed(self, part: PlanPart, context: Context) -> None:
        planned, rows = self._plan.tasks[part.task], slice(part.rows.start, part.rows.stop)
        paths = self._import_digests(part.task, context, part.rows)
        if part.task not in self._wanted:
            self._wanted[part.task] = wanted_rows(context.plan, part.task)
        wanted = self._wanted[part.task]
        embedded = embed_rows(
            context, part.task, rows, None if wanted is None else wanted[rows],
            index=self._index, items=self._items,
        )  # fmt: skip
        if embedded.pulled is not None:
            say(context.options, f"{planned.task}: {embedded.pulled}")
        file_digests.share(context.store, self._index, planned.manifest, part.rows, paths[rows])
        self.done.parts += 1
        self.done.images += embedded.computed

    def _probe(self, task: int, context: Context) -> None:
        from biobench.embed.forward import set_up_torch
        from biobench.pipeline import score_task
        from biobench.run.task_features import embed_task

        context = self._fresh(context)
        self._import_digests(task, context)
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

        context = self._fresh(context)
        for task in range(len(self._plan.tasks)):
            self._import_digests(task, context)
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
        """The run of a model, loaded."""
        from biobench.embed.stored import StoredItems
        from biobench.run.context import fitted, load

        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None
            print_note(f"biobench: loads {self._plan.models[model].model!r}")
            run = self._prepared.runs[model]
            try:
                context, chosen = load(run, datetime.now(UTC), time.perf_counter())
                context = fitted(context)
            except Exception as error:
                self._failed |= {job.name: error for job in self._jobs.of_model(model)}
                raise
            say(context.options, chosen)
            self._loaded = model, replace(context, index=self._index)
            # What others store from now on is found by whole shards: a look at each of their files
            # before every part would take longer than a part.
            self._items = StoredItems()
        return self._loaded[1]

    def _fresh(self, context: Context) -> Context:
        """The run with a fresh look at the store."""
        from biobench._common.store import Store

        return replace(context, store=Store(self._store, lambda line: say(context.options, line)))

    def _import_digests(self, task: int, context: Context, rows: Slice | None = None) -> list[str]:
        """Take over what others know of the files of a task by now, or of a slice; returns the
        paths of all. The first look at a slice takes over what other plans know of the rest."""
        manifest = context.plan.manifests[task]
        first = task not in self._paths
        if first:
            self._paths[task] = [os.path.join(manifest.root, row.path) for row in manifest.rows]
        paths = self._paths[task]
        import_digests = partial(
            file_digests.import_digests,
            context.store, self._index, manifest.digest, paths, self._imported,
        )  # fmt: skip
        if first and rows is not None:
            import_digests(but=self._plan.tasks[task].slices)
        import_digests(rows)
        return paths

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
