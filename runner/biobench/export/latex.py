"""Tables in LaTeX with the rules of the package booktabs: models by tasks."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.export.formats import ExportOptions
from biobench.export.grid import Grid, grid_of, tables
from biobench.report.results import Results
from biobench.spec.load import Spec

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
        "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
        '"': r"\textquotedblright{}",
    }
)  # fmt: skip


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """One environment ``table`` a suite, its notes in the caption."""
    text = "\n".join(_table(grid_of(*table)) for table in tables(results, spec))
    return f"% \\usepackage{{booktabs}}\n{text}".encode()


def escaped(text: str) -> str:
    """Text in which nothing is a command."""
    return text.translate(_SPECIAL)


def _table(grid: Grid) -> str:
    caption = escaped(" ".join([f"{grid.title}.", *grid.notes]))
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(grid.head) - 1)}}}",
            r"\toprule",
            _row(grid.head),
            r"\midrule",
            *map(_row, grid.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be read as an argument of the row before it.
    return f"{{}}{' & '.join(map(escaped, cells))} \\\\"
