"""The settings of a launch: options of the command line over those of a profile file.

In: options, a YAML file. Out: settings whose values a batch script can hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain
from biobench.errors import UsageError

RUNTIMES = ("apptainer", "pyxis", "docker")
_MOST_BYTES = 1 << 20
_WORD = re.compile(r"[A-Za-z0-9_.,:@/+=%\[\]-]+")
"""A value in a line of #SBATCH: no space, quote or line break that would end it."""
_WORDS = ("partition", "account", "time", "gpus", "memory")


@dataclass(frozen=True)
class Settings:
    """The options of a launch for the scheduler; a name of a field is a key of a profile.

    Attributes:
        workers: Number of workers, a task of the array each.
        gpus: GPUs of a worker, such as ``1`` or ``h100:1``.
        cpus: Processor cores of a worker.
        memory: Memory of a worker, such as ``16G``.
        container: Image that a worker runs in; None without one.
        signal_before: Seconds before the time limit at which a worker is asked to end.
        setup: Lines of shell before the worker begins, such as ``module load apptainer``.
        sbatch_options: Further options of sbatch, as they are.
    """

    workers: int | None = None
    partition: str | None = None
    account: str | None = None
    time: str | None = None
    gpus: str | None = None
    cpus: int | None = None
    memory: str | None = None
    container: str | None = None
    container_runtime: str | None = None
    signal_before: int | None = None
    setup: tuple[str, ...] = ()
    sbatch_options: tuple[str, ...] = ()

    def over(self, profile: Settings) -> Settings:
        """These settings; those that are not set come from ``profile``, whose lists come first."""
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) not in (None, ())
        }
        for name in ("setup", "sbatch_options"):
            given[name] = (*getattr(profile, name), *getattr(self, name))
        return replace(profile, **given)


def read_profile(path: Path) -> Settings:
    """The settings of a YAML file.

    Raises:
        UsageError: A key or value is not a setting's.
    """
    from biobench.spec.yaml_source import SourceError, parse_yaml

    try:
        value = parse_yaml(read_plain(path, _MOST_BYTES).decode("utf-8"), str(path)).value
    except Unreadable as error:
        raise UsageError(error.what, where=f"--profile {path}", remedy=error.remedy) from error
    except UnicodeDecodeError as error:
        raise _unfit(path, "is not UTF-8") from error
    except SourceError as error:
        raise _unfit(path, str(error)) from error
    if not isinstance(value, Mapping):
        raise _unfit(path, "is not a list of keys and values")
    known = {field.name: str(field.type) for field in fields(Settings)}
    found: dict[str, Any] = {}
    for key, given in value.items():
        if key not in known:
            raise _unfit(path, f"has the key {key!r}; its keys are {', '.join(known)}")
        found[key] = _value(path, key, given, known[key])
    return Settings(**found)


def _value(path: Path, key: str, value: Any, kind: str) -> Any:
    if kind.startswith("tuple"):
        if isinstance(value, list) and all(isinstance(line, str) for line in value):
            return tuple(value)
        raise _unfit(path, f"{key} must be a list of text")
    if kind.startswith("int"):
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        raise _unfit(path, f"{key} must be a number of at least 1")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value:
        return value
    raise _unfit(path, f"{key} must be text; write it in quotes")


def check(settings: Settings) -> None:
    """Raise UsageError for values that no batch script can hold, or that do not fit together."""
    for name in _WORDS:
        value = getattr(settings, name)
        if value is not None and _WORD.fullmatch(value) is None:
            raise UsageError(
                f"{value!r} has characters that no option of sbatch takes",
                where=f"--{name}",
                remedy="write it as `sbatch` takes it",
            )
    for line in settings.sbatch_options:
        if not re.fullmatch(r"--?[A-Za-z][^\n\r]*", line):
            raise UsageError(
                f"{line!r} is not an option of sbatch",
                where="--sbatch-option",
                remedy="write it like --sbatch-option=--nice=100",
            )
    for line in settings.setup:
        if "\n" in line or "\r" in line:
            raise UsageError("has several lines", where="--setup", remedy="give it once a line")
    if settings.container_runtime not in (None, *RUNTIMES):
        raise UsageError(
            f"there is no container runtime {settings.container_runtime!r}",
            where="--container-runtime",
            remedy=f"use one of {', '.join(RUNTIMES)}",
        )
    if settings.container_runtime is not None and settings.container is None:
        raise UsageError(
            "needs an image", where="--container-runtime", remedy="give --container IMAGE"
        )
    if settings.container is not None and not settings.container.isprintable():
        raise UsageError("is not the name of an image", where="--container", remedy="check it")
    if settings.signal_before is not None and settings.signal_before > 65535:
        raise UsageError("is at most 65535", where="--signal-before", remedy="give fewer seconds")


def _unfit(path: Path, what: str) -> UsageError:
    return UsageError(what, where=f"--profile {path}", remedy="see docs/cluster.md for a profile")
