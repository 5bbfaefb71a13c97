"""The results that a command is given, of which some may be unreadable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from biobench._common.output import print_note

if TYPE_CHECKING:
    from biobench.report.results import Results
    from biobench.spec.load import Spec


@contextmanager
def opened_results(paths: Sequence[Path], spec: Spec) -> Iterator[list[Results]]:
    """Open the results that paths name, print a note on each that cannot be read, and once the
    others are shown end the command with the exit code of the first of those.

    Raises:
        BiobenchError: None can be read: the error of the first.
    """
    from biobench.compare.results import open_each

    opened, failed = open_each(paths, spec)
    for error in failed if opened else failed[1:]:
        print_note(f"biobench: left out: {error}")
    if not opened:
        raise failed[0]
    yield opened
    if failed:
        raise typer.Exit(failed[0].exit_code)
