"""A line of a notebook that updates itself, where a terminal has a bar."""

from __future__ import annotations

import sys
from typing import Any


class NotebookLine:
    """A line below the cell that runs."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, text: str) -> None:
        """Show a text in the place of the one before."""
        data = {"text/plain": text}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def notebook_line() -> NotebookLine | None:
    """A new line, None where this process is no notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return NotebookLine(display)
