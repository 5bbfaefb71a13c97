"""Checks of documents and vectors for people (SPEC.md, sections "Documents" and "Conformance").

In: the path that `biobench spec validate` is given. Out: every problem of it, vectors last.
"""

from __future__ import annotations

from pathlib import Path

from biobench._common.files import Unreadable, read_plain
from biobench.conformance.vectors import vector_problems
from biobench.spec.canonical import CanonicalError, parse_json
from biobench.spec.library import MOST_JSON, read_library
from biobench.spec.problems import Problem
from biobench.spec.validate import specification_of, within
from biobench.spec.validate import validate as validate_documents


def validate(path: Path) -> list[Problem]:
    """Problems of documents, schemas, names of files, and vectors; errors as
    :func:`biobench.spec.validate.validate`."""
    problems = validate_documents(path)
    folder = specification_of(path)
    if folder is None:
        return problems
    return [*problems, *within(_vectors(folder), path, folder)]


def _vectors(folder: Path) -> list[Problem]:
    schema = read_library(folder)[0].schemas.get("vectors")
    if schema is None:
        return []
    problems: list[Problem] = []
    values = {}
    for file in sorted((folder / "conformance").glob("*/*/*.json")):
        try:
            values[file.relative_to(folder).as_posix()] = parse_json(read_plain(file, MOST_JSON))
        except CanonicalError as error:
            problems.append(Problem(str(file), None, "", str(error), "fix the file", error.error))
        except Unreadable as unread:
            problems.append(Problem(str(file), None, "", unread.what, unread.remedy, "no-file"))
    return [*problems, *vector_problems(values, schema, f"{folder}/")]
