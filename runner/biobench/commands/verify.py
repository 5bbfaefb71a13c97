"""``biobench verify``: check what a result claims, and whether another one reproduces it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biobench._common.output import print_json, print_line, print_note
from biobench.commands.options import ReportAsJson, SpecFolder, Threads
from biobench.errors import UsageError

if TYPE_CHECKING:
    from biobench.report.results import Results
    from biobench.run.options import Options
    from biobench.spec.load import Spec
    from biobench.verify.check import Places
    from biobench.verify.verdict import Verdict

SCHEMA = "biobench.verification/1"


def verify(
    result: Annotated[
        Path,
        typer.Argument(
            help="results.json, the folder of a run or a learning curve, or a submission."
        ),
    ],
    against: Annotated[
        Path | None,
        typer.Option(metavar="RESULT", help="Another result: compare the two stage by stage."),
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run again from nothing, and compare.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Decode and embed N items again, drawn by chance over all tasks; minutes, and the "
            "same answer on any processor.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**63 - 1,
            metavar="N",
            help="With --sample: draw what an earlier check drew.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder that holds the data sets: make manifests and pixels again."
        ),
    ] = None,
    against_data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The images of the other result, to measure pixels."),
    ] = None,
    task: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="The file of a task of your own; may be repeated."),
    ] = None,
    store: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Folder where features were kept; may be repeated. [default: the folder store "
            "beside the result, and the user's cache folder]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --rerun: folder for the new result and its store, which are kept.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --rerun or --sample: the model, where it lies elsewhere here.",
        ),
    ] = None,
    workers: Threads = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="With --rerun or --sample: ask no hub.")
    ] = False,
    spec: SpecFolder = None,
    json: ReportAsJson = False,
) -> None:
    """Check what a result claims, without its model; exit 6 where a claim does not hold."""
    if out and not rerun:
        raise UsageError("--out is for --rerun", remedy="give --rerun, or leave it out")
    for name, value in (("--model", model), ("--offline", offline)):
        if value and not rerun and sample is None:
            raise UsageError(
                f"{name} is for --rerun and --sample", remedy="give one of them, or leave it out"
            )
    if seed is not None and sample is None:
        raise UsageError("--seed is for --sample", remedy="give --sample, or leave it out")
    if rerun and against is not None:
        raise UsageError("--rerun and --against exclude each other", remedy="give one of them")
    if against_data is not None and against is None:
        raise UsageError("--against-data is for --against", remedy="name the other result too")

    from biobench._common.store import Store, default_store
    from biobench.decode.loader import usable_cores
    from biobench.spec.load import load_spec, task_from_file
    from biobench.verify.check import Places
    from biobench.verify.from_data import Images
    from biobench.verify.load import stores_beside, tasks_beside
    from biobench.verify.verdict import verify_one

    specification = load_spec(spec)
    named = {task_from_file(path, specification).id: path for path in task or ()}
    own = {**tasks_beside(result, specification), **named}
    tasks = {id: task_from_file(path, specification) for id, path in own.items()}
    images = Images(data, tasks, workers or usable_cores(), json, sampled=sample is not None)
    beside = stores_beside([result] if against is None else [result, against])
    places = Places(images, [Store(path) for path in store or [*beside, default_store()]])
    verdict = verify_one(result, specification, places)
    if against is not None:
        theirs = Images(against_data, tasks, images.workers, json)
        verdict = verdict.with_comparison(against, specification, places, theirs)
    if sample is not None and verdict.readable:
        verdict = _sample(
            verdict, specification, places, own, sample, seed,
            model=model, offline=offline, quiet=json,
        )  # fmt: skip
    if rerun and verdict.readable:
        with _folder(out) as folder:
            verdict = _rerun(
                verdict, folder, specification, places, own,
                model=model, workers=workers, offline=offline, quiet=json,
            )  # fmt: skip
            _print(verdict, specification, json)
    else:
        _print(verdict, specification, json)
    verdict.raise_unless_it_holds(str(result))


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The folder of a repeated run: kept where the user named it, else temporary."""
    import tempfile

    from biobench._common.files import require_writable

    if out is not None:
        require_writable(out)
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="biobench-rerun-") as folder:
        yield Path(folder)


def _sample(
    verdict: Verdict,
    spec: Spec,
    places: Places,
    own: Mapping[str, Path],
    count: int,
    seed: int | None,
    *,
    model: str | None,
    offline: bool,
    quiet: bool,
) -> Verdict:
    """Add the check of a sample of items of each result."""
    import secrets

    from biobench.models.load import load_model
    from biobench.run.engine_choice import choose_engine
    from biobench.verify.rerun import RerunOptions, options_again
    from biobench.verify.sample import Sample

    drawn = Sample(count, secrets.randbits(63) if seed is None else seed)
    for name, results in verdict.results.items():
        said = recorded_options(results.document["run"]["argv"])
        files = {**_recorded_tasks(said, results, spec), **own}
        given = RerunOptions(Path(), model, places.images.data, files, None, offline, quiet)
        options = options_again(results, said, given, spec)
        assert isinstance(options.model, str)
        compat = options.division == "compat"
        loaded = load_model(
            options.model, spec.models, offline=options.offline,
            feature="compat" if compat else "official",
        )  # fmt: skip
        # The last one is the user's own, also where others lie beside the result.
        backbone, _ = choose_engine(loaded, options, places.stores[-1])
        given_model = model is not None
        verdict = verdict.with_sample(name, spec, places, backbone, drawn, given=given_model)
    return verdict


def _rerun(
    verdict: Verdict,
    folder: Path,
    spec: Spec,
    places: Any,
    own: Mapping[str, Path],
    *,
    model: str | None,
    workers: int | None,
    offline: bool,
    quiet: bool,
) -> Verdict:
    from dataclasses import replace

    from biobench.pipeline import run
    from biobench.verify.rerun import RerunOptions, options_again

    for name, results in verdict.results.items():
        said = recorded_options(results.document["run"]["argv"])
        files = {**_recorded_tasks(said, results, spec), **own}
        given = RerunOptions(folder, model, places.images.data, files, workers, offline, quiet)
        options = options_again(results, said, given, spec)
        if len(verdict.results) > 1:
            options = replace(options, out=folder / name)
        if not quiet:
            print_note(f"biobench: running {name} again from nothing")
            for line in read_by_its_command(options, places.images.data, own, spec):
                print_note(f"biobench: {line}")
        again = run(options)
        given_model = model is not None
        verdict = verdict.with_rerun(name, again, spec, places, options, given=given_model)
    return verdict


def read_by_its_command(
    options: Options, data: Path | None, own: Mapping[str, Path], spec: Spec
) -> Iterator[str]:
    """Name what is read because the recorded command, which anyone can edit, says so."""
    if options.data is not None and data is None:
        yield f"--data {options.data} is that of its recorded command"
    for task in options.tasks:
        if task not in spec.task_ids() and Path(task) not in own.values():
            yield f"--task {task} is that of its recorded command"


def recorded_options(argv: Sequence[str]) -> dict[str, Any]:
    """Options of a recorded ``biobench run`` by name; empty where another program was run."""
    from biobench.commands.run import run

    if not argv or Path(argv[0]).name not in {"biobench", "__main__.py"}:
        return {}
    app = typer.Typer()
    app.command()(run)
    arguments = list(argv[2:] if argv[1:2] == ["run"] else argv[1:])
    command = typer.main.get_command(app)
    try:
        context = command.make_context("biobench run", arguments, resilient_parsing=True)
    except Exception:  # noqa: BLE001 - anything may stand there, and all of it is a mere hint
        return {}
    return dict(context.params)


def _recorded_tasks(said: Mapping[str, Any], results: Results, spec: Spec) -> dict[str, Path]:
    """Files of own tasks that the recorded command names and that exist here, by id."""
    from biobench.errors import BiobenchError
    from biobench.spec.load import task_from_file

    found = {}
    for name in said.get("task") or ():
        path = Path(name)
        try:
            id = task_from_file(path, spec).id if path.is_file() else ""
        except BiobenchError:
            continue
        if id in results.tasks:
            found[id] = path
    return found


def _print(verdict: Verdict, spec: Spec, as_json: bool) -> None:
    if as_json:
        named = {"version": spec.version, "digest": spec.digest}
        document = {"schema": SCHEMA, "spec": named, **verdict.document()}
        print_json(document)
    else:
        for line in verdict.lines():
            print_line(line)
