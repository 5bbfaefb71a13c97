"""Loading of a result, a submission, a learning curve or a table of scores from a path.

In: a path. Out: the value, read as a file that may come from anyone.
"""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biobench._common.text import first_of
from biobench.errors import BiobenchError, DataError, counted, shown
from biobench.report.current import current, read_from
from biobench.report.curve import FILE as CURVE
from biobench.report.curve import SCHEMA as CURVE_SCHEMA
from biobench.report.earlier import is_page
from biobench.report.imported import SCHEMA as IMPORTED
from biobench.report.result_document import document_of, read_file
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results, results_of
from biobench.report.upstream import is_upstream
from biobench.spec.load import Spec, task_from_file
from biobench.verify.submission import MOST_FILE, submission_of

_MARKS = (BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE)
OWN_STORE = "store"


@dataclass(frozen=True, eq=False)
class CurveFile:
    """A learning curve on the disk: its document, and the folder of its sizes."""

    document: Any
    folder: Path


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores of several models without predictions: imported ones, or upstream's results file.

    Attributes:
        document: The JSON value.
        data: The bytes of the file.
        where: Its path, for messages.
    """

    document: dict[str, Any]
    data: bytes
    where: str


def open_any(path: Path) -> Results | CurveFile:
    """Load the result or the learning curve that ``path`` names.

    Raises:
        DataError: The path is unreadable, or names neither.
    """
    opened = open_file(path)
    if isinstance(opened, ScoreTable):
        raise DataError(
            "has scores without predictions, so there is nothing to verify or compare",
            where=opened.where,
            remedy="`biobench report`, `analyze` and `export` take it",
        )
    return opened


def open_file(path: Path) -> Results | CurveFile | ScoreTable:
    """Load what ``path`` names.

    Raises:
        DataError: The path is unreadable, or names none of the four.
    """
    place = current(path)
    if place.is_dir():
        _refuse_folder_of_results(place, path)
        curve = not (place / RESULTS).is_file() and (place / CURVE).is_file()
        path = path / (CURVE if curve else RESULTS)
    where = shown(str(path))
    documents = path.name in (RESULTS, CURVE)
    data = read_file(read_from(path.parent) / path.name if documents else path, MOST_FILE)
    text = data.lstrip()[:1]
    remedy = "give a results.json, the folder of a run, or a submission"
    if not text:
        raise DataError("is empty", where=where, remedy=remedy)
    if data.startswith(_MARKS):
        raise DataError(
            "begins with a byte order mark, which no result does",
            where=where,
            remedy="take the file as it was written, or save it as UTF-8 without the mark",
        )
    if is_page(path):
        raise DataError(
            "is a page, which is made of results", where=where, remedy="name their folders"
        )
    if text not in (b"{", b"[") and path.suffix.lower() != ".json":
        return submission_of(data, where)
    document = document_of(data, where)
    if not isinstance(document, dict):
        raise DataError("is JSON, but not an object", where=where, remedy=remedy)
    if document.get("schema") == CURVE_SCHEMA:
        return CurveFile(document, path.parent)
    if document.get("schema") == IMPORTED or is_upstream(document):
        return ScoreTable(document, data, where)
    return results_of(document, where, path.parent)


def _refuse_folder_of_results(place: Path, path: Path) -> None:
    """Raise DataError for a folder that has no result but folders of results, as a run of several
    models leaves it."""
    files = (RESULTS, CURVE)
    if any((place / name).is_file() for name in files):
        return
    folders = sorted({file.parent.name for name in files for file in place.glob(f"*/{name}")})
    if folders:
        raise DataError(
            f"is not a result; {counted(len(folders), 'folder')} in it have: {first_of(folders)}",
            where=shown(str(path)),
            remedy=f"give them: {path}/*",
        )


def stores_beside(paths: Iterable[Path]) -> list[Path]:
    """The folders ``store`` beside results, where a container writes features."""
    folders = [path if path.is_dir() else path.parent for path in paths]
    return [folder / OWN_STORE for folder in folders if (folder / OWN_STORE).is_dir()]


def tasks_beside(result: Path, spec: Spec) -> dict[str, Path]:
    """Files of tasks of a person's own that a run has written beside its result, by id; those of a
    learning curve lie above its sizes."""
    folder = result if result.is_dir() else result.parent
    found = {}
    for path in (*sorted(folder.parent.glob("*.yaml")), *sorted(folder.glob("*.yaml"))):
        try:
            task = task_from_file(path, spec)
        except BiobenchError:
            # Whatever else lies there.
            continue
        if task.dataset.folder is not None:
            found[task.id] = path
    return found


def open_result(path: Path) -> Results:
    """Load the result that ``path`` names.

    Raises:
        DataError: The path is unreadable, or names a learning curve.
    """
    opened = open_any(path)
    if isinstance(opened, CurveFile):
        raise DataError(
            "is a learning curve",
            where=shown(str(path)),
            remedy="name the folder of one of its sizes, such as all/",
        )
    return opened
