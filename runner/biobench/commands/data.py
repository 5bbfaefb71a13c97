"""``biobench data``: list, fetch, unpack, cut and verify the data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biobench._common.output import print_line
from biobench.commands import completers
from biobench.commands.options import DataFolder
from biobench.errors import UsageError

if TYPE_CHECKING:
    from biobench.spec.documents import Dataset
    from biobench.spec.load import Spec

app = typer.Typer(no_args_is_help=True, help="Data sets of the tasks.")

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Data set; see `biobench data list`.",
        autocompletion=completers.data_sets,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


@app.command("list")
def list_data(data: DataFolder = None, json: Json = False) -> None:
    """List the data sets: which are there, and what the others lack."""
    from biobench.commands.data_list import print_lines, print_states
    from biobench.data.state import state_of
    from biobench.spec.load import load_spec

    spec = load_spec()
    states = [state_of(spec.dataset(id), data) for id in spec.dataset_ids()]
    if json:
        print_states(states)
    else:
        print_lines(states)


@app.command()
def fetch(
    id: Id,
    data: DataFolder = None,
    local: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Folder with archives brought by hand; nothing is downloaded.",
        ),
    ] = None,
    url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="A further address of a file, or of a folder, ending in /. Repeatable.",
        ),
    ] = None,
) -> None:
    """Fetch the archives of a data set into archives/ID below the folder of --data; run again after
    an interruption, it continues with what is missing."""
    from biobench._common.proxies import require_proxies
    from biobench.data.fetch import fetch as fetch_dataset
    from biobench.data.state import state_of

    dataset = _dataset(id)
    if _is_embedded(dataset):
        print_line(f"{id} comes with the package; there is nothing to fetch")
        return
    folder = _folder(data)
    state = state_of(dataset, folder)
    if state.state == "present" and local is None and not url:
        print_line(f"{state.place} is there already; move it away to fetch its archives again")
        return
    if local is None:
        require_proxies()
    fetch_dataset(dataset, folder, local=local, urls=url or (), say=_say)
    if dataset.status == "manual":
        _say("by hand remains: " + " ".join(dataset.notes))
    _say(f"next: biobench data unpack {id} --data {folder}")


@app.command()
def unpack(id: Id, data: DataFolder = None) -> None:
    """Unpack the fetched archives of a data set into the folder ID below that of --data, all of
    them or nothing."""
    from biobench.data.unpack import unpack as unpack_dataset

    dataset = _dataset(id)
    if _is_embedded(dataset):
        print_line(f"{id} comes with the package; there is nothing to unpack")
        return
    folder = _folder(data)
    unpack_dataset(dataset, folder, say=_say)
    _say(f"next: biobench data {_after_unpacking(dataset)} {id} --data {folder}")


@app.command()
def frames(
    id: Id,
    data: DataFolder = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Videos cut at once. [default: one a processor]"),
    ] = None,
    leave_out: Annotated[
        bool,
        typer.Option(
            "--leave-out-bad",
            help="Finish without the videos that are missing or bad; division compat drops them.",
        ),
    ] = False,
) -> None:
    """Cut the videos of a data set into the frames that are scored; run again after an
    interruption, it continues with the videos that are left."""
    import os

    from biobench.data.frames.cut import cut_frames
    from biobench.spec.load import load_spec

    dataset = _dataset(id)
    if dataset.videos is None:
        spec = load_spec()
        of_videos = [i for i in spec.dataset_ids() if spec.dataset(i).videos is not None]
        raise UsageError(
            f"the images of {id} are published as images; there is nothing to cut",
            remedy=f"data sets of videos: {', '.join(of_videos)}",
        )
    folder = _folder(data)
    cut_frames(
        dataset,
        _root(load_spec(), dataset, folder),
        workers=workers or os.cpu_count() or 1,
        leave_out=leave_out,
        say=_say,
    )
    _say(f"next: biobench data verify {id} --data {folder}")


@app.command()
def verify(
    id: Id,
    data: DataFolder = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Files read at once. [default: one a processor]"),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a record of this copy, with every file's digest."),
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who vouches for the record.")
    ] = None,
    laboratory: Annotated[
        str | None, typer.Option(metavar="NAME", help="The laboratory of that person.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A record of another copy: compare with it. Repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare the files of a data set with its documents; exit 3 where they differ."""
    import os

    from biobench._common.files import require_file, write_atomically
    from biobench._common.store import default_store
    from biobench.commands.data_verify import print_report, print_value
    from biobench.data.copy_record import (
        list_differences,
        read_copy_record,
        record_bytes,
        require_of,
    )
    from biobench.data.file_hashes import ContentIndex
    from biobench.data.verify import add_sources, raise_if_different
    from biobench.data.verify import verify as verify_dataset
    from biobench.spec.load import load_spec
    from biobench.spec.recorders import Recorder

    by = Recorder((person or "").strip(), (laboratory or "").strip())
    given = (person, laboratory) != (None, None)
    if given if record is None else not all(by.key):
        raise UsageError(
            "a record needs --record, --person and --laboratory together, with a letter or digit "
            "in each name",
            remedy='give --record FILE --person "NAME" --laboratory "NAME"',
        )
    if record is not None:
        require_file(record, against or ())
    spec = load_spec()
    dataset = _dataset(id)
    others = [read_copy_record(path) for path in against or ()]
    tasks = [task for task in map(spec.task, spec.task_ids()) if task.dataset.id == id]
    root = _root(spec, dataset, data)
    index = ContentIndex(default_store() / "files.sqlite")
    try:
        report = verify_dataset(
            dataset,
            root,
            tasks,
            index,
            seed=next(iter(spec.suites.values())).seed,
            workers=workers or os.cpu_count() or 1,
            quiet=json,
        )
    finally:
        index.close()
    if data is not None:
        add_sources(report, dataset, data)
    here = dict(report.pairs)
    for other in others:
        require_of(other, id, dataset.version)
        report.differences += list_differences(here, other.listed, other.name)
    if json:
        print_value(report)
    else:
        print_report(report)
    raise_if_different(report)
    if record is not None:
        write_atomically(record, record_bytes(report, dataset.version, by))
        if not json:
            _say(f"  recorded by {by}: {record}")


@app.command()
def agree(
    records: Annotated[
        list[Path], typer.Argument(help="Records that `data verify --record` wrote of copies.")
    ],
    json: Json = False,
) -> None:
    """Compare the records of several copies of a data set; exit 3 where one differs from the
    others, or where no two people of different laboratories recorded the same files."""
    from biobench.commands.data_agree import compare_records

    compare_records(records, json=json)


def _dataset(id: str) -> Dataset:
    import difflib

    from biobench.spec.load import load_spec

    spec = load_spec()
    if id in spec.dataset_ids():
        return spec.dataset(id)
    near = difflib.get_close_matches(id, spec.dataset_ids(), n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "see `biobench data list`"
    raise UsageError(f"there is no data set {id!r}", remedy=hint)


def _folder(data: Path | None) -> Path:
    if data is None:
        raise UsageError(
            "no folder of data is named", remedy="give --data DIR or set BIOBENCH_DATA"
        )
    return data


def _after_unpacking(dataset: Dataset) -> str:
    return "verify" if dataset.videos is None else "frames"


def _is_embedded(dataset: Dataset) -> bool:
    from biobench.data.locate import EMBEDDED

    return (EMBEDDED / dataset.id).is_dir()


def _root(spec: Spec, dataset: Dataset, data: Path | None) -> Path:
    from biobench.data.hints import setup_commands
    from biobench.data.layouts import places
    from biobench.data.locate import locate
    from biobench.errors import DataError

    task = next(task for task in map(spec.task, spec.task_ids()) if task.dataset.id == dataset.id)
    if not _is_embedded(dataset):
        _folder(data)
    # As in a run of one task: DIR/<data set id>, else DIR itself, where anything of it lies there.
    root = locate(task, data, only_task=True)
    named = [path for path in places(dataset.layout) if path]
    if root is None or (root == data and not any((root / path).exists() for path in named)):
        raise DataError(
            "the data set is not there",
            where=str(data),
            remedy=setup_commands(dataset, data) or f"lay its folders below {data}/{dataset.id}",
        )
    return root


def _say(text: str) -> None:
    print_line(text, flush=True)
