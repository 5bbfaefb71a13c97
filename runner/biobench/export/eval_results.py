"""A file of the folder ``.eval_results`` of a model on the hub, written by huggingface_hub's own
classes."""

from __future__ import annotations

from collections.abc import Sequence

from biobench.errors import UsageError
from biobench.export.formats import ExportOptions
from biobench.export.words import setup
from biobench.report.results import Results
from biobench.spec.load import Spec


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """One entry a task; the task's id is that of the benchmark's data set on the hub.

    Raises:
        UsageError: The data set's id on the hub was not given, or is not of the form org/name.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    dataset = options.hub_dataset or ""
    organization, _, name = dataset.partition("/")
    if not (organization and name) or "/" in name:
        raise UsageError(
            "an entry names the benchmark's data set on the hub, which shows it",
            remedy="give --hub-dataset ORG/NAME",
        )
    (result,) = results
    document = result.document
    about = [*setup(document), f"result {document['digests']['result']}"]
    run = document["run"]
    entries = [
        EvalResultEntry(
            dataset_id=dataset,
            task_id=task,
            value=entry["score"],
            date=None if run is None else run["finished"],
            source_url=options.source_url,
            source_name="BioBench" if options.source_url else None,
            notes="; ".join([entry["metric"], *about, *["declared"][: entry["declared"]]]),
        )
        for task, entry in result.tasks.items()
    ]
    text: str = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False)
    return text.encode()
