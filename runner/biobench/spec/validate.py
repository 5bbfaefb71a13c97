"""Checking documents for people (SPEC.md, section "Documents").

In: a specification folder, a folder of task files, or one file. Out: every problem that is found,
each with file, line, JSON pointer and remedy; an empty list means valid.
"""

from __future__ import annotations

from pathlib import Path

from biobench.spec.check import check_library, check_own_task
from biobench.spec.library import Document, read_library
from biobench.spec.load import load_spec
from biobench.spec.problems import Problem
from biobench.spec.yaml_source import SourceError, read_yaml


def validate(path: Path) -> list[Problem]:
    """Problems of a specification's folder (with ``v1/suite.yaml`` or suite.yaml), of one of its
    documents, of a person's own task file, or of all such files (``*.yaml``) in a folder.

    Raises SpecError only for an installation without a sound specification of its own.
    """
    folder = _specification(path)
    if folder is not None:
        library, unreadable = read_library(folder)
        problems = unreadable or check_library(library)
        return [p for p in problems if path.is_dir() or Path(p.file).resolve() == path.resolve()]
    if not path.is_dir():
        return _own(path)
    files = sorted(path.glob("*.yaml"))
    if not files:
        remedy = "give a task file, or a folder that holds task files or v1/suite.yaml"
        return [Problem(str(path), 1, "", "no document here", remedy, "no-file")]
    return [problem for file in files for problem in _own(file)]


def _specification(path: Path) -> Path | None:
    """The specification folder that ``path`` is or lies in, null where there is none."""
    candidates = (path, path / "v1") if path.is_dir() else (path.parent, path.parent.parent)
    return next((c for c in candidates if (c / "suite.yaml").is_file()), None)


def _own(file: Path) -> list[Problem]:
    try:
        source = read_yaml(file)
    except SourceError as error:
        return [error.problem]
    return check_own_task(Document("task", str(file), source), load_spec().library)
