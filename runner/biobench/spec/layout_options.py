"""Rules among a layout's options beyond their schema (SPEC.md, section "Layouts").

In: a layout value that its schema takes. Out: flaws with pointers below ``/options``. The files
themselves are looked at when the data are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from biobench.spec.problems import choose
from biobench.spec.schema_errors import Flaw

_COLUMN = re.compile(r"\{([^{}:]+)(?::(?:name|stem))?\}")


def option_flaws(options: Mapping[str, Any]) -> list[Flaw]:
    """Splits that are no rule's or share a folder, a table or a cell; a split or a column that is
    not there; a column or a cell that means two things."""
    checks = (_complete, _shared, _flat, _columns, _traits, _poisonous)
    return [flaw for check in checks for flaw in check(options)]


def _complete(options: Mapping[str, Any]) -> Iterator[Flaw]:
    """The splits are those of one rule, and a path for each split has the same."""
    named = {
        key: [split for split in options[key] if split != "column"]
        for key in ("splits", "tables", "split", "path")
        if isinstance(options.get(key), dict)
    }
    for key, given in named.items():
        first = next(iter(named.values()))
        wanted = ("gallery",) if "gallery" in first else ("train", "test")
        for split in wanted:
            if split not in given:
                message = f"the split {split!r} is missing"
                yield Flaw(f"/{key}", message, f"add {split}", "missing-key")
        for split in given:
            if split not in wanted:
                message = f"the splits here are {' and '.join(wanted)}, and not {split}"
                yield Flaw(f"/{key}/{split}", message, "remove it", "unknown-key")


def _shared(options: Mapping[str, Any]) -> Iterator[Flaw]:
    for key in ("splits", "tables", "split"):
        value = options.get(key)
        splits = {} if not isinstance(value, dict) else value
        places = {split: listed(value) for split, value in splits.items() if split != "column"}
        noun = {"splits": "folder", "tables": "table", "split": "cell"}[key]
        for first, second in combinations(places, 2):
            clash = next(
                (b for a in places[first] for b in places[second] if _same(a, b, noun)), None
            )
            if clash is not None:
                message = f"{first} and {second} share the {noun} {clash!r}"
                remedy = f"give each split a {noun} of its own"
                yield Flaw(f"/{key}/{second}", message, remedy, "overlapping-splits")


def _flat(options: Mapping[str, Any]) -> Iterator[Flaw]:
    splits = options.get("splits", {})
    for split in options.get("flat", {}):
        if split not in splits:
            message = f"no split {split!r}"
            yield Flaw(f"/flat/{split}", message, choose(split, list(splits)), "unknown-reference")


def listed(value: Any) -> list[str]:
    """One string or a list of them, as a list."""
    return [value] if isinstance(value, str) else list(value)


def cluster_templates(options: Mapping[str, Any]) -> list[str]:
    """The templates of the option ``cluster``, best first; none where it has no template."""
    return listed((options.get("cluster") or {}).get("template", []))


def _same(a: str, b: str, noun: str) -> bool:
    if noun == "cell":
        return a == b
    one, other = (path_parts(path) for path in (a, b))
    if noun == "table":
        return one == other
    # The images of a folder that lies in another split's folder would be in both.
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def path_parts(path: str) -> tuple[str, ...]:
    """The parts of a path without ``.`` and empty ones."""
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _columns(options: Mapping[str, Any]) -> Iterator[Flaw]:
    """Columns of tables without a header are known from the options alone."""
    known = options.get("columns")
    if known is None:
        return
    frame = options.get("frames", {}).get("column")
    if frame in known:
        message = f"{frame!r} is a column of the table already"
        yield Flaw("/frames/column", message, "name the frame's number otherwise", "duplicate-id")
    for pointer, column, framed in _named(options):
        names = [*known, frame] if framed and frame is not None else known
        if column not in names:
            yield Flaw(pointer, f"no column {column!r}", choose(column, names), "unknown-reference")


def _named(options: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Pointer and name of every column that an option names, and whether a frame's number may
    stand for it."""
    path = options["path"]
    templates = {"/path": path} if isinstance(path, str) else {f"/path/{k}": path[k] for k in path}
    templates |= {f"/{key}": options[key] for key in ("id", "subject", "group") if key in options}
    for pointer, template in templates.items():
        framed = pointer.startswith(("/path", "/id"))
        for column in _COLUMN.findall(template):
            yield pointer, column, framed
    for template in cluster_templates(options):
        for column in _COLUMN.findall(template):
            yield "/cluster/template", column, False
    for key in ("label", "position"):
        if key in options:
            yield f"/{key}", options[key], False
    if "split" in options:
        yield "/split/column", options["split"]["column"], False
    for i, trait in enumerate(options.get("traits", ())):
        yield f"/traits/{i}/column", trait["column"], False


def _traits(options: Mapping[str, Any]) -> Iterator[Flaw]:
    columns: set[str] = set()
    for i, trait in enumerate(options.get("traits", ())):
        if trait["column"] in columns:
            message = f"the column {trait['column']!r} is another trait's already"
            yield Flaw(f"/traits/{i}/column", message, "name another one", "duplicate-id")
        columns.add(trait["column"])
        both = [cell for cell in trait["zero"] if cell in trait["one"]]
        if both:
            message = f"the cell {both[0]!r} means 1 and 0"
            yield Flaw(f"/traits/{i}/zero", message, "list it once", "duplicate-id")


def _poisonous(options: Mapping[str, Any]) -> Iterator[Flaw]:
    lists = options.get("poisonous")
    both = [cell for cell in lists.get("edible", ()) if cell in lists["cells"]] if lists else []
    if both:
        message = f"the cell {both[0]!r} means poisonous and edible"
        yield Flaw("/poisonous/edible", message, "list it once", "duplicate-id")
