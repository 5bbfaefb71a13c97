"""What a run needs before its first image: options, tasks with their manifests, model, store.

In: options. Out: a plan (no model is loaded) or a setting that the stages of pipeline.py share.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.output import print_note
from biobench.data.counts import count_differences
from biobench.data.manifest import Manifest
from biobench.data.sample import can_be_sampled, no_train_split, sample_train, size_name
from biobench.data.unused import unused_lines
from biobench.data.views import left_out
from biobench.declared import Declaration, resolve_declarations
from biobench.errors import DataError, UsageError, counted
from biobench.files import require_writable
from biobench.missing import require_torch
from biobench.models.names import local_folder, never_pinned, parse_name
from biobench.out_folder import default_out, refuse_folder
from biobench.probe.refusal import refusal
from biobench.repro import settings
from biobench.repro.environment import available_cores, processor_name
from biobench.selection import BENCHMARK, Chosen, Selection, leave_out, read_manifests, select
from biobench.spec.documents import Division, Suite, Task
from biobench.spec.load import Spec, load_spec
from biobench.store import default_store
from biobench.streams import as_text

if TYPE_CHECKING:
    from biobench.embed.features import Execution
    from biobench.models.base import Backbone
    from biobench.store import Store

Sizes = tuple[int | None, ...]
"""Sizes of the train split that are scored; null is all of it."""
NO_TRAIN_SPLIT = "there is no train split to sample"


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
    declare: tuple[Declaration, ...] = ()
    workers: int | None = None
    precision: str = "float32"
    keep_bad: bool = False
    offline: bool = False
    quiet: bool = False
    save: bool = True
    from_command: bool = False


@dataclass(frozen=True)
class Plan:
    """What a run would do, without loading the model.

    ``manifests`` are those before a sample is taken, in the order of ``selection.chosen``.
    ``refused``: by task id and size why a task is not scored there. ``unreadable``: tasks that were
    asked for beside those, and why they have no manifest. ``store`` and ``out`` are folders;
    ``out`` can be written.
    """

    options: Options
    sizes: Sizes
    spec: Spec
    selection: Selection
    manifests: tuple[Manifest, ...]
    refused: Mapping[str, Mapping[int | None, DataError]]
    store: Path
    out: Path
    unreadable: tuple[tuple[Chosen, DataError], ...] = ()

    @property
    def asked(self) -> tuple[Chosen, ...]:
        """The tasks that can be scored and those that have no manifest, in the suite's order."""
        members = self.selection.suite.members
        all = (*self.selection.chosen, *(item for item, _ in self.unreadable))
        place = {id: number for number, id in enumerate(members)}
        return tuple(sorted(all, key=lambda item: place.get(item.task.id, len(members))))

    def sizes_of(self, task: str) -> Sizes:
        """The sizes at which a task is scored."""
        return tuple(size for size in self.sizes if size not in self.refused[task])

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know about the tasks and what the views leave out of them."""
        dropped = (
            f"{chosen.task.id}: {left_out(manifest.dropped)}, and "
            f"{'is' if manifest.dropped == 1 else 'are'} left out"
            for chosen, manifest in zip(self.selection.chosen, self.manifests, strict=True)
            if manifest.dropped
        )
        # Own data alone: what the official ones leave out is known and in their documents.
        unused = (
            f"{chosen.task.id}: {line}"
            for chosen, manifest in zip(self.selection.chosen, self.manifests, strict=True)
            if chosen.task.division == "open"
            for line in unused_lines(manifest)
        )
        return (*self.selection.notes, *dropped, *unused)

    def lines(self) -> list[str]:
        """One line a task and size for people, and the notes."""
        lines = [*self.notes, f"model {self.options.model}"]
        for chosen, whole in zip(self.selection.chosen, self.manifests, strict=True):
            task = chosen.task
            for size in self.sizes:
                at = "" if len(self.sizes) == 1 else f" at {size_name(size)}"
                if size in self.refused[task.id]:
                    lines.append(f"{task.id}{at}: not scored, {self.refused[task.id][size].what}")
                    continue
                manifest = whole if size is None else sample_train(task, whole, size)
                lines.append(
                    f"{task.id}{at}: {_described(manifest)}, "
                    f"protocol {task.protocol.id}, in {chosen.root}"
                )
        lines += [f"{item.task.id}: not scored, {error.what}" for item, error in self.unreadable]
        lines += [
            f"{item.task.id}: declared, {item.score:g}, from {item.source}"
            for item in self.selection.declared
        ]
        return lines


@dataclass(frozen=True)
class Setting:
    """What all tasks of a run share. ``clock`` is what ``time.perf_counter`` said at its start.

    compared_alone: names of the model, once one image of the run was embedded without others.
    """

    plan: Plan
    backbone: Backbone
    store: Store
    execution: Execution
    started: datetime
    clock: float
    compared_alone: set[str] = field(default_factory=set)

    @property
    def options(self) -> Options:
        """What the user asked for."""
        return self.plan.options

    @property
    def suite(self) -> Suite:
        """The suite that is run."""
        return self.plan.selection.suite


def in_order(sizes: Sizes) -> Sizes:
    """Sizes ascending, all of the train split last; UsageError where they are no sizes."""
    numbers = [size for size in sizes if size is not None]
    if not sizes or any(size < 1 for size in numbers) or len(set(sizes)) < len(sizes):
        raise UsageError(
            f"--n-train {','.join(map(size_name, sizes))} is no list of sizes",
            remedy="give numbers from 1, and all, each once: 1,3,10,all",
        )
    return (*sorted(numbers), *([None] if None in sizes else []))


def plan(options: Options, sizes: Sizes | None = None) -> Plan:
    """Select tasks and read their manifests; errors as :func:`biobench.pipeline.run`, short of what
    only a loaded model shows.

    sizes: those of a learning curve, instead of ``options.n_train`` alone.
    """
    asked = (options.n_train,) if sizes is None else sizes
    spec = load_spec()
    # What is cheap to find out comes first: manifests of millions of images take minutes.
    _refuse_options(options, spec)
    selection = _select(spec, options, asked)
    _refuse_conflicts(selection, options, asked)
    store = options.store or default_store()
    out = options.out or default_out(options, selection, asked)
    if options.save:
        require_writable(out)
        refuse_folder(out, [chosen.task.id for chosen in selection.chosen], asked)
    if not store.is_dir():
        # One that is there may have all that is needed.
        require_writable(store)
    readable, manifests, unreadable = read_manifests(selection)
    return _judged(Plan(options, asked, spec, readable, manifests, {}, store, out, unreadable))


def _refuse_options(options: Options, spec: Spec) -> None:
    """Raise UsageError or ModelError for an option that no data can make right."""
    if options.division not in ("official", "compat"):
        raise UsageError(
            f"there is no division {options.division!r} to run", remedy="use official or compat"
        )
    if options.device != "auto" or options.precision == "float16":
        _device(options)
    named = options.model if isinstance(options.model, str) else options.model.info.name
    for option, text in (("--model", named), *(("--source", d.source) for d in options.declare)):
        if as_text(text) != text:
            # The result and its digest hold it.
            raise UsageError(
                "has bytes that are not UTF-8",
                where=f"{option} {as_text(text)}",
                remedy="rename the folder, or write it in UTF-8",
            )
    if isinstance(options.model, str):
        name = parse_name(options.model, spec.models)
        if name.kind == "folder":
            local_folder(name)


def _judged(made: Plan) -> Plan:
    """``made`` with what each task's protocol refuses.

    Raises DataError for a task that is named, or to be scored on its whole train split, and cannot
    be, and where no task is left; in a suite the others are had without it.
    """
    pairs = list(zip(made.selection.chosen, made.manifests, strict=True))
    made = replace(
        made, refused={item.task.id: _refused(item.task, all, made.sizes) for item, all in pairs}
    )
    lost = [item.task.id for item, _ in pairs if not made.sizes_of(item.task.id)]
    if not lost:
        return made
    first, *_ = made.refused[lost[0]].values()
    one = len(made.sizes) == 1
    if len(lost) == len(pairs) or (one and (made.options.tasks or None in made.sizes)):
        raise first
    if not one:
        return made
    selection = made.selection
    reasons = {id: made.refused[id][made.sizes[0]].what for id in lost}
    for reason in dict.fromkeys(reasons.values()):
        ids = [id for id in lost if reasons[id] == reason]
        selection = leave_out(selection, ids, f"left out, because {reason}: {', '.join(ids)}")
    kept = tuple(manifest for item, manifest in pairs if item.task.id not in lost)
    return replace(made, selection=selection, manifests=kept)


def _refused(task: Task, whole: Manifest, sizes: Sizes) -> dict[int | None, DataError]:
    """Why the task cannot be scored at a size, as far as labels tell."""
    found: dict[int | None, DataError] = {}
    for size in sizes:
        if size is not None and not can_be_sampled(task):
            found[size] = DataError(NO_TRAIN_SPLIT, where=task.id)
            continue
        sample = whole if size is None else sample_train(task, whole, size)
        error = refusal(task, sample.items)
        if error is not None:
            found[size] = error
    return found


def prepare(options: Options, sizes: Sizes | None = None) -> Setting:
    """A plan with its model loaded.

    Raises UsageError, DataError, SpecError or ModelError as the command line's exit codes say.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    require_torch()
    # Manifests first: a fault in the data shows before a model is fetched.
    made = plan(options, sizes)
    from biobench.models.load import load_model
    from biobench.store import Store

    backbone = (
        load_model(
            options.model,
            made.spec.models,
            offline=options.offline,
            feature="compat" if options.division == "compat" else "official",
        )
        if isinstance(options.model, str)
        else options.model
    )
    execution = _execution(made.selection.suite, options)
    # Last: where something is wrong, the one line that says so stands alone.
    for note in made.notes:
        say(options, note)
    for line in differences(made) if None in made.sizes else ():
        say(options, f"counts differ from the specification: {line}")
    store = Store(made.store, lambda line: say(options, line))
    return Setting(made, backbone, store, execution, started, clock)


def differences(made: Plan) -> list[str]:
    """Counts of the whole manifests that are not those of the specification, one line each."""
    return [
        line
        for chosen, manifest in zip(made.selection.chosen, made.manifests, strict=True)
        for line in count_differences(chosen.task, manifest)
    ]


def _described(manifest: Manifest) -> str:
    items = manifest.items
    return ", ".join(
        [
            counted(len(manifest.rows), "image")
            + (f" of {counted(len(items.rows), 'item')}" if manifest.pooled else ""),
            f"{int(items.scored().sum())} scored",
            counted(len(items.classes), "trait")
            if manifest.has_traits
            else counted(len(items.classes), "class", "classes"),
        ]
    )


def _select(spec: Spec, options: Options, sizes: Sizes) -> Selection:
    selection = select(
        spec,
        suite=options.suite,
        tasks=options.tasks,
        data=options.data,
        division=options.division,
        declared=resolve_declarations(spec, options.declare, options.division),
    )
    few_shot = any(size is not None for size in sizes)
    if few_shot and options.declare:
        raise UsageError(
            "a published score is that of the whole train split",
            remedy="give --declare without --n-train",
        )
    unsampled = [c.task for c in selection.chosen if not can_be_sampled(c.task)]
    if not few_shot or not unsampled:
        return selection
    if options.tasks:
        # Who names a task is told that it cannot be had; who names a suite gets the rest of it.
        raise no_train_split(unsampled[0])
    if None in sizes:
        return selection
    ids = [task.id for task in unsampled]
    if len(ids) == len(selection.chosen):
        raise no_train_split(unsampled[0])
    note = f"left out, because {NO_TRAIN_SPLIT}: {', '.join(ids)}"
    return leave_out(selection, ids, note)


def _device(options: Options) -> str:
    """``cpu`` or ``cuda``; UsageError or ModelError where it is not there or cannot do what is
    asked."""
    from biobench.embed.forward import choose_device

    device = choose_device(options.device)
    if options.precision == "float16" and device != "cuda":
        raise UsageError("--precision float16 needs CUDA", remedy="give --device cuda or float32")
    return device


def _execution(suite: Suite, options: Options) -> Execution:
    from biobench.embed.features import Execution
    from biobench.repro.software import MOVE_FEATURES, build_digests, libc, package_versions
    from biobench.repro.torch_state import altered, read_state

    device = _device(options)
    engine: dict[str, Any] = {
        "device": device,
        "packages": package_versions(MOVE_FEATURES),
        "builds": build_digests(),
        "libc": libc(),
    }
    if device == "cuda":
        import torch

        engine["gpu"] = torch.cuda.get_device_name(0)
    if not settings.bits_fixed():
        changes = altered(read_state(), in_run=False)
        engine |= {"cpu": processor_name(), "settings": settings.recorded(), "torch": changes}
    return Execution(
        device=device,
        precision=options.precision,
        micro_batch=suite.micro_batch_cuda if device == "cuda" else suite.micro_batch_cpu,
        workers=options.workers or available_cores(),
        engine=engine,
    )


def _refuse_conflicts(selection: Selection, options: Options, sizes: Sizes) -> None:
    conflicts = settings.conflicts(settings.process_environment())
    if not conflicts:
        return
    listed = ", ".join(conflicts)
    if options.from_command and could_be_official(selection, options, sizes):
        raise UsageError(
            f"the environment has settings that an official run cannot have: {listed}",
            remedy="unset them; biobench sets what it needs",
        )
    say(options, f"kept from the environment, so features claim level T only: {listed}")


def could_be_official(selection: Selection, options: Options, sizes: Sizes | None = None) -> bool:
    """Whether nothing in what was asked for rules out an official result, at any of the sizes."""
    benchmark = selection.suite.id == BENCHMARK and selection.whole
    asked = (options.n_train,) if sizes is None else sizes
    model = options.model
    pinnable = not never_pinned(model) if isinstance(model, str) else model.info.pinned
    return benchmark and options.division == "official" and None in asked and pinnable


def say(options: Options, line: str) -> None:
    """One line for people, on standard error."""
    if not options.quiet:
        print_note(f"biobench: {line}")
