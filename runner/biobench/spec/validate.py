"""Checking documents for people (SPEC.md, section "Documents").

In: a specification folder, a folder of task files, or one file. Out: every problem that is found,
each with file, line, JSON pointer and remedy; an empty list means valid. Vectors are checked by
biobench.conformance.validate.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from biobench.errors import UsageError
from biobench.spec.check import check_library, check_own_task
from biobench.spec.library import Document, read_library
from biobench.spec.load import load_spec
from biobench.spec.problems import Problem
from biobench.spec.tree import schema_problems, strays
from biobench.spec.yaml_source import SourceError, read_yaml

DEPTH = 4
"""Levels from the folder of suite.yaml down to a vector file."""


def validate(path: Path) -> list[Problem]:
    """Problems of a specification's folder (with ``v1/suite.yaml`` or suite.yaml), of a file or a
    folder in it, of a person's own task file, or of all such files (``*.yaml``) in a folder.

    Raises:
        UsageError: The path does not exist.
        SpecError: The installation has no sound specification of its own.
    """
    if not os.path.lexists(path):
        raise UsageError("is not there", where=str(path), remedy="check the path")
    folder = specification_of(path)
    if folder is not None:
        library, problems = read_library(folder)
        if not problems:
            problems = list(schema_problems(library.schemas, str(folder)))
        problems = [*strays(folder, str(folder)), *(problems or check_library(library))]
        return within(problems, path, folder)
    if not path.is_dir():
        return _own(path)
    files = sorted(path.glob("*.yaml"))
    if not files:
        remedy = "give a task file, or a folder that holds task files or v1/suite.yaml"
        return [Problem(str(path), None, "", "no document here", remedy, "no-file")]
    return [problem for file in files for problem in _own(file)]


def specification_of(path: Path) -> Path | None:
    """The folder with suite.yaml that ``path`` is, holds as v1/ or lies in; None where there is
    none."""
    below = (path, path / "v1") if path.is_dir() else ()
    for candidate in below:
        if (candidate / "suite.yaml").is_file():
            return candidate
    full = Path(os.path.abspath(path))
    for i, above in enumerate(full.parents[:DEPTH]):
        # A folder farther up might hold another program's suite.yaml.
        known = i < 2 or full.relative_to(above).parts[0] == "conformance"
        if known and (above / "suite.yaml").is_file():
            return above if path.is_absolute() else Path(os.path.relpath(above))
    return None


def within(problems: Iterable[Problem], path: Path, folder: Path) -> list[Problem]:
    """The problems of ``path`` and all in it, which is a part of the specification ``folder``."""
    full, whole = path.resolve(), folder.resolve()
    if whole.is_relative_to(full):
        return list(problems)
    return [p for p in problems if Path(p.file).resolve().is_relative_to(full)]


def _own(file: Path) -> list[Problem]:
    try:
        source = read_yaml(file)
    except SourceError as error:
        return [error.problem]
    return check_own_task(Document("task", str(file), source), load_spec().library)
