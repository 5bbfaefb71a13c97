"""The manifests of a run's tasks, and their differences from the specification.

In: located tasks. Out: a manifest each, or why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from biobench.data.build import build_manifest
from biobench.data.counts import count_differences
from biobench.data.locate import LocatedTask
from biobench.data.manifest import Manifest
from biobench.errors import DataError
from biobench.run.options import Options
from biobench.run.reading import shown_reading
from biobench.run.selection import Selection, leave_out
from biobench.spec.documents import Task


def read_manifests(
    selection: Selection, options: Options
) -> tuple[Selection, tuple[Manifest, ...], tuple[tuple[Task, DataError], ...]]:
    """The tasks that have a manifest, their manifests, and the errors of the others.

    The headers of a person's own images are read here, so that a bad file is known before anything
    is embedded.

    Raises:
        DataError: No task has a manifest.
    """
    manifests: list[Manifest] = []
    unreadable: list[tuple[Task, DataError]] = []
    for selected in selection.selected:
        try:
            with shown_reading(selected.task.id, quiet=options.quiet):
                manifest = build_manifest(selected.task, selected.root, selection.suite.seed)
            if selection.written is not None:
                manifest = replace(
                    manifest,
                    # Its notes name the images that have no split.
                    of_no_split={},
                    left_out=selection.written.left_out,
                    more_formats=selection.written.more_formats,
                )
            elif selected.task.division == "open":
                manifest = _with_headers(selected, manifest, options, selection.suite.seed)
            manifests.append(manifest)
        except DataError as error:
            unreadable.append((selected.task, error))
    if unreadable and not manifests:
        raise unreadable[0][1]
    readable = leave_out(selection, [task.id for task, _ in unreadable])
    return readable, tuple(manifests), tuple(unreadable)


def without(
    located: LocatedTask, manifest: Manifest, unread: Mapping[str, str], seed: int
) -> Manifest:
    """The manifest without the items of further images that cannot be read.

    Args:
        located: The task and its folder.
        manifest: Its manifest.
        unread: By path, the reason for which an image cannot be read.
        seed: The suite's seed.

    Raises:
        DataError: A split or class is empty without them.
    """
    left_out = {**manifest.left_out, **unread}
    fresh = build_manifest(located.task, located.root, seed, left_out)
    return replace(fresh, more_formats=manifest.more_formats)


def _with_headers(
    located: LocatedTask, manifest: Manifest, options: Options, seed: int
) -> Manifest:
    """The manifest with what the headers of its files say."""
    from biobench.run.headers import own_headers

    paths = list(dict.fromkeys(row.path for row in manifest.rows))
    bad, formats = own_headers(located.task.id, located.root, paths, options)
    manifest = replace(manifest, more_formats=formats)
    if bad and options.on_bad_image == "leave-out":
        return without(located, manifest, bad, seed)
    return manifest


def count_lines(selection: Selection, manifests: Sequence[Manifest]) -> list[str]:
    """Counts of the whole manifests that differ from those of the specification, one line each."""
    return [
        line
        for item, manifest in zip(selection.selected, manifests, strict=True)
        for line in count_differences(item.task, manifest)
    ]
