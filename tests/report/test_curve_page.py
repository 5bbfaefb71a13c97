"""The page and the terminal table of a learning curve."""

from __future__ import annotations

import copy
import io
import re
from typing import Any

import pytest
from curve_documents import document
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from biobench.report.curve import Curve
from biobench.report.curve_page import notes, places, render_curve
from biobench.report.curve_table import print_curve


def test_the_schema_takes_it(repository: Any) -> None:
    """The document of these tests is one that a run could write."""
    import json

    import jsonschema

    schema = json.loads((repository / "spec/v1/schema/curve.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document())
    for key in document():
        changed = {k: v for k, v in document().items() if k != key}
        assert not jsonschema.Draft202012Validator(schema).is_valid(changed)


def test_reasons_are_told_once() -> None:
    """Sizes of a task with one reason share a note."""
    (note,) = notes(document())
    assert (note["task"], note["sizes"], note["number"]) == ("demo-kabr", [1, 3], 1)


def test_the_page_stands_alone_and_escapes() -> None:
    """No network, no script, both colour schemes, and a model's name is text."""
    hostile = copy.deepcopy(document())
    hostile["model"]["name"] = "<script>alert(1)</script>"
    hostile["tasks"]["demo-kabr"]["cells"][0]["reason"] = "<b>why</b>"
    page = render_curve(hostile, {})
    for word in ("http://", "https://", "<script", "<link", "src=", "<b>"):
        assert word not in page
    assert "&lt;script&gt;" in page
    assert "prefers-color-scheme: dark" in page
    assert "&lt;b&gt;why" in page


def test_the_page_shows_every_cell() -> None:
    """One plot a task and one of the mean; a dot a score, a cross a cell without; the numbers and
    the reasons in the table; links to the results' own pages."""
    page = render_curve(document(), {})
    assert page.count("<figure") == 3
    assert page.count("<circle") == 1 + 3 + 1
    assert page.count('<path class="none"') == 2 + 2
    for text in ("0.812", "0.250", "0.500", "0.688", "0.750", "5 folds need", 'href="all/report'):
        assert text in page


def test_the_page_says_what_intervals_are_of() -> None:
    """The sentence beside intervals names the unit of the tasks that have one; without intervals
    there is none, and an own task is of no suite."""
    assert "expected score on new videos or items of the same kind" in render_curve(document(), {})
    bare = document()
    bare["division"] = "open"
    for task in bare["tasks"].values():
        for one in task["cells"]:
            one["low"] = one["high"] = None
    page = render_curve(bare, {})
    assert "of the same kind" not in page
    assert "with 95% intervals" not in page
    assert "suite" not in page


def test_a_narrow_screen_has_the_head_of_every_number() -> None:
    """Each cell of the table carries its column's head, which is shown above it there."""
    page = render_curve(document(), {})
    heads = re.search(r"<thead>(.*?)</thead>", page, re.DOTALL)
    assert heads is not None
    names = re.findall(r"<th[^>]*>(?:<a[^>]*>)?([^<]*)", heads[1])
    rows = re.findall(r'<tr[^>]*><th scope="row">([^<]+)</th>(.*?)</tr>', page, re.DOTALL)
    assert [name for name, _ in rows] == ["demo-kabr", "demo-plankton", "mean"]
    for name, row in rows:
        said = re.findall(r'data-head="([^"]*)"', row)
        assert said == names[2 if name == "mean" else 1 :]
    assert ">1 item<" in page
    assert ">3 items<" in page


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=7, unique=True), st.booleans())
def test_places_keep_the_order(numbers: list[int], whole: bool) -> None:
    """Sizes lie from left to right in [0, 1], whichever they are."""
    sizes = [*sorted(numbers), *([None] if whole else [])]
    found = places(sizes)
    assert len(found) == len(sizes)
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    if len(found) > 1:
        assert (found[0], found[-1]) == (0.0, 1.0)
    assert places([None]) == [0.5]


@pytest.mark.parametrize("width", [24, 34, 40, 80])
def test_no_width_loses_a_cell(width: int) -> None:
    """A terminal of few columns gets more tables; a cell is never cut."""
    out = io.StringIO()
    print_curve(Curve(document(), ()), Console(file=out, width=width))
    text = out.getvalue()
    for word in ("0.8125", "0.6875", "0.2500", "0.5000", "0.7500", "(1) demo-kabr at 1, 3: no"):
        assert word in text
    assert "\u2026" not in text
    table = [line for line in text.splitlines() if line.startswith((" demo-", " mean"))]
    assert max(map(len, table)) <= width
    assert len(table) == 3 * {24: 3, 34: 2, 40: 1, 80: 1}[width]
    assert len(re.findall(r"\(1\)", text)) == 3
