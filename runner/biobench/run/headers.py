"""Headers of a person's own images, read before anything is embedded.

In: paths. Out: the files that cannot be read, and formats beyond those of the specification.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from biobench._common.progress import Progress
from biobench._common.text import first_of
from biobench.data.faults import SHOWN
from biobench.decode.headers import read_headers
from biobench.errors import DataError, shown
from biobench.run.options import Options


def own_headers(
    name: str, root: Path, paths: Sequence[str], options: Options
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the headers of files of a task.

    Args:
        name: Name of the task, for people.
        root: The folder that the paths start from.
        paths: Paths of the files.
        options: Options of the run.

    Returns:
        By path, the reason for which a file gives no pixels; and the names of formats beyond those
        of the specification.

    Raises:
        DataError: A file gives no pixels, and the options are to stop there.
    """
    with Progress(f"{name}: headers", len(paths), quiet=options.quiet) as progress:
        headers = read_headers([os.path.join(root, path) for path in paths], progress.advance)
    bad = {paths[place]: reason for place, reason in headers.bad.items()}
    if bad and options.on_bad_image == "stop":
        raise _bad_files(root, bad, len(paths))
    return bad, headers.formats


def _bad_files(root: Path, bad: dict[str, str], count: int) -> DataError:
    by_reason: dict[str, list[str]] = {}
    for path, reason in bad.items():
        by_reason.setdefault(reason, []).append(path)
    shared = list(by_reason.items())[:SHOWN]
    entries = [f"{first_of(paths)} ({reason})" for reason, paths in shared]
    rest = len(bad) - sum(len(paths) for _, paths in shared)
    more = f"; and {rest} more" if rest else ""
    return DataError(
        f"{len(bad)} of {count} images cannot be read: " + "; ".join(map(shown, entries)) + more,
        where=str(root),
        remedy="restore the files; or give --on-bad-image leave-out, and the others are scored; or "
        "--on-bad-image report, and these count as wrong",
    )
