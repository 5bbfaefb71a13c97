"""Runs of trackio, recorded by its own client."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.compare.results import model_name
from biobench.errors import counted
from biobench.export.formats import ExportOptions
from biobench.export.tracked import numbers, parameters
from biobench.report.results import Results
from biobench.spec.load import Spec


def log(results: Sequence[Results], spec: Spec, options: ExportOptions) -> str:
    """Record a run a result: parameters as its configuration, numbers as its one step."""
    import trackio

    for result in results:
        trackio.init(project=options.project, name=model_name(result), config=parameters(result))
        trackio.log(numbers(result))
        trackio.finish()
    return f"{counted(len(results), 'run')} of project {options.project} in trackio"
