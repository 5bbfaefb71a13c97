"""The batch script of a launch: one worker a task of an array.

In: settings, and the command of a worker. Out: text that `sbatch` takes. The worker takes the place
of the shell, so that the signal before the time limit reaches it and nobody has to pass it on; a
worker that srun starts is signalled as a step.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from biobench.launch.settings import Settings

SIGNAL_BEFORE_S = 120
"""Seconds before the time limit at which a worker ends at the next part, if none are given."""
_DEVICES = r'''"\"device=${SLURM_JOB_GPUS:-${CUDA_VISIBLE_DEVICES:-all}}\""'''
"""GPUs of a job as docker's option takes them, by the numbers that they have on the node: its
daemon knows nothing of what Slurm lets the job see. The inner quotes are docker's, for commas."""


@dataclass(frozen=True)
class Worker:
    """The command of a worker.

    Attributes:
        program: Words that start biobench on a node, such as a Python with ``-m biobench``.
        plan: The file of the plan.
        store: Folder that all workers share.
        out: Folder of the results.
        data: Folder of the data sets; None for that of the plan.
        options: Further words for ``biobench work``.
        named: Folders of what the plan names, beside those above.
    """

    program: tuple[str, ...]
    plan: Path
    store: Path
    out: Path
    data: Path | None = None
    options: tuple[str, ...] = ()
    named: tuple[Path, ...] = ()

    @property
    def folders(self) -> list[Path]:
        """The folders that a container needs, each once and none below another."""
        wanted = [self.plan.parent, self.store, self.out, *self.named]
        wanted += [self.data] if self.data is not None else []
        return sorted(
            {path for path in wanted if not any(other in path.parents for other in wanted)}
        )


def script(settings: Settings, worker: Worker, logs: Path, digest: str) -> str:
    """The batch script.

    Args:
        settings: Checked settings, with a number of workers.
        worker: What each task runs.
        logs: Folder of the logs, ``<job>_<task>.log``.
        digest: The plan's, for people.
    """
    assert settings.workers is not None
    before = settings.signal_before or SIGNAL_BEFORE_S
    log = str(logs / "%A_%a.log").replace("%", "%%").replace("%%A_%%a", "%A_%a")
    options = [
        "--job-name=biobench",
        f"--array=0-{settings.workers - 1}",
        f"--output={_quoted(log)}",
        "--open-mode=append",
        "--requeue",
        f"--signal={_signalled(settings)}TERM@{before}",
        "--ntasks=1",
    ]
    for option, value in (
        ("partition", settings.partition),
        ("account", settings.account),
        ("time", settings.time),
        ("gpus", settings.gpus),
        ("cpus-per-task", settings.cpus),
        ("mem", settings.memory),
    ):
        if value is not None:
            options.append(f"--{option}={value}")
    # Last, so that they replace those above.
    options += settings.sbatch_options
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in options)]
    lines += [
        f"# Workers of the plan {digest}.",
        "# The same script may be submitted again at any time: what is done is not done twice.",
        *settings.setup,
        'echo "biobench worker ${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}'
        ' on $(hostname), start $((${SLURM_RESTART_COUNT:-0} + 1))"',
        f"exec {_command(settings, worker)}",
    ]
    return "\n".join(lines) + "\n"


def _signalled(settings: Settings) -> str:
    """The prefix of ``--signal`` for whom Slurm signals: the process of the script, or the steps of
    the job. srun, which pyxis needs, ends its tasks by SIGKILL where it gets SIGTERM itself."""
    step = settings.container is not None and settings.container_runtime == "pyxis"
    return "" if step else "B:"


def _command(settings: Settings, worker: Worker) -> str:
    words = [
        "work",
        str(worker.plan),
        "--store",
        str(worker.store),
        "--out",
        str(worker.out),
    ]
    if worker.data is not None:
        words += ["--data", str(worker.data)]
    if settings.cpus is not None:
        # A node without control groups shows a worker all of its cores.
        words += ["--workers", str(settings.cpus)]
    words += worker.options
    name = '"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"'
    program = _container(settings, worker) or shlex.join(worker.program)
    return f"{program} {shlex.join(words)} --name {name}"


def _container(settings: Settings, worker: Worker) -> str:
    """The words that run biobench in an image, ready for the shell; empty without an image."""
    image, folders = settings.container, list(map(str, worker.folders))
    if image is None:
        return ""
    runtime = settings.container_runtime or "apptainer"
    if runtime == "docker":
        words = ["docker", "run", "--rm", "--init", "--user", f"{os.getuid()}:{os.getgid()}"]
        volumes = [word for f in folders for word in ("--volume", f"{f}:{f}")]
        gpus = f" --gpus {_DEVICES}" if settings.gpus is not None else ""
        return f"{shlex.join(words)}{gpus} {shlex.join([*volumes, image])}"
    if runtime == "pyxis":
        mounts = ",".join(f"{folder}:{folder}" for folder in folders)
        return shlex.join(
            ["srun", "--ntasks=1", f"--container-image={image}", f"--container-mounts={mounts}",
             "biobench"]
        )  # fmt: skip
    nvidia = ["--nv"] if settings.gpus is not None else []
    binds = [word for folder in folders for word in ("--bind", folder)]
    return shlex.join(["apptainer", "exec", *nvidia, *binds, image, "biobench"])


def _quoted(text: str) -> str:
    """A value in a line of #SBATCH; quotes and backslashes are escaped as sbatch reads them."""
    if text.isascii() and all(c.isalnum() or c in "/._%-+=@:," for c in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
