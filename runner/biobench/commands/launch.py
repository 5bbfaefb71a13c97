"""``biobench launch``: start workers of a plan by a scheduler."""

from __future__ import annotations

import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biobench._common.output import print_json, print_line, print_text
from biobench.commands.options import NoPictures, Offline, PlanFile, Stale, path
from biobench.errors import BiobenchError, UsageError, counted

if TYPE_CHECKING:
    from biobench.launch.record import Launch
    from biobench.launch.settings import Settings
    from biobench.work.document import WorkPlan

app = typer.Typer(no_args_is_help=True, help="Workers of a plan, started by a scheduler.")


class Runtime(StrEnum):
    """The program that runs a container."""

    apptainer = "apptainer"
    pyxis = "pyxis"
    docker = "docker"


@app.callback()
def _launch() -> None:
    pass


@app.command()
def slurm(
    plan: PlanFile,
    store: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="DIR", help="Folder that all workers share."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            envvar="BIOBENCH_OUT", parser=path, metavar="DIR", help="Folder for the results."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            parser=path, metavar="DIR", help="Folder of the data sets. [default: the plan's]"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Workers, a task of an array each.")
    ] = None,
    partition: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Slurm's partition of the workers, as of `sbatch`."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Slurm's account that pays for them, as of `sbatch`."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="LIMIT", help="Time limit of a worker, such as 8:00:00.")
    ] = None,
    gpus: Annotated[
        str | None, typer.Option(metavar="N|TYPE:N", help="GPUs of a worker, such as 1.")
    ] = None,
    cpus: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processor cores of a worker.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of a worker, such as 16G.")
    ] = None,
    container: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Image that workers run in.")
    ] = None,
    container_runtime: Annotated[
        Runtime | None, typer.Option(help="What runs the image. [default: apptainer]")
    ] = None,
    signal_before: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Seconds before the time limit at which a worker is told to end with the part "
            "that it has. [default: 120]",
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(parser=path, metavar="FILE", help="YAML with any of these options as keys."),
    ] = None,
    setup: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE", help="Shell before the worker begins; may be repeated."),
    ] = None,
    sbatch_option: Annotated[
        list[str] | None,
        typer.Option(metavar="OPTION", help="Any option of sbatch, as --sbatch-option=--nice=9."),
    ] = None,
    stale: Stale = None,
    offline: Offline = False,
    no_pictures: NoPictures = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the script and submit nothing.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say what is stored, claimed and open, and the jobs.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End the jobs of the plan.")] = False,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="TASK|PART",
            help="Print the log of a worker: of a task of the array, or of a part.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --status: print JSON.")] = False,
) -> None:
    """Submit an array of workers to Slurm; or say what they did, end them, print a log."""
    from biobench.launch.record import launches
    from biobench.launch.settings import Settings, check, read_profile
    from biobench.work.document import read_plan

    modes = [name for name, on in (
        ("--dry-run", dry_run), ("--status", status), ("--cancel", cancel), ("--log", log)
    ) if on]  # fmt: skip
    if len(modes) > 1:
        raise UsageError(f"{' and '.join(modes)} exclude each other", remedy="give one of them")
    if as_json and not status:
        raise UsageError("--json goes with --status", remedy="add --status")
    made = read_plan(plan)
    if status or cancel or log is not None:
        known = launches(plan, made.digest)
        if cancel:
            _cancel(known)
        else:
            _say(plan, made, known, store, log, as_json)
        return
    settings = Settings(
        workers, partition, account, time, gpus, cpus, memory, container,
        container_runtime.value if container_runtime else None, signal_before,
        tuple(setup or ()), tuple(sbatch_option or ()),
    ).over(read_profile(profile) if profile else Settings())  # fmt: skip
    check(settings)
    for name, value in (("--store", store), ("--out", out), ("--workers", settings.workers)):
        if value is None:
            raise UsageError(f"needs {name}", where="biobench launch slurm", remedy=f"add {name}")
    assert store is not None
    assert out is not None
    options = [] if stale is None else ["--stale", f"{stale:g}"]
    options += ["--offline"] if offline else []
    options += ["--no-pictures"] if no_pictures else []
    _submit(plan, made, settings, store, out, data, tuple(options), dry_run=dry_run)


def _submit(
    plan: Path,
    made: WorkPlan,
    settings: Settings,
    store: Path,
    out: Path,
    data: Path | None,
    options: tuple[str, ...],
    *,
    dry_run: bool,
) -> None:
    from biobench._common.files import require_writable
    from biobench.launch import record
    from biobench.launch import slurm as programs
    from biobench.launch.places import places_of
    from biobench.launch.script import Worker, script

    assert settings.workers is not None
    require_writable(store)
    require_writable(out)
    if data is not None and not data.is_dir():
        raise UsageError("is not a folder", where=f"--data {data}", remedy="check the path")
    place = data or (Path(made.data) if made.data is not None and settings.container else None)
    worker = Worker(
        (sys.executable, "-m", "biobench"),
        plan.absolute(),
        store.absolute(),
        out.absolute(),
        None if place is None else place.absolute(),
        options,
        places_of(made) if settings.container else (),
    )
    text = script(settings, worker, record.folder_of(plan), made.digest)
    if dry_run:
        print_text(text)
        return
    fresh = [path for path in (record.folder_of(plan), out, store) if not path.exists()]
    folder = record.prepare(plan)
    # A container's engine would make a folder that is missing as root's.
    for needed in (store, out):
        needed.mkdir(parents=True, exist_ok=True)
    try:
        job = programs.submit(text)
    except BiobenchError:
        for made_now in fresh:
            with suppress(OSError):
                made_now.rmdir()
        raise
    print_line(f"job {job}: {counted(settings.workers, 'worker')}", flush=True)
    launch = record.Launch(job, settings.workers, made.digest, str(worker.store), str(worker.out))
    record.remember(folder, launch, text)
    print_line(f"logs: {folder / f'{job}_TASK.log'}")
    print_line(f"state: biobench launch slurm {plan} --status")


def _cancel(known: list[Launch]) -> None:
    from biobench.launch import slurm as programs

    states = programs.queued([launch.job for launch in known])
    jobs = list(dict.fromkeys(state.task.partition("_")[0] for state in states))
    if not jobs:
        print_line("no job of the plan waits or runs")
        return
    programs.cancel(jobs)
    print_line(f"cancelled: {', '.join(jobs)}; what was computed is kept")


def _say(
    plan: Path,
    made: WorkPlan,
    known: list[Launch],
    store: Path | None,
    log: str | None,
    as_json: bool,
) -> None:
    from biobench.errors import DataError
    from biobench.launch import slurm as programs
    from biobench.launch.logs import end_of, find
    from biobench.launch.record import folder_of
    from biobench.launch.view import print_status, value_of
    from biobench.work.overview import status as state_of

    if store is None:
        if not known:
            raise UsageError("nothing was launched", where=str(plan), remedy="add --store")
        store = Path(known[-1].store)
    if not store.is_dir():
        raise DataError("there is no store", where=str(store), remedy="give --store its folder")
    state = state_of(made, store)
    if log is not None:
        print_text(end_of(find(log, folder_of(plan), known, state)))
        return
    jobs = [launch.job for launch in known]
    tasks = programs.queued(jobs, all_states=True)
    shown = {task.task for task in tasks}
    tasks += [task for task in programs.ended(jobs) if task.task not in shown]
    if as_json:
        print_json(value_of(made, state, known, tasks))
    else:
        print_status(made, state, known, tasks)
