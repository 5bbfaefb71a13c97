"""The record of launches, in a folder beside the plan: script, number and logs of each job.

In: a plan's file. Out: ``<plan>.slurm/<job>.json``, ``<job>.sh`` and ``<job>_<task>.log``. One file
a job, so that two launches at once lose nothing.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain, require_writable, write_atomically
from biobench.errors import DataError
from biobench.spec.canonical import CanonicalError, canonical_json, parse_json

_MOST_BYTES = 1 << 20
_JOB = re.compile(r"([0-9]{1,18})\.json")


@dataclass(frozen=True)
class Launch:
    """A job: ``plan`` is the plan's digest, ``store`` and ``out`` are folders."""

    job: str
    workers: int
    plan: str
    store: str
    out: str


def folder_of(plan: Path) -> Path:
    """The folder of a plan's launches: ``plan.slurm`` beside ``plan.json``."""
    return plan.absolute().with_suffix(".slurm")


def prepare(plan: Path) -> Path:
    """Make the folder of a plan's launches, before anything is submitted."""
    folder = folder_of(plan)
    require_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remember(folder: Path, launch: Launch, script: str) -> None:
    """Write what is known of a job that was submitted."""
    write_atomically(folder / f"{launch.job}.sh", script.encode())
    write_atomically(folder / f"{launch.job}.json", canonical_json(asdict(launch)) + b"\n")


def launches(plan: Path, digest: str) -> list[Launch]:
    """The jobs of a plan, in the order of their numbers; those of an earlier plan of that name are
    left out.

    Raises:
        DataError: A record cannot be read.
    """
    folder = folder_of(plan)
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if _JOB.fullmatch(path.name)]
    found = [_read(folder / name) for name in sorted(names, key=lambda name: int(name[:-5]))]
    return [launch for launch in found if launch.plan == digest]


def _read(path: Path) -> Launch:
    try:
        value: Any = parse_json(read_plain(path, _MOST_BYTES))
        launch = Launch(**value)
    except Unreadable as error:
        raise DataError(error.what, where=str(path), remedy=error.remedy) from error
    except (CanonicalError, TypeError) as error:
        raise _damaged(path) from error
    texts = (launch.job, launch.plan, launch.store, launch.out)
    if not all(isinstance(text, str) for text in texts) or launch.job != path.stem:
        raise _damaged(path)
    return launch


def _damaged(path: Path) -> DataError:
    return DataError(
        "is not a record of a launch", where=str(path), remedy="delete it; squeue still has the job"
    )
