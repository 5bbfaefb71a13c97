"""The page and the terminal table of the learning curves of several models."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from curve_documents import cell, document
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from biobench.errors import UsageError
from biobench.report.curve import Curve
from biobench.report.curve_set import CurveSet
from biobench.report.curves import (
    LABEL_GAP,
    NamedCurve,
    _numbers,
    gaps_of,
    print_curves,
    render_curves,
    tables_of,
    write_curves,
)
from biobench.report.results import Results

WHY = "no class has the 5 training items that 5 folds need"


def named(name: str, last: float | None = None, **changes: Any) -> NamedCurve:
    """A curve of two tasks; ``last``: the score of demo-plankton on the whole train split."""
    made = {**document(), **changes}
    made["model"] = {**made["model"], "name": name}
    if last is not None:
        made["tasks"]["demo-plankton"]["cells"][2] = cell(None, last)
    return NamedCurve(name, Curve(made, ()))


def without_mean(name: str, last: float | None = None) -> NamedCurve:
    sizes = [{**size, "mean": None} for size in document()["sizes"]]
    return named(name, last, sizes=sizes)


def printed(curves: list[NamedCurve], width: int = 80) -> list[str]:
    stream = io.StringIO()
    print_curves(curves, Console(file=stream, width=width, color_system=None))
    return stream.getvalue().splitlines()


def test_models_stand_by_their_score_at_the_largest_size() -> None:
    """Protects: best first, a metric that falls the other way round, and a model without a score
    last; numbers stay those of the order in which models were given."""
    a, b, c = named("a", 0.5), named("b", 0.9), named("c")
    c.curve.tasks["demo-plankton"]["cells"][2] = cell(None, None, "it broke")
    tables = {table.title: table for table in tables_of([a, c, b])}
    assert list(tables) == ["demo-kabr", "demo-plankton", "mean"]
    rows = tables["demo-plankton"].rows
    assert [(row.number, row.model.name) for row in rows] == [(3, "b"), (1, "a"), (2, "c")]
    for one in (a, b, c):
        one.curve.tasks["demo-plankton"]["higher_is_better"] = False
    tables = {table.title: table for table in tables_of([a, c, b])}
    assert [row.model.name for row in tables["demo-plankton"].rows] == ["a", "b", "c"]
    assert "mean" not in {table.title for table in tables_of([without_mean("a")])}


def test_a_reason_is_told_once() -> None:
    """Protects: what all models share has no names, and a model's own reason has its name."""
    a, b = named("a"), named("b")
    b.curve.tasks["demo-plankton"]["cells"][0] = cell(1, None, "it broke")
    shared, own = gaps_of([a, b])
    assert (shared.task, shared.sizes, shared.reason, shared.models) == (
        "demo-kabr", (1, 3), WHY, None,
    )  # fmt: skip
    assert (own.task, own.sizes, own.reason, own.models) == (
        "demo-plankton", (1,), "it broke", ("b",),
    )  # fmt: skip


def test_the_terminal_has_every_model_and_size() -> None:
    """Protects: one table of the mean where there is one, else one a task, with the reasons below;
    no line is wider than a terminal of 40 columns, where long names are numbered."""
    lines = printed([named("a", 0.5), named("b", 0.9)])
    assert "mean, best first at all" in lines
    assert not any("demo-plankton, best" in line for line in lines)
    lines = printed([without_mean("a", 0.5), without_mean("b", 0.9)])
    below = "\n".join(lines).partition("demo-plankton, best first at all")[2]
    assert re.search(r"\n b .*0\.9000 *\n a .*0\.5000", below)
    assert f"(1) demo-kabr at 1, 3: {WHY}" in lines
    assert "mean: none, because tasks of the suite are missing" in lines
    long = [without_mean("timm:" + letter * 30) for letter in "ab"]
    lines = printed(long, 40)
    assert f"2: {long[1].name}" in lines
    table = [line for line in lines if line.startswith(" ")]
    assert max(map(len, table)) <= 40


def test_the_protocol_of_own_tasks_is_named() -> None:
    """Protects: a curve of class folders says by which protocol, in the terminal and on the page:
    one small size decides it for all sizes."""
    one = without_mean("a", 0.5)
    one.curve.document["division"] = "open"
    entry = {"protocol": "linear_probe_short"}
    result = Results({"tasks": {"demo-plankton": entry}})
    curve = Curve(one.curve.document, (None, result, result))
    assert curve.protocols == {"demo-plankton": "linear_probe_short"}
    lines = printed([NamedCurve("a", curve)])
    assert "demo-plankton, macro_f1 by linear_probe_short, best first at all" in lines
    page = render_curves([NamedCurve("a", curve)], {})
    assert "<caption><span>macro_f1 by linear_probe_short" in page
    assert "<caption><span>macro_f1 by" not in render_curves([without_mean("a", 0.5)], {})


def test_the_page_has_every_number() -> None:
    """Protects: a line a model in each plot with its number, every score in a table, the reasons,
    the models that failed; nothing from a name is markup, and no script may run."""
    evil = '<script>"x"</script>'
    page = render_curves([named("a", 0.512), named(evil, 0.934)], {"c<": "it <broke>"})
    body = page.partition("</style>")[2]
    assert "<script" not in body
    assert "script-src &#39;none&#39;" in page
    assert body.count("<polyline") == 6
    assert body.count("<figure>") == 3
    for text in ("0.512", "0.934", WHY, "c&lt;: it &lt;broke&gt;", "&lt;script&gt;"):
        assert text in body
    assert len(re.findall(r'class="end"', body)) == 6


def test_a_table_says_that_it_has_intervals_where_it_has(tmp_path: Path) -> None:
    """Protects: the head of a task without intervals promises none, whatever another task has."""
    curve = named("a", 0.5)
    for one in curve.curve.tasks["demo-plankton"]["cells"]:
        one["low"] = one["high"] = None
    page = render_curves([curve], {})
    caption_of_a_table = r"<h2>([^<]+)</h2>\s*<div[^>]*>\s*<table[^>]*>\s*<caption><span>([^<]+)"
    captions = re.findall(caption_of_a_table, page)
    said = {title: "with 95% intervals" in caption for title, caption in captions}
    assert said == {"demo-kabr": True, "demo-plankton": False, "mean": True}


def test_several_curves_as_one_value(tmp_path: Path) -> None:
    """Protects: a set is read by name and by place, its table has a row a model, task and size, and
    a notebook shows every model, those that failed too, with nothing of a name as markup."""
    evil = "<b>b</b>"
    found = CurveSet([named("a", 0.512), named(evil, 0.934)], {"c<": ValueError("it <broke>")})
    assert found.names == ("a", evil)
    assert found["a"] is found[0]
    assert [curve.document["model"]["name"] for curve in found] == ["a", evil]
    assert len(found[1:]) == 1
    with pytest.raises(UsageError, match="no curve of model 'c'; give a place, or one of a, "):
        found["c"]
    frame = found.to_frame()
    assert list(frame.columns[:3]) == ["model", "task", "metric"]
    assert len(frame) == 2 * 2 * 3
    html = found._repr_html_()
    assert html is not None
    for text in ("0.9340", "&lt;b&gt;", "c&lt;", "it &lt;broke&gt;", WHY):
        assert text in html
    assert "<b>" not in html
    svg = found.plot()._repr_svg_()
    assert "2: &lt;b&gt;b&lt;/b&gt;" in svg
    assert svg.count("<polyline") == 6
    long = CurveSet([named("timm:" + "x" * 90)]).plot()._repr_svg_()
    assert int(re.findall(r'width="([0-9]+)"', long)[0]) > 7 * 95
    found.plot().save(tmp_path / "curves.svg")
    assert ElementTree.parse(tmp_path / "curves.svg").getroot().tag.endswith("svg")


def test_the_page_leads_to_each_curve(tmp_path: Path) -> None:
    """Protects: a model links to the page in its own folder, beside this one."""
    own = tmp_path / "timm-a"
    curve = NamedCurve("a", Curve(named("a").curve.document, (), own))
    write_curves(tmp_path / "curves.html", [curve], {})
    assert '<a href="timm-a/curve.html">a</a>' in (tmp_path / "curves.html").read_text()


@given(st.lists(st.floats(8, 166), min_size=1, max_size=12))
def test_numbers_at_the_ends_lie_apart(ends: list[float]) -> None:
    """Protects: each line can be told by its number, however close the scores are."""
    lines = [{"points": [{"x": 1.0, "y": y}], "number": i} for i, y in enumerate(ends, 1)]
    found = _numbers(lines)
    assert sorted(end["number"] for end in found) == [line["number"] for line in lines]
    places = [end["y"] for end in found]
    for one, other in pairwise(places):
        assert other - one == pytest.approx(LABEL_GAP) or other - one > LABEL_GAP
    assert places[-1] <= 166
