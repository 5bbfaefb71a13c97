"""Runs of Weights & Biases, recorded by its own client."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.compare.results import model_name
from biobench.errors import counted
from biobench.export.formats import ExportOptions
from biobench.export.tracked import numbers, parameters
from biobench.report.results import Results
from biobench.spec.load import Spec


def log(results: Sequence[Results], spec: Spec, options: ExportOptions) -> str:
    """Record a run a result: parameters as its configuration, numbers as its summary.

    Where it goes (a server, or a folder of its own with ``WANDB_MODE=offline``) is the client's.
    """
    import wandb

    for result in results:
        run = wandb.init(
            project=options.project,
            name=model_name(result),
            job_type="evaluation",
            config=parameters(result),
        )
        run.summary.update(numbers(result))
        run.finish()
    return f"{counted(len(results), 'run')} of project {options.project} in Weights & Biases"
