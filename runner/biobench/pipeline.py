"""The whole flow on one page: spec, manifest, pixels, features, predictions, score, report.

In: options of a run. Out: a result. Each stage is a function of inputs that have digests; what a
stage computed is kept in the store under the digest of everything that can change it.
"""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench.data.build import build_manifest
from biobench.data.counts import count_differences
from biobench.data.manifest import Manifest
from biobench.data.sample import sample_train
from biobench.data.views import pool_rule
from biobench.errors import UsageError
from biobench.files import require_writable
from biobench.report.results import Results
from biobench.repro import settings
from biobench.repro.environment import available_cores, processor_name
from biobench.selection import BENCHMARK, Chosen, Selection, select
from biobench.spec.documents import Division, Suite
from biobench.spec.load import Spec, load_spec
from biobench.store import default_store

if TYPE_CHECKING:
    from biobench.embed.features import Execution
    from biobench.models.base import Backbone
    from biobench.report.outcome import TaskOutcome
    from biobench.store import Store


@dataclass(frozen=True)
class Options:
    """What the user asked for; see ``biobench run --help``. ``model`` is a name or a backbone."""

    model: str | Backbone
    suite: str | None = None
    tasks: tuple[str, ...] = ()
    data: Path | None = None
    out: Path | None = None
    store: Path | None = None
    device: str = "auto"
    division: Division = "official"
    n_train: int | None = None
    workers: int | None = None
    precision: str = "float32"
    keep_bad: bool = False
    offline: bool = False
    quiet: bool = False
    save: bool = True
    from_command: bool = False


@dataclass(frozen=True)
class Plan:
    """What a run would do, without loading the model."""

    selection: Selection
    manifests: tuple[Manifest, ...]
    options: Options

    def lines(self) -> list[str]:
        """One line a task for people, and the notes."""
        lines = [*self.selection.notes, f"model {self.options.model}"]
        for chosen, manifest in zip(self.selection.chosen, self.manifests, strict=True):
            lines.append(
                f"{chosen.task.id}: {_described(manifest)}, protocol {chosen.task.protocol.id}, "
                f"in {chosen.root}"
            )
        return lines


def _described(manifest: Manifest) -> str:
    items = manifest.items
    return ", ".join(
        [
            f"{len(manifest.rows)} images"
            + (f" of {len(items.rows)} items" if manifest.pooled else ""),
            f"{int(items.scored().sum())} scored",
            f"{len(items.classes)} {'traits' if manifest.has_traits else 'classes'}",
        ]
    )


def plan(options: Options) -> Plan:
    """Select tasks and read their manifests; errors as :func:`run`, short of the model's."""
    spec = load_spec()
    selection = _select(spec, options)
    _refuse_conflicts(selection, options)
    manifests = tuple(_manifest(chosen, selection.suite, options) for chosen in selection.chosen)
    return Plan(selection, manifests, options)


def run(options: Options) -> Results:
    """Score a model and write the result.

    Raises UsageError, DataError, SpecError or ModelError as the command line's exit codes say.
    """
    if options.precision == "float16" and options.device == "cpu":
        raise UsageError("--precision float16 needs CUDA", remedy="give --device cuda or float32")
    started = datetime.now(UTC)
    clock = time.perf_counter()
    spec = load_spec()
    selection = _select(spec, options)
    _refuse_conflicts(selection, options)
    for note in selection.notes:
        _say(options, note)
    store_root = options.store or default_store()
    out = options.out or _default_out(selection, options)
    for folder in (store_root, out) if options.save else (store_root,):
        require_writable(folder)
    # Manifests first: a fault in the data shows before a model is fetched.
    manifests = [_manifest(chosen, selection.suite, options) for chosen in selection.chosen]
    differences = [
        line
        for chosen, manifest in zip(selection.chosen, manifests, strict=True)
        for line in ([] if options.n_train else count_differences(chosen.task, manifest))
    ]
    for line in differences:
        _say(options, f"counts differ from the specification: {line}")

    from biobench.embed.forward import deterministic
    from biobench.models.load import load_model
    from biobench.store import Store

    store = Store(store_root)
    backbone = (
        load_model(
            options.model,
            spec.models,
            offline=options.offline,
            feature="compat" if options.division == "compat" else "official",
        )
        if isinstance(options.model, str)
        else options.model
    )
    execution = _execution(backbone, selection.suite, options)
    with deterministic():
        outcomes = [
            _run_task(chosen, manifest, selection.suite, backbone, store, execution, options)
            for chosen, manifest in zip(selection.chosen, manifests, strict=True)
        ]

    from biobench.report.document import assemble
    from biobench.report.outcome import Provenance
    from biobench.report.write import write_run

    provenance = Provenance(
        spec=spec,
        selection=selection,
        backbone=backbone,
        execution=execution,
        division=options.division,
        n_train=options.n_train,
        differences=tuple(differences),
        bits_fixed=settings.bits_fixed(),
        started=started,
        wall=time.perf_counter() - clock,
        argv=tuple(sys.argv),
    )
    results = assemble(outcomes, provenance)
    if options.save:
        write_run(results, outcomes, out)
    return results


def _run_task(
    chosen: Chosen,
    manifest: Manifest,
    suite: Suite,
    backbone: Backbone,
    store: Store,
    execution: Execution,
    options: Options,
) -> TaskOutcome:
    """Score one frozen model on one task, exactly as the specification's protocol says."""
    from biobench.embed.features import content_digests, embed, features_digest
    from biobench.embed.pool import pool
    from biobench.metric.score import score_task
    from biobench.probe.stored import predict
    from biobench.progress import Progress
    from biobench.report.outcome import TaskOutcome

    task = chosen.task
    stopwatch = Stopwatch()
    images = len(manifest.rows)
    with Progress(f"{task.id}: files", images, unit="files", quiet=options.quiet) as progress:
        contents = content_digests(manifest, store, execution.workers, progress.advance)
    with Progress(f"{task.id}: embed", images, quiet=options.quiet) as progress:
        embedded = embed(
            manifest, contents, backbone, store, execution,
            keep_bad=options.keep_bad, progress=progress,
        )  # fmt: skip
    # A row is an image; from here on a row is an item, which a view may pool from several.
    items = manifest.items
    features, bad = pool(manifest, embedded.features, embedded.bad, pool_rule(task.view))
    digest = features_digest([row.id for row in items.rows], features)
    with stopwatch.stage("probe"):
        predictions = predict(
            task, suite, items, features, digest, store,
            bad=bad, device=execution.device, workers=execution.workers,
            engine=execution.engine, quiet=options.quiet,
        )  # fmt: skip
    with stopwatch.stage("metric"):
        score = score_task(task, suite, predictions)
    return TaskOutcome(
        chosen=chosen,
        manifest=manifest,
        bad=len(embedded.bad),
        computed=embedded.computed,
        predictions=predictions,
        score=score,
        pixels_digest=embedded.pixels_digest([row.id for row in manifest.rows]),
        features_digest=digest,
        wall=stopwatch.wall(),
        cpu=stopwatch.cpu(),
        stages={
            "decode": embedded.seconds["decode"],
            "embed": embedded.seconds["embed"],
            **stopwatch.stages,
        },
        peak_memory_bytes=peak_memory_bytes(),
    )


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


def _select(spec: Spec, options: Options) -> Selection:
    return select(
        spec,
        suite=options.suite,
        tasks=options.tasks,
        data=options.data,
        division=options.division,
    )


def _manifest(chosen: Chosen, suite: Suite, options: Options) -> Manifest:
    manifest = build_manifest(chosen.task, chosen.root, suite.seed)
    if manifest.dropped:
        note = f"{manifest.dropped} clips are too short or miss frames and are left out"
        _say(options, f"{chosen.task.id}: {note}")
    if options.n_train is None:
        return manifest
    return sample_train(chosen.task, manifest, options.n_train)


def _execution(backbone: Backbone, suite: Suite, options: Options) -> Execution:
    from biobench.embed.features import Execution
    from biobench.embed.forward import choose_device
    from biobench.repro.environment import MOVE_FEATURES, package_versions

    device = choose_device(options.device)
    if options.precision == "float16" and device != "cuda":
        raise UsageError("--precision float16 needs CUDA", remedy="give --device cuda or float32")
    engine: dict[str, Any] = {"device": device, "packages": package_versions(MOVE_FEATURES)}
    if device == "cuda":
        import torch

        engine["gpu"] = torch.cuda.get_device_name(0)
    if not settings.bits_fixed():
        engine |= {"cpu": processor_name(), "settings": settings.recorded()}
    return Execution(
        device=device,
        precision=options.precision,
        micro_batch=suite.micro_batch_cuda if device == "cuda" else suite.micro_batch_cpu,
        workers=options.workers or available_cores(),
        engine=engine,
    )


def _refuse_conflicts(selection: Selection, options: Options) -> None:
    conflicts = settings.conflicts(settings.process_environment())
    if not conflicts:
        return
    listed = ", ".join(conflicts)
    if options.from_command and could_be_official(selection, options):
        raise UsageError(
            f"the environment has settings that an official run cannot have: {listed}",
            remedy="unset them; biobench sets what it needs",
        )
    _say(options, f"kept from the environment, so features claim level T only: {listed}")


def could_be_official(selection: Selection, options: Options) -> bool:
    """Whether nothing in what was asked for rules out an official result."""
    benchmark = selection.suite.id == BENCHMARK and selection.whole
    return benchmark and options.division == "official" and options.n_train is None


def _default_out(selection: Selection, options: Options) -> Path:
    model = options.model if isinstance(options.model, str) else options.model.info.name
    words = [
        model,
        *([item.task.id for item in selection.chosen] if options.tasks else [selection.suite.id]),
    ]
    if options.n_train is not None:
        words.append(f"{options.n_train}-train")
    if options.division != "official":
        words.append(options.division)
    return Path("biobench-out") / re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(words)).strip("-.")


def _say(options: Options, line: str) -> None:
    if not options.quiet:
        print(f"biobench: {line}", file=sys.stderr)
