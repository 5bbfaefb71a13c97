"""CSV, one line a score: the table of ``biobench report --csv``."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.compare.standings import standings, standings_csv
from biobench.export.formats import ExportOptions
from biobench.report.results import Results
from biobench.spec.load import Spec


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The lines of all results.

    Raises:
        UsageError: The results may not share a table.
    """
    return standings_csv(standings(results, spec, ranks=False)).encode()
