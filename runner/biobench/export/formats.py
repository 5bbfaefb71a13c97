"""The list of formats: which results each takes, and what it needs.

In: the name of a format, results, options. Out: bytes, or a line on the run that a client recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from biobench._common.text import joined
from biobench.errors import BiobenchError, UsageError

if TYPE_CHECKING:
    from biobench.report.results import Results
    from biobench.spec.load import Spec


@dataclass(frozen=True)
class ExportOptions:
    """Facts that a format cannot know from a result.

    Attributes:
        hub_dataset: Id on the hub of the benchmark's data set, as ``org/name``.
        source_url: Address where the result can be seen.
        organization: Name of the organisation that made the results.
        license: Address of the licence under which the files are given.
        project: Name of the project of a tracker.
    """

    hub_dataset: str | None = None
    source_url: str | None = None
    organization: str | None = None
    license: str | None = None
    project: str = "biobench"


@dataclass(frozen=True)
class ExportFormat:
    """A format.

    Attributes:
        module: The file here that writes it.
        single: It takes one result.
        runs: It takes results of runs alone, with their predictions and environment.
        binary: It cannot be printed.
        json: It is JSON.
        client: The library that records it; it is imported only then.
    """

    module: str
    single: bool = False
    runs: bool = False
    binary: bool = False
    json: bool = False
    client: str | None = None


FORMATS = {
    "csv": ExportFormat("csv_table"),
    "markdown": ExportFormat("markdown"),
    "latex": ExportFormat("latex"),
    "parquet": ExportFormat("parquet", runs=True, binary=True),
    "model-card": ExportFormat("model_card", single=True),
    "eval-results": ExportFormat("eval_results", single=True),
    "every-eval-ever": ExportFormat("every_eval_ever", single=True, json=True),
    "ro-crate": ExportFormat("ro_crate", single=True, runs=True, json=True),
    "in-toto": ExportFormat("in_toto", single=True, runs=True, json=True),
    "wandb": ExportFormat("wandb_runs", runs=True, client="wandb"),
    "mlflow": ExportFormat("mlflow_runs", runs=True, client="mlflow"),
    "trackio": ExportFormat("trackio_runs", runs=True, client="trackio"),
}
"""The formats by the name that ``--format`` takes."""


def require_format(name: str, results: Sequence[Results]) -> ExportFormat:
    """The format of a name, for these results.

    Raises:
        UsageError: There is no such format, or it does not take these results.
        BiobenchError: The library that records it is not installed.
    """
    if name not in FORMATS:
        raise UsageError(f"there is no format {name!r}", remedy=f"give one of {', '.join(FORMATS)}")
    from biobench.compare.results import model_name
    from biobench.report.imported import is_imported

    found = FORMATS[name]
    for result in results:
        if found.runs and is_imported(result):
            raise UsageError(
                f"format {name} needs predictions, and the scores of {model_name(result)} are "
                "imported",
                remedy="give the folder of a run, or choose a table: csv, markdown or latex",
            )
    if found.single and len(results) > 1:
        raise UsageError(
            f"format {name} is of one result, and there are {len(results)}",
            remedy="give the folder of one run, or choose a table: csv, markdown or latex"
            if any(map(is_imported, results))
            else "export them one by one",
        )
    if found.client is not None and find_spec(found.client) is None:
        raise BiobenchError(
            f"format {name} needs the library {found.client}, which is not installed",
            remedy=f"pip install {found.client}",
        )
    return found


def exported(name: str, results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The bytes of a file.

    Raises:
        BiobenchError: As :func:`require_format`, or the format does not take the results.
    """
    module = import_module(f"biobench.export.{require_format(name, results).module}")
    data: bytes = module.write(results, spec, options)
    return data


def recorded(name: str, results: Sequence[Results], spec: Spec, options: ExportOptions) -> str:
    """Record results with a tracker's client and return a line that says where.

    Raises:
        BiobenchError: As :func:`require_format`, or the client fails.
    """
    found = require_format(name, results)
    module = import_module(f"biobench.export.{found.module}")
    try:
        line: str = module.log(results, spec, options)
    except BiobenchError:
        raise
    except Exception as error:  # each client has errors of its own
        raise BiobenchError(
            f"{found.client} did not take the results ({type(error).__name__}: {joined(error)})",
            remedy=f"see {found.client}'s documentation on where runs are kept",
        ) from error
    return line
