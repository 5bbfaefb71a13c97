"""Section 7.1: rows of tables, and the cells that give their splits."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.case import Case, VectorFile, refused
from vectors.csv_tables import ONE, THERE
from vectors.layouts import case, due, item

ROWS = "file,kind,part\n1.jpg,owl,A\n2.jpg,eel,a\n3.jpg,owl,B\n"
LISTS = {"column": "part", "train": ["A", "a"], "test": ["B"]}


def splits() -> Iterator[Case]:
    def one(name: str, parts: dict[str, object], *, good: bool) -> Case:
        items = [item("test", "3.jpg", "owl"), item("train", "1.jpg", "owl")]
        check = due([*items, item("train", "2.jpg", "eel")]) if good else refused
        options = {**ONE, "split": {**LISTS, **parts}}
        return case(name, "csv", options, {**THERE, "all.csv": ROWS}, check)

    yield one("split-cell-of-no-row", {"test": ["B", "C"]}, good=True)
    yield one("split-of-no-row", {"test": ["C"]}, good=False)


def files() -> Iterator[VectorFile]:
    yield VectorFile(
        "layouts",
        "csv_splits",
        "7.1",
        "D",
        "layout.find",
        "Splits by the cells of a column.",
        list(splits()),
        source="by hand",
    )
