"""Own data that no score uses is told: a typing error must not shrink a test split in silence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from biobench.data.diagnostics import spelt_alike, unused_lines
from biobench.data.manifest import Manifest


def manifest(
    excluded_names: Mapping[str, int] | None = None, of_no_split: Mapping[str, int] | None = None
) -> Manifest:
    names = ("oak", "pine")
    return Manifest(Path(), names, (), excluded_names or {}, names, of_no_split=of_no_split or {})


def test_what_is_used_whole_needs_no_line() -> None:
    assert unused_lines(manifest()) == []


def test_rows_and_classes_are_counted_and_the_most_named() -> None:
    """The largest loss is first, and a table of ids in the wrong column ends in one line."""
    cells = {"Train": 5, "Test": 3}
    names = {f"class {n}": 1 for n in range(7)}
    first, second = unused_lines(manifest(of_no_split=cells, excluded_names=names))
    assert first == "8 rows belong to no split and are left out: 'Train' 5, 'Test' 3"
    assert second.startswith("7 test items left out, without another example of the class")
    assert second.endswith(
        "'class 0' 1, 'class 1' 1, 'class 2' 1, 'class 3' 1, 'class 4' 1, and 2 more"
    )


def test_two_spellings_of_a_class_are_named_so_that_they_can_be_told_apart() -> None:
    """Accents written in two ways look the same on a screen."""
    lines = unused_lines(manifest(excluded_names={"Oak ": 4}))
    assert lines[-1] == "classes that differ in spelling alone: 'Oak ' and 'oak'"
    assert spelt_alike(["\u00c9p", "E\u0301p", "x"]) == [["E\u0301p", "\u00c9p"]]


@given(st.sets(st.text(alphabet="aA \u00e9e\u0301", max_size=4)))
def test_spelt_alike_parts_names_and_keeps_each_once(names: set[str]) -> None:
    groups = spelt_alike(names)
    members = [name for group in groups for name in group]
    assert len(members) == len(set(members))
    assert set(members) <= names
    assert all(len(group) > 1 for group in groups)
