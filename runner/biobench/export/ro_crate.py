"""``ro-crate-metadata.json`` of a run's folder (RO-Crate 1.2), for archives such as Zenodo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain
from biobench._common.output import print_note
from biobench.compare.results import suite_and_division
from biobench.errors import DataError, UsageError, shown
from biobench.export.formats import ExportOptions
from biobench.report.current import read_from
from biobench.report.earlier import CRATE as FILE
from biobench.report.earlier import PAGE
from biobench.report.item_digests import STAGES, place_of
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results
from biobench.spec.canonical import sha256_bytes
from biobench.spec.load import Spec, task_from_file
from biobench.verify.load import tasks_beside

PROFILE = "https://w3id.org/ro/crate/1.2"
_MOST = 1 << 30
_KINDS = {
    ".json": "application/json",
    ".html": "text/html",
    ".parquet": "application/vnd.apache.parquet",
    ".yaml": "application/yaml",
    ".csv": "text/csv",
}


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The description of the folder's files with their sizes and digests.

    It belongs beside ``results.json``: ``--out RUN/ro-crate-metadata.json``.

    Raises:
        UsageError: No licence was given, or the result is not a folder.
        DataError: A file that the result names cannot be read.
    """
    (result,) = results
    if result.folder is None:
        raise UsageError("a crate describes a folder", remedy="give the folder of a run")
    if not options.license:
        raise UsageError(
            "a crate states the licence of its files",
            remedy="give --license with its address, such as https://spdx.org/licenses/CC0-1.0",
        )
    document, folder = result.document, read_from(result.folder)
    model, finished = document["model"], document["run"]["finished"]
    files = [_file(folder, name, about) for name, about in _files(result, folder, spec).items()]
    scores = [f"{task} {entry['score']:.4f}" for task, entry in result.tasks.items()]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"BioBench result of {model['name']}",
        "description": f"Scores of a frozen vision backbone, {suite_and_division(result)}, "
        f"specification {document['spec']['version']}: {', '.join(scores)}",
        "datePublished": finished,
        "license": {"@id": options.license},
        "identifier": document["digests"]["result"],
        "hasPart": [{"@id": file["@id"]} for file in files],
        "mentions": {"@id": "#run"},
    }
    software = f"#biobench-{document['biobench']}"
    graph: list[dict[str, Any]] = [
        {
            "@id": FILE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": PROFILE},
            "about": {"@id": "./"},
        },
        root,
        *files,
        {
            "@id": "#run",
            "@type": "CreateAction",
            "name": "biobench run",
            "startTime": document["run"]["started"],
            "endTime": finished,
            "instrument": {"@id": software},
            "result": [{"@id": file["@id"]} for file in files],
        },
        {
            "@id": software,
            "@type": "SoftwareApplication",
            "name": "biobench",
            "version": document["biobench"],
        },
        {
            "@id": options.license,
            "@type": "CreativeWork",
            "name": "Licence of the files",
            "url": options.license,
        },
    ]
    crate = {"@context": f"{PROFILE}/context", "@graph": graph}
    return (json.dumps(crate, indent=2, ensure_ascii=False) + "\n").encode()


def _files(result: Results, folder: Path, spec: Spec) -> dict[str, str]:
    """Names of the files of a result, with what they are."""
    found = {RESULTS: "scores, digests and environment"}
    if (folder / PAGE).is_file():
        found[PAGE] = "the page of the result"
    for task, entry in result.tasks.items():
        if not entry["declared"]:
            found[entry["predictions"]] = f"truth and prediction of each item of {task}"
            found |= {
                place_of(task, stage): f"digests of the {stage} of {task}, 32 bytes each"
                for stage in STAGES
            }
    return found | _task_files(result, folder, spec)


def _task_files(result: Results, folder: Path, spec: Spec) -> dict[str, str]:
    """The files of own tasks that lie in the folder of the result, and their tables.

    Those of a learning curve lie above the folders of its sizes, where no crate of a size can have
    them: a line says what to do.
    """
    found = {}
    for task, path in tasks_beside(folder, spec).items():
        if task in result.tasks and path.parent != folder:
            print_note(
                f"biobench: {shown(path.name)}, the task {task}, lies above the folder and is no "
                "file of the crate; copy it and its table into the folder, and export again"
            )
        elif task in result.tasks:
            found[path.name] = f"the task {task}"
            tables = task_from_file(path, spec).dataset.layout.options.get("table", ())
            for table in [tables] if isinstance(tables, str) else tables:
                if (folder / table).is_file():
                    found[table] = f"class and split of each image of {task}"
    return found


def _file(folder: Path, name: str, about: str) -> dict[str, Any]:
    try:
        data = read_plain(folder / name, _MOST)
    except Unreadable as error:
        raise DataError(error.what, where=str(folder / name), remedy=error.remedy) from error
    return {
        "@id": name,
        "@type": "File",
        "name": about,
        "encodingFormat": _KINDS.get(Path(name).suffix, "application/octet-stream"),
        "contentSize": str(len(data)),
        "sha256": sha256_bytes(data).removeprefix("sha256:"),
    }
