"""Running a result again from nothing, with an empty store.

In: a result, and the user's paths. Out: a new result with a store of its own. Only here is a model
loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biobench.errors import UsageError
from biobench.report.results import Results
from biobench.run.external_scores import Declaration
from biobench.run.options import OnBadImage, Options
from biobench.spec.documents import Division
from biobench.spec.load import Spec
from biobench.verify.loaded_model import model_to_load

STORE = "store"
OUT = "result"


@dataclass(frozen=True)
class RerunOptions:
    """The user's options for running again.

    Attributes:
        folder: Folder for the new result and its store.
        model: Model to use instead of the name in the result.
        data: Folder of the images.
        own: Files of own tasks by id.
    """

    folder: Path
    model: str | None
    data: Path | None
    own: Mapping[str, Path]
    workers: int | None
    offline: bool
    quiet: bool


def options_again(
    results: Results, said: Mapping[str, Any], given: RerunOptions, spec: Spec
) -> Options:
    """The options that make a result again.

    The tasks, the settings and the name of the model come from the result, paths from ``given``,
    else from the recorded command.

    Args:
        results: The result.
        said: Options of the recorded command by name.
        given: The user's options.
        spec: The specification.

    Raises:
        UsageError: The model is somebody's own code that the user did not name, or the file of an
            own task is not known.
    """
    document = results.document
    model = model_to_load(results, said, given.model, spec)
    if model.startswith("py:") and given.model is None:
        raise UsageError(
            f"the result was made by code of its author: {model[:200]}",
            remedy="if you know that code and have it here, give --model the same name",
        )
    run = [id for id, entry in results.tasks.items() if not entry["declared"]]
    suite = spec.suites.get(str(document["suite"]))
    whole = suite is not None and set(suite.members) == set(results.tasks)
    recorded = said.get("data")
    division: Division = "compat" if document["division"] == "compat" else "official"
    return Options(
        model=model,
        suite=document["suite"] if whole else None,
        tasks=() if whole else tuple(_task(id, given, spec) for id in run),
        data=given.data or (recorded if recorded is not None and recorded.is_dir() else None),
        out=given.folder / OUT,
        store=given.folder / STORE,
        engine="torch" if document["model"]["program"] is None else "exact",
        # A result of a CPU is run again on a CPU, also where there is a GPU.
        device="cpu" if document["environment"]["gpu"] is None else "auto",
        division=division,
        n_train=document["n_train"],
        declare=tuple(
            Declaration(id, entry["score"], entry["source"])
            for id, entry in results.tasks.items()
            if entry["declared"]
        ),
        workers=given.workers,
        precision=document["model"]["precision"],
        micro_batch=document["model"]["micro_batch"],
        on_bad_image=_on_bad_image(results),
        offline=given.offline or bool(said.get("offline")),
        quiet=given.quiet,
    )


def _on_bad_image(results: Results) -> OnBadImage:
    """The treatment of unreadable images that the result shows."""
    if any(entry.get("left_out") for entry in results.tasks.values()):
        return "leave-out"
    return "report" if results.document["bad_images"] else "stop"


def _task(id: str, given: RerunOptions, spec: Spec) -> str:
    if id in spec.task_ids():
        return id
    if id in given.own:
        return str(given.own[id])
    raise UsageError(
        f"{id} is a task of a person's own, and its file is not known here",
        remedy="give --task the file",
    )
