"""Section 7.1: the list of poisonous classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vectors.case import Case, Check, VectorFile, refused
from vectors.csv_tables import ITEMS, TABLE, one
from vectors.layouts import due, item

PLACE = {"table": "p.csv", "label": "name", "column": "deadly"}
UNKNOWN = TABLE.replace("B,3.jpg,owl", "B,3.jpg,?")
SOUND = "name,deadly\nowl,1\neel,0\ncat,yes\n"


def by_cells() -> Iterator[Case]:
    """Lists of which each cell has a meaning that the options give."""
    poison = {**PLACE, "cells": ["1", "yes"], "edible": ["0", "no"]}

    def listed(name: str, rows: str, check: Check, content: str = TABLE) -> Case:
        more = {"poisonous": poison, "unknown_label": "?"}
        return one(name, content, check, **more, files={"p.csv": rows})

    yield listed("poisonous", SOUND, due(ITEMS, poisonous=["cat", "owl"]))
    items = [item("test", "3.jpg", "?"), *ITEMS[1:]]
    with_unknown = due(items, poisonous=["cat", "owl"])
    yield listed("poisonous-without-the-unknown", SOUND, with_unknown, UNKNOWN)
    yield listed("edible-unknown", SOUND + "?,no\n", with_unknown, UNKNOWN)
    plain = TABLE.replace(",", ";")
    parted = {"poisonous": poison, "unknown_label": "?"}
    same = due(ITEMS, poisonous=["cat", "owl"])
    files = {"p.csv": SOUND}
    yield one("poisonous-with-commas", plain, same, **parted, delimiter=";", files=files)
    named = {**parted, "columns": ["part", "file", "kind"]}
    body = TABLE.partition("\n")[2]
    yield one("poisonous-with-a-header", body, same, **named, files=files)
    for name, rows in {
        "poisonous-unknown": SOUND + "?,1\n",
        "poisonous-cell-of-no-list": SOUND.replace("cat,yes", "cat,true"),
        "poisonous-empty-cell": SOUND.replace("eel,0", "eel,"),
        "poisonous-cell-as-number": SOUND.replace("owl,1", "owl,1.0"),
        "poisonous-name-twice": SOUND + "cat,yes\n",
        "poisonous-name-of-both-kinds": SOUND + "eel,1\n",
        "poisonous-name-without-a-row": SOUND.replace("eel,0\n", ""),
    }.items():
        yield listed(name, rows, refused)


def by_numbers() -> Iterator[Case]:
    """Lists that are read as numbers, with names of classes that are any text."""
    sound = "name,deadly\nowl,1\neel,0\ncat,1.0\n"

    def listed(name: str, rows: str, check: Check, content: str = TABLE) -> Case:
        more = {"poisonous": PLACE, "unknown_label": "?"}
        files = {"p.csv": rows}
        return one(f"poisonous-numbers-{name}", content, check, **more, files=files)

    both = due(ITEMS, poisonous=["cat", "owl"])
    ones = ("01", "+1", "1.", "1.00", " 1", "1 ", "\t1", "1e0", "10E-1", ".1e+1", "1.0e00")
    for at, cell in enumerate(ones):
        yield listed(f"one-{at}", sound.replace("owl,1", f"owl,{cell}"), both)
    others = ("2", "-1", "0.5", "-0", "1e1", "0.1", "11", "", "NA", "nan", "NULL", "None", "n/a")
    # The last is 1 in binary32.
    for at, cell in enumerate((*others, "<NA>", "#N/A", "-1.#IND", "1.00000001")):
        yield listed(f"other-{at}", sound.replace("eel,0", f"eel,{cell}"), both)
    for name, rows in {
        "quoted": sound.replace("owl,1", '"owl","1"'),
        "truths": "name,deadly\nowl,True\neel,FALSE\ncat,true\n",
        "truths-and-missing": "name,deadly\nx,NA\nowl,TRUE\neel,\ncat,True\nx,False\n",
        "name-twice": sound + "cat,1\neel,2\n",
        "name-without-a-row": sound.replace("eel,0\n", ""),
        "edible-unknown": sound + "?,\n",
    }.items():
        yield listed(name, rows, both)
    all_missing = "name,deadly\nowl,\neel,NA\n"
    yield listed("all-missing", all_missing, due(ITEMS))
    items = [item("test", "3.jpg", "?"), *ITEMS[1:]]
    unknown = due(items, poisonous=["cat", "owl"])
    yield listed("unknown-without-a-row", sound, unknown, UNKNOWN)
    texts = ("yes", "unknown", " ", "1_0", "0x1", "1,0", "na", " NA", "tRUE", " True", "inf", "1e")
    texts += ("- 1", "1 1", "1d0", ".", "\u0661", "1\u00a0", "1e19", "\u00a01")
    texts += (str(2**63),)
    for at, cell in enumerate(texts):
        row = f'eel,"{cell}"'
        yield listed(f"text-{at}", sound.replace("eel,0", row), refused)
    for name, rows in {
        "number-among-truths": "name,deadly\nowl,True\neel,0\n",
        "truth-among-numbers": "name,deadly\nowl,1\neel,False\n",
        "name-of-both-kinds": sound + "eel,1\n",
        "name-of-both-kinds-by-a-missing-cell": sound + "owl,\n",
        "name-of-both-kinds-before": "name,deadly\neel,1\n" + sound.split("\n", 1)[1],
        "unknown": sound + "?,1\n",
        "names-of-no-item": "name,deadly\n owl,1\neel ,0\n?,0\n",
        "missing-column": sound.replace("deadly", "poison"),
        "header-only": "name,deadly\n",
    }.items():
        yield listed(name, rows, refused)


def by_ids() -> Iterator[Case]:
    """Lists that are read as numbers, of classes that are ids."""
    kinds: Mapping[str, str] = {"owl": "7", "eel": "0", "cat": "11"}
    content, items = TABLE, []
    for kind, id in kinds.items():
        content = content.replace(kind, id)
    for each in ITEMS:
        items.append({**each, "label": kinds[each["label"]]})

    def listed(name: str, rows: str, check: Check, **more: Any) -> Case:
        options = {"poisonous": PLACE, "label_ids": 12, "unknown_label": "-1", **more}
        files = {"p.csv": "name,deadly\n" + rows}
        return one(f"poisonous-ids-{name}", content, check, **options, files=files)

    seven = due(items, poisonous=["7"])
    for at, id in enumerate(("7", "7.0", " 7", "7 ", "07", "+7", "70e-1")):
        yield listed(f"written-{at}", f"0,0\n{id},1\n", seven)
    for name, row in {
        "zero": "-0.0,0",
        "fraction": "7.5,1",
        "of-no-class": "12,1",
        "below-the-unknown": "-2,1",
        "missing": ",1",
        "missing-word": "NA,1",
        "unknown": "-1.0,0",
        "said-again": "7.0,1",
    }.items():
        yield listed(name, f"7,1\n{row}\n", seven)
    for name, row in {
        "text": "owl,0",
        "truth": "True,0",
        "blank": '" ",0',
        "unknown-poisonous": "-1.0,1",
        "both-kinds": "7.0,0",
    }.items():
        yield listed(name, f"7,1\n{row}\n", refused)
    yield listed("of-no-item", "1,1\n2,0\n-1,0\n", refused)
    yield listed("of-a-name", "7,1\n?,0\n", refused, unknown_label="?")


def files() -> Iterator[VectorFile]:
    """The cases of the three kinds of lists, valid and invalid ones."""
    cases = [*by_cells(), *by_numbers(), *by_ids()]
    about = "The list of poisonous classes: cells with a meaning, numbers, ids."
    yield VectorFile(
        "layouts", "csv_poisonous", "7.1", "D", "layout.find", about, cases, source="by hand"
    )
