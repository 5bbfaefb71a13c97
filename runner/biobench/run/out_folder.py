"""The folder of a result: its default name, the check that it can be written, and its lock.

In: options and a selection of tasks. Out: a folder; UsageError before the first image where it
cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.files import require_names
from biobench.run.options import Options, say
from biobench.run.selection import Selection
from biobench.spec.canonical import sha256_bytes

if TYPE_CHECKING:
    from biobench.run.learning_curve import Sizes

MOST_NAME = 150
"""Characters after which the default name of a result's folder is cut."""


def out_folder(options: Options, selection: Selection, sizes: Sizes) -> Path:
    """The folder of a result: the one that the user named, or of several models one below it; by
    default one in ``biobench-out`` that is named after the model and the tasks."""
    if options.out is not None:
        return options.out / options.folder if options.folder is not None else options.out
    words = [
        options.folder or options.model_name,
        *(selection.named if selection.own or options.tasks else [selection.suite.id]),
    ]
    if len(sizes) > 1:
        words.append("curve")
    elif sizes[0] is not None:
        words.append(f"{sizes[0]}-train")
    if options.division != "official":
        words.append(options.division)
    return Path("biobench-out") / folder_name(words)


def page_beside(options: Options, name: str, document: Mapping[str, Any]) -> Path:
    """A page of several models, beside their folders; without ``--out`` it is named after the
    tasks and the size, since other runs have theirs in the same folder.

    Args:
        options: The options of one of the models.
        name: The name of the page where the folder is the run's own.
        document: A result of the run, or a curve.
    """
    if options.out is not None:
        return options.out / name
    own = options.tasks or document["division"] == "open"
    words = [*(document["tasks"] if own else [document["suite"]])]
    words += [] if options.n_train is None else [f"{options.n_train}-train"]
    words += [] if options.division == "official" else [options.division]
    return Path("biobench-out") / f"{folder_name(words)}-{name}"


def clear_pages(folders: Iterable[Path | None], options: Options, but: str | None = None) -> None:
    """Remove the pages of several models that show nothing which is still there, now that
    ``folders`` have other results; say which pages still show something. ``but``: the name of the
    page that this run writes anew."""
    from biobench.report.earlier import outdated_pages

    pages = outdated_pages((folder for folder in folders if folder is not None), but)
    for page, whole in pages.items():
        if whole:
            with suppress(OSError):
                page.unlink()
        else:
            say(options, f"{page} shows an earlier result; run its models together again")


def folder_name(words: Sequence[str]) -> str:
    """The name of a folder: the words with "-" between them, and in the place of whatever is not an
    ASCII letter, a digit, "." or "_"; a long one is cut and ends with its digest."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(words)).strip("-.")
    if len(name) > MOST_NAME:
        # A folder of a model, or many tasks. No disk has longer names than some 250 bytes.
        name = f"{name[:MOST_NAME]}-{sha256_bytes(name.encode())[-12:]}"
    return name


def refuse_folder(out: Path, tasks: Sequence[str], sizes: Sizes) -> None:
    """Raise UsageError where the files of a result cannot be written to ``out``, or another run
    writes it."""
    from biobench.report.replace import places, refuse_claimed

    require_names(out, *places(tasks, sizes))
    refuse_claimed(out)


@contextmanager
def claim_out(folder: Path, *, save: bool) -> Iterator[Path | None]:
    """Lock the folder of the result against other runs; None where nothing is saved.

    Its path stays right where the working folder is removed during the run.

    Raises:
        UsageError: Another run writes it.
        BiobenchError: It cannot be written.
    """
    if not save:
        yield None
        return
    from biobench.report.replace import claimed

    out = folder.absolute()
    with claimed(out):
        yield out
