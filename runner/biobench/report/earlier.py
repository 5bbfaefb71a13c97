"""Files that an earlier run or learning curve left in a folder, as its documents name them.

In: a folder. Out: its own files; files that the user has put there are not among them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from biobench._common.files import read_regular
from biobench.errors import DataError
from biobench.report.item_digests import STAGES, place_of
from biobench.report.results import FILE, results_in
from biobench.spec.canonical import sha256_bytes

PAGE = "report.html"
CURVE = "curve.json"
CURVE_TABLE = "curve.csv"
CURVE_PAGE = "curve.html"
CURVES_PAGE = "curves.html"
MODELS_PAGE = "models.html"
PREDICTIONS = "predictions"
SUBMISSION = "submission.tar"
CRATE = "ro-crate-metadata.json"
_MADE_OF_RESULT = {
    SUBMISSION: "biobench submit",
    CRATE: "biobench export --format ro-crate",
}
"""Files that other commands write beside a result, by the command."""
MOST_CURVE = 1 << 26
"""Most bytes of a curve's document: far more than that of all tasks at a hundred sizes."""

MOST_PAGE = 1 << 26
"""Most bytes of a page of several models."""
_GENERATOR_TAG = b'<meta name="generator" content="biobench">'
_SHOWN = re.compile(
    rb'<meta name="biobench-shows" content="(sha256:[0-9a-f]{64}) ([A-Za-z0-9_][A-Za-z0-9._-]*)">'
)
"""Entry of a page of several models: the digest of a curve's document or of a result, and its
folder beside the page, whose name a run has made."""
_SIZE = re.compile(r"(all|n-[0-9]{1,9})/results\.json")
"""Paths of the results of a curve's sizes, as its document gives them."""


def own_files(folder: Path) -> list[Path]:
    """The files of an earlier run and of an earlier curve in ``folder``, relative to it.

    A document comes after the files that only it names, so that an interrupted removal in this
    order can be continued.
    """
    places = [Path(size) / file for size in curve_sizes(folder) for file in _of_run(folder / size)]
    places += _of_run(folder)
    places += map(Path, (CURVE_TABLE, CURVE_PAGE, CURVE))
    return [place for place in places if _is_file(folder / place)]


def files_read(paths: Iterable[Path]) -> list[Path]:
    """The files that results at ``paths`` consist of: each path, and what its folder's result
    names."""
    found = []
    for path in paths:
        folder = path if os.path.isdir(path) else path.parent
        found += [path, *(folder / place for place in own_files(folder))]
    return found


def result_digests(folder: Path) -> dict[Path, str]:
    """The digest of the result in ``folder``, and of each size of the curve there, by its folder
    relative to ``folder``."""
    found = {}
    for place in (Path(), *map(Path, curve_sizes(folder))):
        with contextlib.suppress(DataError):
            found[place] = str(results_in(folder / place).digests.get("result"))
    return found


def outdated_files(folder: Path, earlier: Mapping[Path, str]) -> list[tuple[Path, str]]:
    """The files made of an earlier result in ``folder`` that are not of the present one, relative
    to it, each with the command that makes it.

    Args:
        folder: The folder, whose result was replaced.
        earlier: :func:`result_digests` of it before.
    """
    now = result_digests(folder)
    return [
        (place / name, command)
        for place, digest in earlier.items()
        for name, command in _MADE_OF_RESULT.items()
        # A crate states the digest of results.json, which has times and costs.
        if (name == CRATE or now.get(place) != digest) and _is_file(folder / place / name)
    ]


def is_page(path: Path) -> bool:
    """True for a page of results, which is made of files beside it."""
    if path.suffix != ".html" or not _is_file(path):
        return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return _GENERATOR_TAG in file.read(1000)
    return False


def outdated_pages(folders: Iterable[Path], but: str | None = None) -> dict[Path, bool]:
    """The pages of several models beside ``folders`` that show what was in one and is not any more;
    True where nothing that a page shows is still in its place.

    Args:
        folders: Folders whose results were replaced.
        but: The name, or its end, of pages that are left out.
    """
    beside: dict[Path, set[str]] = {}
    for folder in folders:
        beside.setdefault(folder.parent, set()).add(folder.name)
    found = {}
    for parent, names in beside.items():
        for page, shown in _pages_of_several(parent, but):
            if any(not _has(parent / name, shown[name]) for name in names & shown.keys()):
                found[page] = not any(_has(parent / name, shown[name]) for name in shown)
    return found


def _pages_of_several(folder: Path, but: str | None) -> Iterator[tuple[Path, dict[str, str]]]:
    """Each page of several models in a folder, with the digest of what it shows by its folder."""
    for page in sorted(folder.glob("*.html")):
        if not page.name.endswith((CURVES_PAGE, MODELS_PAGE)) or not is_page(page):
            continue
        if but is not None and page.name.endswith(but):
            continue
        try:
            text = read_regular(page, MOST_PAGE)
        except OSError:
            continue
        yield page, {name.decode(): digest.decode() for digest, name in _SHOWN.findall(text)}


def _has(folder: Path, digest: str) -> bool:
    """True where ``folder`` has the result or the curve of a digest."""
    with contextlib.suppress(OSError):
        if sha256_bytes(read_regular(folder / CURVE, MOST_CURVE)) == digest:
            return True
    with contextlib.suppress(DataError):
        return results_in(folder).digests.get("result") == digest
    return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name that this disk cannot have.
        return False


def scored_tasks(folder: Path) -> set[str]:
    """Return the tasks with a score in the result or learning curve in ``folder``."""
    found: set[str] = set()
    for place in (folder, *(folder / name for name in curve_sizes(folder))):
        with contextlib.suppress(DataError):
            found |= results_in(place).tasks.keys()
    return found


def curve_sizes(folder: Path) -> list[str]:
    """Names of the folders of an earlier curve's sizes."""
    try:
        document = json.loads(read_regular(folder / CURVE, MOST_CURVE))
        places = [str(size["results"]) for size in document["sizes"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    return [match[1] for match in map(_SIZE.fullmatch, places) if match]


def _of_run(folder: Path) -> list[Path]:
    """The files that an earlier result names as its own, the page and the result itself."""
    places = []
    try:
        tasks = list(results_in(folder).tasks.values())
    except DataError:
        tasks = []
    for entry in tasks:
        named = entry.get("predictions") if isinstance(entry, dict) else None
        path = Path(str(named))
        if path.parts[:-1] == (PREDICTIONS,) and path.name not in ("", ".."):
            places.append(path)
            places += [Path(place_of(path.stem, stage)) for stage in STAGES]
    return [*places, Path(PAGE), Path(FILE)]
