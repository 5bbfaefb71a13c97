"""The notebook of the documentation: it runs, and its cells give what the page shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.depth
@pytest.mark.timeout(900)
def test_the_notebook_gives_what_it_shows(repository: Path) -> None:
    """Protects: docs/which-model.ipynb, cell by cell, from nothing, in a kernel of its own."""
    done = subprocess.run(
        [sys.executable, "tools/make_notebook.py", "--check"], cwd=repository, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


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
