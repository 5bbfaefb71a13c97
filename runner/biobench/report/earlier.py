"""What an earlier run or learning curve left in a folder: it goes before another is written.

In: a folder. Out: the same folder without the files that a result or a curve there names as its
own; whatever else a person has put there stays.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

from biobench.errors import DataError
from biobench.report.results import FILE, load_results

PAGE = "report.html"
CURVE = "curve.json"
CURVE_TABLE = "curve.csv"
CURVE_PAGE = "curve.html"

_SIZE = re.compile(r"(all|n-[0-9]{1,9})/results\.json")
"""Where a curve's document says that the result of a size lies."""


def remove_earlier(folder: Path) -> None:
    """Delete the files of an earlier run and of an earlier curve, and folders that then are empty.

    The documents that say that a folder is complete go first.
    """
    sizes = _sizes(folder)
    (folder / CURVE).unlink(missing_ok=True)
    _remove_run(folder)
    for size in sizes:
        _remove_run(folder / size)
    for name in (PAGE, CURVE_TABLE, CURVE_PAGE):
        (folder / name).unlink(missing_ok=True)


def _sizes(folder: Path) -> list[str]:
    """Folders of an earlier curve's sizes."""
    try:
        document = json.loads((folder / CURVE).read_bytes())
        places = [str(size["results"]) for size in document["sizes"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return [match[1] for match in map(_SIZE.fullmatch, places) if match]


def _remove_run(folder: Path) -> None:
    """Delete what an earlier result names as its own, and nothing else."""
    try:
        earlier = load_results(folder)
    except DataError:
        (folder / FILE).unlink(missing_ok=True)
        return
    (folder / FILE).unlink()
    for entry in earlier.tasks.values():
        if entry["predictions"] is None:
            continue
        path = folder / str(entry["predictions"])
        if path.resolve().parent == (folder / "predictions").resolve():
            path.unlink(missing_ok=True)
    (folder / PAGE).unlink(missing_ok=True)
    for empty in (folder / "predictions", folder):
        with contextlib.suppress(OSError):
            empty.rmdir()
