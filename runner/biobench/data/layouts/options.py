"""Reading a layout's options (SPEC.md, section "Layouts").

In: the ``options`` of a layout value. Out: checked strings and folder names; SpecError otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from biobench.errors import SpecError
from biobench.spec.documents import Layout

SplitRule = Literal["train-test", "leave-one-out"]

SPLITS: Mapping[SplitRule, tuple[str, ...]] = {
    "train-test": ("train", "test"),
    "leave-one-out": ("gallery",),
}
"""The split names that each split rule asks a layout for, in manifest order."""


def split_rule_of(layout: Layout) -> SplitRule:
    """The split rule that the splits in a layout's options are for; without splits, one gallery."""
    for key in ("splits", "tables", "split"):
        splits = layout.options.get(key)
        if isinstance(splits, Mapping):
            return "leave-one-out" if "gallery" in splits else "train-test"
    return "leave-one-out"


def path_fault(path: str) -> str | None:
    """Why a path cannot be a place below the data folder, or None where it can.

    A good path is relative, has ``/`` between its parts, and never climbs with ``..``.
    """
    if not path or "\0" in path:
        return "the path is empty or holds a NUL"
    try:
        path.encode("utf-8", "strict")
    except UnicodeEncodeError:
        return "the name is not UTF-8"
    if path.startswith("/") or ".." in path.split("/"):
        return "the path climbs out of the data folder"
    return None


def join(folder: str, name: str) -> str:
    """``folder/name`` in the one spelling that manifests use: no ``.`` and no empty parts."""
    path = f"{folder}/{name}" if folder else name
    if path and path[0] not in "/." and path[-1] != "/" and "//" not in path and "/." not in path:
        return path  # nearly all of them, and millions
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def check_keys(layout: Layout, required: set[str], optional: frozenset[str] = frozenset()) -> None:
    """Raise SpecError unless the options are all of ``required`` and maybe some of ``optional``."""
    keys = set(layout.options)
    known = required | optional
    for wrong, what in ((keys - known, "unknown option"), (required - keys, "missing option")):
        if wrong:
            raise SpecError(
                f"layout {layout.id}: {what} {', '.join(map(repr, sorted(wrong)))}",
                remedy=f"its options are {', '.join(sorted(known))}",
            )


def expected_exclusions(layout: Layout) -> frozenset[str]:
    """Class names that the data set's document knows to have no train example.

    Their items do not count towards the rule that excluding more than half is an error. Raises
    SpecError unless the option ``expected_exclusions`` is absent or a list of strings.
    """
    names = layout.options.get("expected_exclusions", ())
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise SpecError(f"layout {layout.id}: expected_exclusions must be a list of class names")
    return frozenset(names)


def text(layout: Layout, key: str, value: Any) -> str:
    """``value`` where it is a non-empty string; SpecError otherwise."""
    if isinstance(value, str) and value:
        return value
    raise SpecError(f"layout {layout.id}: option {key} must be a non-empty string, not {value!r}")


def folder(layout: Layout, key: str, value: Any) -> str:
    """``value`` where it is a path below the data folder (``.``: itself); SpecError otherwise."""
    path = text(layout, key, value)
    fault = path_fault(path)
    if fault:
        raise SpecError(f"layout {layout.id}: option {key} = {path!r}: {fault}")
    return join("", path)
