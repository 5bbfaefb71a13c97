"""Groups of images that belong together: a site, a burst, an individual, a video.

In: a pattern on the paths, or a table, and the paths. Out: the name of each image's group.

A pattern is a path below the folder in which ``*`` stands for any characters but ``/``, ``**`` for
any, ``?`` for one but ``/``, and ``{site}`` for one or more but ``/``, as few as fit, which name
the group: ``*/{site}_*.jpg``. Several named parts name it together.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from biobench._common.text import first_of
from biobench.data.faults import Faults
from biobench.data.layouts.table import CsvTable, parse_table, read_table
from biobench.errors import DataError, UsageError, counted, shown

OPTION = "--group"
COLUMN = "group"
"""Column of the groups in a table of more than two columns, unless its name follows the file's."""
SUFFIXES = (".csv", ".tsv", ".txt")
MAX_NAMED = 3
"""Paths that fit in one line for people."""

_UNIT = re.compile(r"(?!items?$)[a-z]{1,20}([ -][a-z]{1,20})?")
"""As the schema of the layout's options asks for."""
_PART = re.compile(r"\*\*/?|\*|\?|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def image_groups(given: str, paths: Sequence[str]) -> dict[str, str]:
    """The group of every path, the path itself where it belongs to no other.

    Args:
        given: A pattern; or a table, ``FILE`` or ``FILE:COLUMN``.
        paths: Paths of the images below their folder.

    Raises:
        UsageError: A pattern has no named part, or does not match every path; or a table does not
            have the column.
        DataError: A table cannot be read or lacks an image.
    """
    file, column = _table(given)
    if file is None:
        return _by_pattern(given, paths)
    return _by_table(file, column, paths)


def unit_of(given: str) -> str:
    """The word for what a group is: the names of a pattern's parts, or the column of a table;
    ``group`` where they make no word or two that a task can have."""
    file, column = _table(given)
    names = _compiled(given)[1] if file is None else [_read(file, column)[1]]
    unit = " ".join(names).lower()
    return unit if _UNIT.fullmatch(unit) else COLUMN


def _table(given: str) -> tuple[Path | None, str | None]:
    """The table that is meant, and the column that is named; no table where it is a pattern."""
    path = Path(given)
    if path.is_file():
        return path, None
    name, colon, column = given.rpartition(":")
    if colon and column and Path(name).is_file():
        return Path(name), column
    if "{" not in given and given.lower().endswith(SUFFIXES):
        # The message is that of a table which is missing.
        return path, None
    return None, None


def _by_pattern(given: str, paths: Sequence[str]) -> dict[str, str]:
    pattern, names = _compiled(given)
    if not names:
        raise UsageError(
            "it is neither a file nor a pattern with a named part",
            where=f"{OPTION} {given}",
            remedy="name the part of the path that images share, as in '*/{site}_*', or give a "
            "table",
        )
    groups, unmatched = {}, []
    for path in paths:
        match = pattern.fullmatch(path)
        if match is None:
            unmatched.append(path)
        else:
            groups[path] = "/".join(match.groups())
    if unmatched:
        count = f"{len(unmatched)} of {counted(len(paths), 'path')}"
        raise UsageError(
            "the pattern matches none of the paths"
            if not groups
            else f"the pattern does not match {count}",
            where=f"{OPTION} {given}",
            remedy=f"it must match whole paths below the folder, such as {first_of(unmatched)}",
        )
    return groups


def _compiled(given: str) -> tuple[re.Pattern[str], list[str]]:
    """The pattern as a regular expression, and the names of its parts."""
    text, names, end = [], [], 0
    for part in _PART.finditer(given):
        text.append(re.escape(given[end : part.start()]))
        end = part.end()
        if part[1] is not None:
            if part[1] in names:
                raise UsageError(
                    f"two parts are named {{{part[1]}}}",
                    where=f"{OPTION} {given}",
                    remedy="give each part a name of its own",
                )
            names.append(part[1])
            text.append("([^/]+?)")
        elif part[0] == "**/":
            text.append("(?:.*/)?")
        else:
            text.append({"**": ".*", "*": "[^/]*", "?": "[^/]"}[part[0]])
    text.append(re.escape(given[end:]))
    return re.compile("".join(text), re.DOTALL), names


def _by_table(file: Path, column: str | None, paths: Sequence[str]) -> dict[str, str]:
    table, named = _read(file, column)
    where = shown(str(file))
    first = table.columns[0]
    by_name = defaultdict(list)
    for path in paths:
        by_name[path.rpartition("/")[2]].append(path)
    known = set(paths)
    groups: dict[str, str] = {}
    faults = Faults("correct the table")
    for line, image, group in table.rows((first, named)):
        path = image.replace("\\", "/").removeprefix("./")
        if path not in known:
            alike = by_name[path] if "/" not in path else []
            if len(alike) > 1:
                faults.add(f"line {line}", f"{len(alike)} images have this name; write the path")
            if len(alike) != 1:
                # A table may be of more images than are here.
                continue
            path = alike[0]
        if groups.setdefault(path, group) != group:
            faults.add(f"line {line}", "the image has another group in a line above")
    faults.raise_if_any(where)
    lacking = [path for path in paths if path not in groups]
    if lacking:
        raise DataError(
            f"the table lacks {len(lacking)} of {counted(len(paths), 'image')}: "
            f"{first_of(lacking)}",
            where=where,
            remedy=f"name each in the column {first!r} by its path below the folder, or its file "
            "name; an empty cell is an image that belongs to no other",
        )
    # An image of no group is one of its own.
    return {path: groups[path] or path for path in paths}


def _read(file: Path, column: str | None) -> tuple[CsvTable, str]:
    """The table, and the column of its groups."""
    faults = Faults("write it as CSV in UTF-8, with a line that names the columns")
    folder, name = os.path.split(file)
    stream = read_table(folder, name, faults)
    table = None
    if stream is not None:
        delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
        with stream:
            table = parse_table(name, stream, delimiter, None, faults)
    if table is not None:
        names = table.columns
        named = column or (names[1] if len(names) == 2 else COLUMN)
        if table.has((names[0], named), faults):
            faults.raise_if_any(folder)
            return table, named
        if named not in names and len(names) > 1:
            some = ", ".join(f"{OPTION} {file}:{other}" for other in names[1 : MAX_NAMED + 1])
            told = (
                f"no column {column!r}" if column else "which column holds the groups is not said"
            )
            raise UsageError(
                told,
                where=f"{OPTION} {file}" + (f":{column}" if column else ""),
                remedy=f"name one that the table has: {some}",
            )
    faults.raise_if_any(folder)
    raise AssertionError("a table that cannot be read has a fault")
