"""The programs of Slurm: sbatch, squeue, sacct and scancel.

In: a script, or numbers of jobs. Out: the number of a job, or what Slurm says of jobs. The reason
that a program gives is in the error, on the same line.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from biobench._common.text import joined
from biobench.errors import BiobenchError

PATIENCE_S = 120
"""Seconds that a program of Slurm may take; a busy controller answers within one minute."""
_FIELDS = "%F|%K|%T|%M|%N|%r"
_SACCT = "JobID,State,Elapsed,NodeList,ExitCode"
_ENDED = ("Invalid job id", "Accounting storage is disabled", "accounting storage is disabled")


@dataclass(frozen=True)
class TaskState:
    """A task of an array as Slurm has it.

    Attributes:
        task: Its number, such as ``1234_5``; of several that wait ``1234_[5-9]``.
        state: Such as PENDING or RUNNING.
        elapsed: Time that it has run.
        nodes: Where it runs.
        reason: Why it waits, or its exit code.
    """

    task: str
    state: str
    elapsed: str
    nodes: str
    reason: str


def submit(script: str) -> str:
    """Submit a batch script and return the number of the job.

    Raises:
        BiobenchError: sbatch is missing or refuses the script, or its answer has no number.
    """
    done = _run(["sbatch", "--parsable"], script)
    _require(done, "sbatch", "does not take the script")
    number = done.stdout.strip().partition(";")[0]
    if not number.isdigit():
        raise BiobenchError(
            f"sbatch answers {joined(done.stdout)!r} in the place of a job's number",
            remedy="see squeue for the job",
        )
    return number


def queued(jobs: Sequence[str], *, all_states: bool = False) -> list[TaskState]:
    """The tasks of jobs that wait or run; with ``all_states`` also those that ended within the last
    minutes."""
    if not jobs:
        return []
    words = ["squeue", "--noheader", "--array", f"--format={_FIELDS}", f"--jobs={','.join(jobs)}"]
    if all_states:
        words.append("--states=all")
    done = _run(words)
    if done.returncode and any(text in done.stderr for text in _ENDED):
        return []
    _require(done, "squeue", "does not list the jobs")
    found = []
    for line in done.stdout.splitlines():
        job, index, state, elapsed, nodes, reason = (line.split("|", 5) + [""] * 6)[:6]
        task = f"{job}_{index}"
        found.append(TaskState(task, state, elapsed, nodes, "" if reason == "None" else reason))
    return found


def ended(jobs: Sequence[str]) -> list[TaskState]:
    """The tasks of jobs that the accounting knows; none where it is off or not there."""
    if not jobs:
        return []
    words = ["sacct", "--noheader", "--parsable2", "--allocations", f"--format={_SACCT}"]
    try:
        done = _run([*words, f"--jobs={','.join(jobs)}"])
    except BiobenchError:
        return []
    if done.returncode:
        return []
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return [TaskState(*row) for row in rows if len(row) == 5]


def cancel(jobs: Sequence[str]) -> None:
    """End jobs."""
    _require(_run(["scancel", *jobs]), "scancel", "does not end the jobs")


def _run(words: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SLURM_TIME_FORMAT": "standard"}
    try:
        return subprocess.run(
            words,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
            env=environment,
        )
    except FileNotFoundError as error:
        raise BiobenchError(
            f"there is no program {words[0]} on this machine",
            remedy="run it on a login node of the cluster, or load Slurm's module",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BiobenchError(
            f"{words[0]} gives no answer within {PATIENCE_S} s",
            remedy="see whether the controller of Slurm runs (scontrol ping), and try again",
        ) from error
    except OSError as error:
        raise BiobenchError(
            f"{words[0]} cannot be started ({error.strerror})", remedy="check its permissions"
        ) from error


def _require(done: subprocess.CompletedProcess[str], program: str, what: str) -> None:
    if done.returncode:
        lines = map(joined, done.stderr.strip().splitlines())
        reason = "; ".join(line.removeprefix(f"{program}: error: ") for line in lines)
        raise BiobenchError(
            f"{program} {what}: {reason or f'exit {done.returncode}'}",
            remedy="change the option that it names, or ask the cluster's administrators",
        )
