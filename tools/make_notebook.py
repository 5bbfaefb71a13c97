"""Run the notebook of the documentation and write what its cells give.

With --check the cells must give what the file says, and nothing is written. What a run prints while
it goes on (progress, notes) is not kept: it differs from run to run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs/which-model.ipynb"
SECONDS = 600


def values(cell: Any) -> list[Any]:
    """The value of the last expression of a cell; progress and notes are outputs of other kinds."""
    kept = [output for output in cell.get("outputs", []) if output.output_type == "execute_result"]
    return [{"data": dict(output.data)} for output in kept]


def run(path: Path) -> Any:
    """The notebook after its cells have run in a fresh kernel; raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": "."}}
    ).execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {}
        if cell.cell_type == "code":
            cell["outputs"] = [o for o in cell.outputs if o.output_type == "execute_result"]
    notebook["metadata"] = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
    return notebook


def main() -> int:
    saved, made = nbformat.read(NOTEBOOK, as_version=4), run(NOTEBOOK)
    if "--check" not in sys.argv[1:]:
        nbformat.write(made, NOTEBOOK)
        return 0
    pairs = list(zip(saved.cells, made.cells, strict=True))
    differing = [i for i, (old, new) in enumerate(pairs) if values(old) != values(new)]
    for i in differing:
        print(f"cell {i} gives another value:\n{made.cells[i].source}", file=sys.stderr)
    if differing:
        print("run tools/make_notebook.py, and look at what it changed", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
