"""Results as a notebook shows them on an installation without templates."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from biobench import ResultSet
from biobench._common import templates
from biobench.errors import BiobenchError
from biobench.report.curve import Curve
from biobench.report.page import render
from biobench.report.results import Results


@pytest.fixture
def _without_jinja2(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide jinja2, as on an installation without the extra `run`."""
    caches = (templates.environment, render._environment)
    for made in caches:
        made.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    yield
    for made in caches:
        made.cache_clear()


@pytest.fixture
def result(repository: Path) -> Results:
    return Results(json.loads((repository / "tests/spec/results.json").read_text()))


@pytest.mark.usefixtures("_without_jinja2")
def test_a_result_is_shown_as_text_without_jinja2(result: Results) -> None:
    """IPython shows `repr` where `_repr_html_` gives None, and the trace of an error."""
    shown = (result, ResultSet([result], {"x": ValueError("no")}), Curve({"tasks": {}}, ()))
    assert [one._repr_html_() for one in shown] == [None] * 3


@pytest.mark.usefixtures("_without_jinja2")
def test_a_drawing_names_the_remedy_without_jinja2(result: Results) -> None:
    """One line with the command that brings it, and no ModuleNotFoundError."""
    for one in (result, ResultSet([result])):
        with pytest.raises(BiobenchError, match=r"jinja2 is not installed; pip install") as caught:
            one.plot()
        assert caught.value.exit_code == 1
