"""Runs of MLflow, recorded by its own client."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.compare.results import model_name
from biobench.errors import counted
from biobench.export.formats import ExportOptions
from biobench.export.tracked import numbers, parameters
from biobench.report.results import Results
from biobench.spec.load import Spec


def log(results: Sequence[Results], spec: Spec, options: ExportOptions) -> str:
    """Record a run a result: parameters, numbers, and the result document as an artifact.

    Where it goes is the client's (``MLFLOW_TRACKING_URI``).
    """
    import mlflow

    mlflow.set_experiment(options.project)
    for result in results:
        with mlflow.start_run(run_name=model_name(result)):
            mlflow.log_params(parameters(result))
            mlflow.log_metrics(numbers(result))
            mlflow.log_dict(result.document, "results.json")
    return f"{counted(len(results), 'run')} of experiment {options.project} in MLflow"
