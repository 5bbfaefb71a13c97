"""A drawing that notebooks show and that can be saved.

In: SVG, and a page that holds it. Out: what a notebook asks for, or a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biobench._common.files import require_file, write_atomically
from biobench.errors import UsageError
from biobench.report.page.plot import LABEL_WIDTH, score_plot
from biobench.report.page.render import render

SUFFIXES = (".svg", ".html")
CHARACTER, MOST_LABEL = 7.5, 420
"""Pixels of a character of a name, and most of a name as a whole."""


class Figure:
    """A drawing as SVG.

    In a notebook the last expression of a cell shows it. It needs no library and no network, and
    follows the reader's choice of light or dark.
    """

    def __init__(self, svg: str, page: str) -> None:
        self._svg = svg
        self._page = page

    def _repr_svg_(self) -> str:
        return self._svg

    def _repr_html_(self) -> str:
        return self._svg

    def save(self, path: str | Path) -> Path:
        """Write the figure whole or not at all, and return its path.

        Args:
            path: A name that ends in .svg, or in .html for a page of its own.

        Raises:
            UsageError: It has another ending, or cannot be written.
        """
        path = Path(path)
        require_figure(path)
        whole = path.suffix.lower() == ".html"
        write_atomically(path, (self._page if whole else self._svg).encode())
        return path

    def __repr__(self) -> str:
        return "Figure(save(path) writes it as .svg or .html)"


def require_figure(path: Path) -> None:
    """Raise UsageError where a figure cannot be written to a path, before anything is computed."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            "a figure is .svg or .html", where=str(path), remedy="give it one of these endings"
        )
    require_file(path)


def score_figure(title: str, rows: Sequence[Mapping[str, Any]]) -> Figure:
    """The scores of rows of :func:`biobench.report.page.plot.score_row`, with their intervals."""
    longest = max((len(row["name"]) for row in rows), default=0)
    label = min(max(LABEL_WIDTH, round(CHARACTER * longest)), MOST_LABEL)
    svg = render("figure.svg", title=title, plot=score_plot(rows, label))
    return Figure(svg, figure_page(title, svg))


def figure_page(title: str, svg: str) -> str:
    """A page of HTML with a drawing alone."""
    from markupsafe import Markup

    return render("figure.html", title=title, svg=Markup(svg))
