"""Runs in a notebook. That of the documentation is run, cell by cell, by tools/make_notebook.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_notebook_shows_progress_in_one_line(tmp_path: Path) -> None:
    """Protects: in a notebook progress is a line that updates itself, and no bar of a terminal."""
    import nbformat
    from nbclient import NotebookClient

    source = (
        "import biobench\n"
        "from biobench._common import progress\n"
        "with progress.Progress('work', 3) as bar:\n"
        "    for _ in range(3):\n"
        "        progress.NOTEBOOK_EVERY_S = 0\n"
        "        bar.advance(1)\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (line,) = notebook.cells[0].outputs
    assert line.output_type == "display_data"
    assert line.data["text/plain"] == "work: 3 of 3 images"
    assert json.dumps(notebook.cells[0]).count("work:") == 1
