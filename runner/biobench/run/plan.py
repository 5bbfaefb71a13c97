"""The plan of a run: options, tasks with their manifests, folders; no model is loaded.

In: options. Out: a plan, made in one direction: options, tasks, manifests, preconditions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biobench._common.files import require_writable
from biobench._common.store import default_store
from biobench.data.class_folders.task_file import refuse_edited
from biobench.data.diagnostics import data_lines
from biobench.data.locate import LocatedTask
from biobench.data.manifest import Manifest
from biobench.data.sample import sample_train, size_name
from biobench.errors import BiobenchError, DataError, ModelError, UsageError, counted, shown
from biobench.run.images import select_images
from biobench.run.learning_curve import Sizes
from biobench.run.manifests import count_lines, read_manifests
from biobench.run.options import Options, refuse_options
from biobench.run.out_folder import out_folder, refuse_folder
from biobench.run.preconditions import UnmetPreconditions, check_preconditions
from biobench.run.selection import Selection, select_sampled
from biobench.spec.documents import Task
from biobench.spec.load import Spec, load_spec


@dataclass(frozen=True)
class Plan:
    """The plan of a run, made without loading the model.

    Attributes:
        manifests: Manifests before a sample is taken, in the order of ``selection.selected``.
        unmet: By task id and size, the reason why a task is not scored there.
        failed: Tasks that were asked for beside those and cannot be scored: their data are not
            there, they have no manifest, or none that their protocol can work with.
        store: Folder of the store.
        out: Folder of the result, which can be written.
    """

    options: Options
    sizes: Sizes
    spec: Spec
    selection: Selection
    manifests: tuple[Manifest, ...]
    unmet: UnmetPreconditions
    store: Path
    out: Path
    failed: tuple[tuple[Task, DataError], ...] = ()

    @property
    def asked(self) -> tuple[Task, ...]:
        """The tasks that can be scored and those that cannot, in their order."""
        scored = [item.task for item in self.selection.selected]
        tasks = {task.id: task for task in (*scored, *(task for task, _ in self.failed))}
        return tuple(tasks[id] for id in self.selection.named if id in tasks)

    @property
    def differences(self) -> list[str]:
        """Counts of the whole manifests that differ from those of the specification, one line
        each."""
        return count_lines(self.selection, self.manifests)

    def sizes_of(self, task: str) -> Sizes:
        """The sizes at which a task is scored."""
        return tuple(size for size in self.sizes if size not in self.unmet[task])

    def task_files(self, bad: Mapping[str, str]) -> dict[str, bytes]:
        """The files of a task that this run has made, by name; ``bad``: images that were left out,
        see :class:`biobench.data.manifest.Manifest`."""
        written = self.selection.written
        if written is None:
            return {}
        noted = replace(written.files, notes=self.notes_by_task.get(written.files.id, ()))
        return noted.without(bad).files()

    @property
    def notes_by_task(self) -> dict[str, tuple[str, ...]]:
        """The notes on a person's own tasks, by task."""
        found = {}
        for item in self.selection.selected:
            mark = f"{item.task.id}: "
            notes = tuple(n.removeprefix(mark) for n in self.notes if n.startswith(mark))
            if notes and item.task.division == "open":
                found[item.task.id] = notes
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the tasks, and on the data of each."""
        of_data = (
            f"{selected.task.id}: {line}"
            for selected, manifest in zip(self.selection.selected, self.manifests, strict=True)
            for line in data_lines(selected.task, manifest)
        )
        return (*self.selection.notes, *of_data)

    def lines(self, models: Sequence[Plan] = ()) -> list[str]:
        """One line a model, and one a task, for people, and the notes; ``models``: this plan and
        those of other models on the same tasks."""
        lines = [*self.notes]
        for made in models or (self,):
            folder = "" if made.options.folder is None else f", result in {made.out}"
            lines.append(f"model {made.options.model_name}{folder}")
        for selected, whole in zip(self.selection.selected, self.manifests, strict=True):
            lines += self._task_lines(selected, whole)
        lines += [f"{task.id}: not scored, {error.what}" for task, error in self.failed]
        lines += [
            f"{item.task.id}: declared, {item.score:g}, from {item.source}"
            for item in self.selection.declared
        ]
        return lines

    def _task_lines(self, selected: LocatedTask, whole: Manifest) -> list[str]:
        task, unmet = selected.task, self.unmet[selected.task.id]
        by_size = {
            size_name(size): whole if size is None else sample_train(task, whole, size)
            for size in self.sizes_of(task.id)
        }
        where = f"protocol {task.protocol.id}, in {selected.root}"
        lines = []
        if by_size:
            largest = list(by_size.values())[-1]
            lines.append(f"{task.id}: {_described(largest)}, {where}")
        if len(self.sizes) > 1 and by_size:
            counts = (f"{name}: {len(m.rows)}" for name, m in by_size.items())
            lines[0] += f"; images by size: {', '.join(counts)}"
        reasons: dict[str, list[str]] = {}
        for size, error in unmet.items():
            reasons.setdefault(error.what, []).append(size_name(size))
        for reason, names in reasons.items():
            at = "" if len(self.sizes) == 1 else f" at {', '.join(names)}"
            lines.append(f"{task.id}: not scored{at}, {reason}")
        return lines


def plan(options: Options, sizes: Sizes | None = None) -> Plan:
    """Select tasks and read their manifests.

    Args:
        options: Options of the run.
        sizes: Sizes of a learning curve, instead of ``options.n_train`` alone.

    Raises:
        BiobenchError: As :func:`biobench.pipeline.run`, except for errors that only a loaded model
            shows.
    """
    asked = (options.n_train,) if sizes is None else sizes
    spec = load_spec()
    # Cheap checks come first: manifests of millions of images take minutes.
    refuse_options(options, spec)
    if options.images is not None:
        selection = select_images(spec, options, options.images, asked)
    else:
        selection = select_sampled(spec, options, asked)
    _refuse_leaving_out(options, selection)
    store, out = _folders(options, selection, asked)
    selection, manifests, unreadable = read_manifests(selection, options)
    checked = check_preconditions(selection, manifests, options, asked)
    return Plan(
        options, asked, spec, checked.selection, checked.manifests, checked.unmet, store, out,
        (*selection.unlocated, *unreadable, *checked.failed),
    )  # fmt: skip


def _refuse_leaving_out(options: Options, selection: Selection) -> None:
    """Raise UsageError where images of the specification's tasks would be left out."""
    for item in selection.selected if options.on_bad_image == "leave-out" else ():
        if item.task.division != "open":
            raise UsageError(
                "--on-bad-image leave-out is for a person's own images",
                where=item.task.id,
                remedy="restore the files, or score them as wrong with --on-bad-image report",
            )


def plan_models(
    models: Sequence[Options], sizes: Sizes | None = None
) -> list[Plan | BiobenchError]:
    """The plans of several models, whose options differ in what is the model's own alone.

    Tasks are selected and manifests read once. In the place of a model that no data can make valid
    is its error.

    Raises:
        BiobenchError: As :func:`plan`, for faults that are not of one model.
    """
    spec = load_spec()
    found: list[Plan | BiobenchError] = []
    made: Plan | None = None
    for options in models:
        try:
            refuse_options(options, spec)
        except ModelError as error:
            found.append(error)
            continue
        made = made or plan(options, sizes)
        store, out = _folders(options, made.selection, made.sizes)
        found.append(replace(made, options=options, store=store, out=out))
    return found


def _folders(options: Options, selection: Selection, sizes: Sizes) -> tuple[Path, Path]:
    """The folders of the store and of the result; UsageError where they cannot be filled."""
    store = options.store or default_store()
    out = out_folder(options, selection, sizes)
    if options.save and os.path.realpath(store) == os.path.realpath(out):
        raise UsageError(
            "the store and the result have the same folder",
            where=shown(str(out)),
            remedy="give --store and --out a folder each",
        )
    if options.save:
        require_writable(out)
        refuse_folder(out, [item.task.id for item in selection.selected], sizes)
        if selection.written is not None:
            refuse_edited(out, selection.written.files)
    if not store.is_dir():
        # An existing store may have all that is needed.
        require_writable(store)
    return store, out


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
