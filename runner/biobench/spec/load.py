"""Loading the specification (SPEC.md, section "Documents").

In: the folder that holds ``v1/`` (default: where :func:`spec_root` finds it). Out: frozen documents
by id. An unknown key, a wrong type or a missing document is a SpecError with file and pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

from biobench.errors import SpecError, UsageError
from biobench.spec.bundle import bundle_digest, bundle_value
from biobench.spec.check import check_library, check_own_task, own_value
from biobench.spec.documents import (
    AssociationRules,
    CanonicalRecipe,
    ComparisonRules,
    Counts,
    Dataset,
    Division,
    IntervalRules,
    Layout,
    Metric,
    ModelEntry,
    Protocol,
    Suite,
    Task,
)
from biobench.spec.library import Document, Library, read_library
from biobench.spec.location import spec_root
from biobench.spec.pinned import pinned
from biobench.spec.problems import choose
from biobench.spec.resolve import chain, in_division, merge
from biobench.spec.yaml_source import read_yaml


class Spec:
    """One version of the specification; :func:`load_spec` makes it."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._suite = library.documents["suite.yaml"].value

    @property
    def version(self) -> str:
        """The specification's semantic version."""
        return str(self._suite["spec_version"])

    @cached_property
    def suites(self) -> Mapping[str, Suite]:
        """Suites by id, in the order of suite.yaml."""
        return MappingProxyType({s["id"]: _suite(s, self._suite) for s in self._suite["suites"]})

    @cached_property
    def models(self) -> Mapping[str, ModelEntry]:
        """Short model names, in the order of models.yaml."""
        entries = self._library.documents["models.yaml"].value["models"]
        return MappingProxyType({entry["name"]: _model(entry) for entry in entries})

    @cached_property
    def recipes(self) -> tuple[CanonicalRecipe, ...]:
        """Canonical recipes, in the order of models.yaml."""
        entries = self._library.documents["models.yaml"].value.get("recipes", ())
        return tuple(_recipe(entry) for entry in entries)

    @property
    def interval_constants(self) -> Mapping[str, Any]:
        """The constants of intervals and comparisons: ``seed``, ``interval`` and ``comparison`` as
        suite.yaml has them."""
        names = ("seed", "interval", "comparison")
        return MappingProxyType({name: self._suite[name] for name in names})

    @property
    def tolerance(self) -> Mapping[str, float]:
        """Level T: ``feature_cosine``, ``equal_predictions``, ``score_difference``."""
        return MappingProxyType(dict(self._suite["tolerance"]))

    def schema(self, name: str) -> Mapping[str, Any]:
        """The JSON Schema ``schema/<name>.schema.json``.

        Raises:
            KeyError: The name is not known.
        """
        return self._library.schemas[name]

    @cached_property
    def digest(self) -> str:
        """Digest of :meth:`bundle`."""
        return bundle_digest(self.bundle())

    def bundle(self) -> dict[str, Any]:
        """Documents, schemas and vectors by path, as one JSON value."""
        return bundle_value(self._library)

    @property
    def library(self) -> Library:
        """The documents as read, with their lines."""
        return self._library

    def task_ids(self) -> tuple[str, ...]:
        """Ids of all tasks that have a document, sorted."""
        return tuple(sorted(self._library.by_id["task"]))

    def dataset_ids(self) -> tuple[str, ...]:
        """Ids of all data sets, sorted."""
        return tuple(sorted(self._library.by_id["dataset"]))

    def protocol_ids(self) -> tuple[str, ...]:
        """Ids of all protocols, sorted."""
        return tuple(sorted(self._library.by_id["protocol"]))

    def task(self, id: str, division: str = "official", version: int | None = None) -> Task:
        """A task, resolved for a division.

        Args:
            id: Id of the task.
            division: ``official``, ``compat`` or ``open``.
            version: The current one, unless a superseded one is asked for, which comes with the
                protocol and the data set that it pins.

        Raises:
            SpecError: The id or version is not known.
            UsageError: The division is not known.
        """
        document = self._find("task", id, version)
        links = chain(document, self._library.by_id["task"])
        assert isinstance(links, list)  # load_spec has refused unknown parents and cycles
        return _task(merge(links), _division(division), pinned(self._library, document))

    def dataset(self, id: str, version: int | None = None) -> Dataset:
        """A data set.

        Raises:
            SpecError: The id is not known.
        """
        return _dataset(self._find("dataset", id, version).value)

    def protocol(self, id: str, division: str = "official", version: int | None = None) -> Protocol:
        """A protocol with the constants of a division.

        Raises:
            SpecError: The id is not known.
        """
        return _protocol(self._find("protocol", id, version).value, _division(division))

    def own_task(self, document: Document, division: str = "open") -> Task:
        """A person's own task as a value.

        Its division is ``open``, or ``compat`` where that is asked for.

        Raises:
            SpecError: The task is not valid; gives its first problem.
        """
        for problem in check_own_task(document, self._library):
            raise problem.exception()
        own: Division = "compat" if _division(division) == "compat" else "open"
        return _task(own_value(document, self._library), own, self._library)

    def _find(self, kind: str, id: str, version: int | None) -> Document:
        known = self._library.by_id[kind]
        current = known.get(id)
        if current is None:
            raise SpecError(f"no {kind} {id!r}", remedy=choose(id, sorted(known)))
        document = current if version is None else self._library.version(kind, id, version)
        if document is not None:
            return document
        raise SpecError(
            f"{kind} {id} has no version {version}",
            remedy=f"the current version is {current.value['version']}",
        )


def load_spec(root: Path | None = None) -> Spec:
    """Load the specification below ``root``, the folder that holds ``v1/``; by default the runner's
    own.

    Raises:
        SpecError: A document is not valid; gives the first problem of any.
    """
    return _own_spec() if root is None else _load(root, None)


def task_from_file(path: Path, spec: Spec, division: str = "open") -> Task:
    """Read a person's own task from a YAML file, in division ``open`` or, where asked for,
    ``compat``.

    Keys that a task of the suite must state and an own one may leave out are in resolve.OWN_TASK. A
    ``folder`` of the data set is seen from that of the file, which then has the tables too.

    Raises:
        SpecError: The task is not valid; gives file, line, pointer and remedy.
    """
    document = Document("task", str(path), read_yaml(path))
    task = spec.own_task(document, division)
    named = document.value.get("dataset")
    if not isinstance(named, dict) or "folder" not in named:
        return task
    # Absolute, since a run may lose its working folder.
    beside = path.absolute().parent
    return with_folder(task, beside / named["folder"], beside)


def with_folder(task: Task, folder: Path, tables: Path | Mapping[str, bytes]) -> Task:
    """``task`` with the folder of its images, and that of its tables or what they hold."""
    layout = replace(task.dataset.layout, tables=tables)
    return replace(task, dataset=replace(task.dataset, folder=folder, layout=layout))


@cache
def _own_spec() -> Spec:
    root = spec_root()
    return _load(root, "spec/v1")


def _load(root: Path, shown: str | None) -> Spec:
    library, problems = read_library(root, shown)
    for problem in problems or check_library(library):
        raise problem.exception()
    return Spec(library)


def _division(name: str) -> Division:
    for known in get_args(Division):
        if name == known:
            return cast(Division, known)
    raise UsageError(f"there is no division {name!r}", remedy="give official, compat or open")


def _suite(suite: Mapping[str, Any], shared: Mapping[str, Any]) -> Suite:
    members = tuple(suite["members"])
    return Suite(
        id=suite["id"],
        title=suite["title"],
        tasks=tuple(member for member in members if member not in suite["pending"]),
        seed=shared["seed"],
        micro_batch_cpu=shared["micro_batch"]["cpu"],
        micro_batch_cuda=shared["micro_batch"]["cuda"],
        interval=_interval(shared["interval"]),
        comparison=ComparisonRules(
            **{field.name: shared["comparison"][field.name] for field in fields(ComparisonRules)}
        ),
        association=AssociationRules(
            **{field.name: shared["association"][field.name] for field in fields(AssociationRules)}
        ),
        members=members,
    )


def _interval(value: Mapping[str, Any]) -> IntervalRules:
    table = tuple((freedom, quantile) for freedom, quantile in value["t_quantiles"])
    # The schema takes one method alone, which biobench.metric.score names.
    rules = {key: value[key] for key in value if key != "method"}
    return IntervalRules(**{**rules, "t_quantiles": table})


def _task(value: Mapping[str, Any], division: Division, library: Library) -> Task:
    value = in_division(value, division)
    named, known = value["dataset"], library.by_id["dataset"]
    dataset = _dataset(known[named].value) if isinstance(named, str) else _own_dataset(named)
    protocol = library.by_id["protocol"][value["protocol"]].value
    return Task(
        id=value["task"],
        version=value["version"],
        title=value["title"],
        division=division,
        taxa=value["taxa"],
        modality=value["modality"],
        mission=value["mission"],
        citation=value["citation"],
        dataset=dataset,
        split_rule=value["split"],
        label_rule=value["label_rule"],
        counts=Counts(**value["counts"]),
        view=MappingProxyType(dict(value["view"])),
        protocol=_protocol(protocol, division),
        metrics=tuple(Metric(**metric) for metric in value["metrics"]),
        feature=value["feature"],
        errata=(*value["errata"], *protocol["errata"]),
        declarable=value.get("declarable", False),
    )


def _protocol(value: Mapping[str, Any], division: Division) -> Protocol:
    overrides = value["compat"] if division == "compat" else {}
    constants = MappingProxyType({**value["constants"], **overrides})
    return Protocol(value["protocol"], value["kind"], value["version"], constants)


def _dataset(value: Mapping[str, Any]) -> Dataset:
    return Dataset(
        id=value["dataset"],
        title=value["title"],
        version=value["version"],
        status=value["status"],
        licence=value["licence"],
        citation=value["citation"],
        sources=tuple(MappingProxyType(dict(source)) for source in value["sources"]),
        layout=_layout(value["layout"]),
        unknown=MappingProxyType(dict(value["unknown"])),
        files=MappingProxyType(dict(value["files"])),
        page=value.get("page"),
        notes=tuple(value["notes"]),
        videos=MappingProxyType(dict(value["videos"])) if "videos" in value else None,
    )


def _own_dataset(value: Mapping[str, Any]) -> Dataset:
    reason = "A person's own data set."
    files = {"count": None, "bytes": None, "digest": None}
    unknown = {f"/files/{key}": reason for key in files}
    if value.get("licence") is None:
        unknown["/licence"] = reason
    return Dataset(
        id=value["id"],
        title=value.get("title", value["id"]),
        version="1",
        status="manual",
        licence=value.get("licence"),
        citation=value.get("citation", ""),
        sources=(),
        layout=_layout(value["layout"]),
        unknown=MappingProxyType(unknown),
        files=MappingProxyType(files),
    )


def _layout(value: Mapping[str, Any]) -> Layout:
    return Layout(value["id"], MappingProxyType(dict(value["options"])))


def _model(entry: Mapping[str, Any]) -> ModelEntry:
    return ModelEntry(
        name=entry["name"],
        resolves_to=entry["resolves_to"],
        revision=entry["revision"],
        licence=entry["licence"],
        overlap=tuple(entry["overlap"]),
        source=entry["source"],
        feature=entry["feature"],
        repository=entry.get("repository"),
        revision_sources=entry.get("revision_sources"),
        weights_sha256=MappingProxyType(dict(entry.get("weights_sha256", {}))),
        training_data=entry.get("training_data"),
        recipe=entry.get("recipe"),
        unknown=MappingProxyType({k.removeprefix("/"): why for k, why in entry["unknown"].items()}),
    )


def _recipe(entry: Mapping[str, Any]) -> CanonicalRecipe:
    return CanonicalRecipe(**{**entry, "applies_to": tuple(entry["applies_to"])})
