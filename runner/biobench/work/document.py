"""The document of a plan: models, tasks and the slices that workers embed.

In: a file. Out: a plan whose parts have digests; names of folders and hosts are in none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain, write_atomically
from biobench.errors import DataError, UsageError, shown
from biobench.run.options import PRECISIONS
from biobench.spec.canonical import CanonicalError, canonical_json, parse_json, sha256_json
from biobench.work.slices import Slice

KIND = "biobench-plan"
MOST_BYTES = 256 << 20
_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_TEXT = {"type": "string", "minLength": 1}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Mapping[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


SCHEMA = _object(
    kind={"const": KIND},
    biobench=_TEXT,
    digest=_DIGEST,
    places=_object(data=_TEXT_OR_NULL, tasks=_list(_TEXT)),
    content=_object(
        spec=_DIGEST,
        options=_object(
            suite=_TEXT_OR_NULL,
            engine={"enum": ["auto", "exact", "torch"]},
            device={"enum": ["auto", "cpu", "cuda"]},
            division={"enum": ["official", "compat"]},
            n_train={"type": ["integer", "null"], "minimum": 1},
            on_bad_image={"enum": ["stop", "report", "leave-out"]},
            declare=_list(_object(task=_TEXT, score={"type": "number"}, source=_TEXT)),
        ),
        models=_list(
            _object(
                model=_TEXT,
                precision={"enum": list(PRECISIONS)},
                folder={"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
            ),
            1,
        ),
        tasks=_list(
            _object(
                task=_TEXT,
                version=_COUNT,
                manifest=_DIGEST,
                images=_COUNT,
                slices=_list({"type": "array", "items": _COUNT, "minItems": 3, "maxItems": 3}, 1),
            ),
            1,
        ),
    ),
)
"""JSON Schema of a plan; a slice is [first row, row after its last, images]."""


@dataclass(frozen=True)
class PlannedModel:
    """A model of a plan; ``folder``: the name of its result's folder."""

    model: str
    precision: str
    folder: str


@dataclass(frozen=True)
class PlannedTask:
    """A task of a plan, with the digest of its whole manifest and the rows that it has."""

    task: str
    version: int
    manifest: str
    images: int
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class PlanPart:
    """Features of one slice of a task by one model; ``name``: 64 hexadecimal digits."""

    model: int
    task: int
    rows: Slice
    name: str


@dataclass(frozen=True)
class WorkPlan:
    """A plan as its file has it.

    Attributes:
        biobench: Version of the program that made it.
        spec: Digest of the specification.
        options: The options of a run that move scores.
        data: Folder of the data where the plan was made.
        names: Tasks as the user named them there; none where a suite was meant.
    """

    biobench: str
    spec: str
    options: Mapping[str, Any]
    models: tuple[PlannedModel, ...]
    tasks: tuple[PlannedTask, ...]
    data: str | None
    names: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Digest of all but the places where the data lay."""
        return sha256_json({"biobench": self.biobench, "content": self._content()})

    @cached_property
    def parts(self) -> tuple[PlanPart, ...]:
        """Every part, model by model and task by task."""
        return tuple(self._parts())

    def job(self, model: int, task: int | None = None) -> str:
        """The name of probing a task by a model, or of the report of a model: 64 hexadecimal
        digits."""
        of = self._task_scope(task, model) if task is not None else self.digest
        return _name(["report" if task is None else "probe", of, self._model(model)])

    def _parts(self) -> Iterator[PlanPart]:
        for model in range(len(self.models)):
            for task, planned in enumerate(self.tasks):
                scope = self._task_scope(task, model)
                for rows in planned.slices:
                    yield PlanPart(model, task, rows, _name(["part", scope, rows.start, rows.stop]))

    def _task_scope(self, task: int, model: int) -> str:
        of = self.tasks[task]
        options = {key: value for key, value in self.options.items() if key != "declare"}
        return sha256_json(
            [
                self.biobench,
                self.spec,
                options,
                of.task,
                of.version,
                of.manifest,
                self._model(model),
            ]
        )

    def _model(self, model: int) -> list[str]:
        return [self.models[model].model, self.models[model].precision]

    def _content(self) -> dict[str, Any]:
        return {
            "spec": self.spec,
            "options": dict(self.options),
            "models": [vars(model) for model in self.models],
            "tasks": [
                {**vars(task), "slices": [[s.start, s.stop, s.images] for s in task.slices]}
                for task in self.tasks
            ],
        }

    def value(self) -> dict[str, Any]:
        """The plan as a JSON value."""
        return {
            "kind": KIND,
            "biobench": self.biobench,
            "digest": self.digest,
            "places": {"data": self.data, "tasks": list(self.names)},
            "content": self._content(),
        }


def _name(value: Any) -> str:
    return sha256_json(value).removeprefix("sha256:")


def write_plan(plan: WorkPlan, path: Path) -> None:
    """Write a plan as canonical JSON, whole or not at all."""
    write_atomically(path, canonical_json(plan.value()) + b"\n")


def read_plan(path: Path) -> WorkPlan:
    """Read a plan.

    Raises:
        UsageError: The file cannot be read, or another version of biobench made it.
        DataError: It is no plan, or damaged.
    """
    try:
        value = parse_json(read_plain(path, MOST_BYTES))
    except Unreadable as error:
        raise UsageError(error.what, where=str(path), remedy=error.remedy) from error
    except CanonicalError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise _damaged(path, "it is not a plan")
    made_by, own = value.get("biobench"), version("biobench")
    if isinstance(made_by, str) and made_by != own:
        raise UsageError(
            f"was made by biobench {made_by}, and this is {own}",
            where=str(path),
            remedy="use one version for a plan and its workers, or make the plan again",
        )
    plan = _plan_of(value, path)
    if plan.digest != value["digest"]:
        raise _damaged(path, "its digest differs from its content")
    return plan


def _plan_of(value: dict[str, Any], path: Path) -> WorkPlan:
    from biobench.spec.validator import validator

    for flaw in validator(SCHEMA).iter_errors(value):
        place = "/".join(map(str, flaw.absolute_path))
        raise _damaged(path, f"{place or 'it'} {shown(flaw.message)[:120]}")
    content, places = value["content"], value["places"]
    tasks = tuple(
        PlannedTask(**{**task, "slices": tuple(Slice(*rows) for rows in task["slices"])})
        for task in content["tasks"]
    )
    for task in tasks:
        if any(not rows.start < rows.stop <= task.images for rows in task.slices):
            raise _damaged(path, f"a slice of {task.task} has rows that are not there")
    models = tuple(PlannedModel(**model) for model in content["models"])
    folders = [model.folder.lower() for model in models]
    if len(set(folders)) < len(folders) or {".", ".."} & set(folders):
        raise _damaged(path, "two models share a folder, or have none")
    return WorkPlan(
        value["biobench"],
        content["spec"],
        content["options"],
        models,
        tasks,
        places["data"],
        tuple(places["tasks"]),
    )


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"is damaged, or not a plan of biobench: {why}",
        where=str(path),
        remedy="make it again with `biobench plan`",
    )
