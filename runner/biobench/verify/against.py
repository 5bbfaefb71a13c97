"""Comparison of two results, along the evidence chain (SPEC.md, section "Evidence").

In: two results, and where their evidence may lie. Out: a report that says for each stage whether
the two are equal, how far they are apart, and which level they reached together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biobench._common.store import Store
from biobench.data.locate import locate
from biobench.embed.evidence import Evidence
from biobench.probe.registry import is_exact
from biobench.report.document import STRENGTH
from biobench.report.results import Results
from biobench.repro.software import differing_software
from biobench.spec.load import Spec
from biobench.verify.document import torch_level, with_gpu
from biobench.verify.findings import Finding, Level, Report
from biobench.verify.from_data import Images, rows_difference
from biobench.verify.measure import (
    Distance,
    feature_distance,
    pixel_distance,
    prediction_distance,
    score_distance,
)
from biobench.verify.recipes import recipe_of
from biobench.verify.rules import task_rules
from biobench.verify.stored import stored_evidence

_RUN_OPTIONS = ("suite", "division", "n_train")
_MODEL = ("feature", "precision")
_OF_WEIGHTS = ("dim", "parameters")
"""Values that are equal wherever weights and feature are equal."""


@dataclass(frozen=True)
class ResultPair:
    """Two results with the locations of their evidence.

    Attributes:
        ours: Images of ``a``, where known.
        theirs: Images of ``b``, where known.
    """

    a: Results
    b: Results
    ours: Images
    theirs: Images
    stores: Sequence[Store]


def compare(pair: ResultPair, spec: Spec) -> Report:
    """Report whether the second result reproduces the first.

    A difference holds where it follows from equal inputs, both promise no more than level T, and it
    is within the tolerance of the specification. Both results must fit their schema.
    """
    return _Comparison(pair, spec).report()


def shared_level(a: Results, b: Results) -> str:
    """The level that two results share for features from equal inputs: F, E or T.

    One program gives equal bits with whatever software, on any processor.
    """
    programs = {results.document["model"]["program"] for results in (a, b)}
    if programs == {None}:
        return shared_by_torch(a, b)
    claims = {results.document["levels"]["features"] for results in (a, b)}
    return "F" if claims == {"F"} and len(programs) == 1 else "T"


def shared_by_torch(a: Results, b: Results) -> str:
    """The level that two results share for what torch computes from equal inputs: E or T.

    Equal bits are promised by equal software with one micro-batch alone, on one model of GPU, or on
    one type of processor.
    """
    records = [results.document for results in (a, b)]
    devices = [_device(record["environment"]) for record in records]
    equal = (
        devices[0] == devices[1]
        and None not in devices[0]
        and records[0]["model"]["micro_batch"] == records[1]["model"]["micro_batch"]
        and all(record["levels"]["features"] == "E" for record in records)
        and all(torch_level(results) == "E" for results in (a, b))
        and not differing_software(*records)
    )
    return "E" if equal else "T"


def _device(environment: Mapping[str, Any]) -> tuple[str, str | None]:
    """The kind of device that torch computed on, and its model where it is known."""
    gpu = environment["gpu"]
    return ("GPU", gpu) if gpu is not None else ("CPU", environment["cpu_type"])


def same_from_predictions(a: Results, b: Results) -> bool:
    """True where two results have the same digests from the predictions on, whatever their features
    were; two laboratories then agree on the number."""
    tasks = [
        {id: (entry["score"], entry["digests"].get("predictions")) for id, entry in r.tasks.items()}
        for r in (a, b)
    ]
    roots = all(a.digests[stage] == b.digests[stage] for stage in ("predictions", "score"))
    return roots and tasks[0] == tasks[1] and a.mean == b.mean


class _Comparison:
    """Findings and levels, gathered task by task."""

    def __init__(self, pair: ResultPair, spec: Spec) -> None:
        self._pair = pair
        self._spec = spec
        self._tolerance = spec.tolerance
        self._promise = shared_level(pair.a, pair.b)
        self._by_torch = shared_by_torch(pair.a, pair.b)
        self._findings: list[Finding] = []
        self._levels: dict[str, list[Level]] = {}
        rules, _ = task_rules(pair.a, spec)
        self._kinds = {
            id: rule.document.protocol.kind for id, rule in rules.items() if rule.document
        }

    def report(self) -> Report:
        a, b = self._pair.a, self._pair.b
        self._findings += _setup(a, b)
        self._findings.append(_software(a, b))
        for stage in ("spec", "recipe", "weights"):
            self._findings.append(_root(stage, a, b))
        same_inputs = all(finding.holds for finding in self._findings)
        tasks = [id for id, entry in a.tasks.items() if _run_in_both(entry, b.tasks.get(id))]
        for id in tasks:
            self._task(id, same_inputs)
        self._score_of_mean()
        claims = [results.document["levels"] for results in (a, b)]
        claimed: dict[str, Level] = {
            stage: _weaker(claims[0][stage], claims[1][stage]) for stage in claims[0]
        }
        claimed["data"] = "D"
        # Each may claim equal bits among results of its kind; these two may not be of one kind.
        promises = {"features": self._promise, "predictions": self._by_torch}
        for stage, promise in promises.items():
            if promise == "T" and claimed[stage] in ("E", "F"):
                claimed[stage] = "T"
        reached = {
            stage: None if None in levels else max(filter(None, levels), key=STRENGTH.index)
            for stage, levels in self._levels.items()
        }
        return Report(tuple(_summed(self._findings)), claimed, reached)

    def _task(self, id: str, same_inputs: bool) -> None:
        pair = self._pair
        ours, theirs = pair.a.tasks[id]["digests"], pair.b.tasks[id]["digests"]
        equal = {stage: ours[stage] == theirs[stage] for stage in ours}
        evidence, missing = None, ""
        if not all(equal[stage] for stage in ("manifest", "pixels", "features")):
            sides = [stored_evidence(pair.stores, results, id) for results in (pair.a, pair.b)]
            whole = [side.evidence for side in sides if side.evidence is not None]
            evidence = (whole[0], whole[1]) if len(whole) == 2 else None
            missing = next((side.missing for side in sides if side.evidence is None), "")
        unknown = Distance(f"how far cannot be measured: {missing}; give --store where they are")

        distance = unknown
        if evidence and not equal["manifest"]:
            distance = Distance(rows_difference(evidence[1].rows, evidence[0].rows))
        self._add("data", id, equal["manifest"], distance, level="D")

        distance = unknown
        if evidence and not equal["pixels"]:
            recipe = recipe_of(pair.a.document["model"]["recipe"])
            roots = (self._root(id, pair.ours), self._root(id, pair.theirs))
            distance = pixel_distance(*evidence, roots, recipe, pair.ours.workers)
        self._add("pixels", id, equal["pixels"], distance, level="D")

        same_inputs = same_inputs and equal["manifest"] and equal["pixels"]
        self._features(id, equal, evidence, unknown, same_inputs)
        self._predictions(id, equal, same_inputs)

    def _features(
        self,
        id: str,
        equal: Mapping[str, bool],
        evidence: tuple[Evidence, Evidence] | None,
        unknown: Distance,
        same_inputs: bool,
    ) -> None:
        within: bool | None = False
        distance = Distance("") if equal["features"] else unknown
        if evidence and not equal["features"]:
            distance = feature_distance(*evidence)
        if same_inputs and self._promise == "T":
            least = distance.size.get("least_cosine")
            within = None if least is None else least >= self._tolerance["feature_cosine"]
        self._add("features", id, equal["features"], distance, level=self._promise, within=within)

    def _predictions(self, id: str, equal: Mapping[str, bool], same_inputs: bool) -> None:
        a, b = self._pair.a, self._pair.b
        exact = is_exact(self._kinds.get(id), gpu=with_gpu(a) or with_gpu(b))
        distance, within = Distance(""), False
        if not equal["predictions"]:
            distance = prediction_distance(a.unchecked_predictions(id), b.unchecked_predictions(id))
            share = distance.size.get("equal", 0.0)
            within = share >= self._tolerance["equal_predictions"] and not distance.size["alone"]
            # Equal features leave room for a difference only where a probe is trained, at level T.
            within = within and not (equal["features"] and (exact or self._by_torch != "T"))
            within = within and same_inputs
        level = "P" if exact else self._by_torch
        self._add(
            "predictions", id, equal["predictions"], distance,
            level=level if equal["features"] else "T", within=within,
        )  # fmt: skip
        distance, within = Distance(""), False
        if not equal["score"]:
            distance = score_distance(a.tasks[id], b.tasks[id])
            apart = abs(distance.size["difference"])
            within = apart <= self._tolerance["score_difference"] and not equal["predictions"]
            within = within and same_inputs
        self._add(
            "score", id, equal["score"], distance,
            level="S" if equal["predictions"] else "T", within=within,
        )  # fmt: skip

    def _add(
        self,
        stage: str,
        id: str,
        equal: bool,
        distance: Distance,
        *,
        level: str,
        within: bool | None = False,
    ) -> None:
        """Add the finding and the level of a task at a stage.

        Args:
            stage: The stage.
            id: The task.
            equal: True where both are equal.
            distance: The measured difference.
            level: The level that is reached where both are equal.
            within: True where level T allows the difference, None where it could not be measured.
        """
        self._levels.setdefault(stage, []).append(level if equal else "T" if within else None)
        if equal:
            self._findings.append(Finding(stage, True, "", id))
        else:
            self._findings.append(Finding(stage, within, distance.text, id, distance.size))

    def _root(self, id: str, images: Images) -> Any:
        task = images.own.get(id) or (self._spec.task(id) if id in self._spec.task_ids() else None)
        alone = sum(not entry["declared"] for entry in self._pair.a.tasks.values()) == 1
        return None if task is None else locate(task, images.data, only_task=alone)

    def _score_of_mean(self) -> None:
        a, b = self._pair.a.mean, self._pair.b.mean
        if a is None or b is None or a == b:
            return
        distance = score_distance(a, b)
        # A mean is as close as its tasks are.
        close = all(finding.holds for finding in self._findings if finding.stage == "score")
        self._findings.append(Finding("score", close, distance.text, "mean", distance.size))


def _run_in_both(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> bool:
    return theirs is not None and not ours["declared"] and not theirs["declared"]


def _weaker(a: str, b: str) -> str:
    return max(a, b, key=STRENGTH.index)


def _setup(a: Results, b: Results) -> Iterator[Finding]:
    """Compare the tasks that both ran, and the options."""
    faults = [
        f"{name} is {a.document[name]!r} and {b.document[name]!r}"
        for name in _RUN_OPTIONS
        if a.document[name] != b.document[name]
    ]
    faults += [
        f"{name} is {a.document['model'][name]!r} and {b.document['model'][name]!r}"
        for name in _MODEL
        if a.document["model"][name] != b.document["model"][name]
    ]
    for id in dict.fromkeys((*a.tasks, *b.tasks)):
        ours, theirs = a.tasks.get(id), b.tasks.get(id)
        if ours is None or theirs is None:
            faults.append(f"task {id} is in one of them only")
        elif ours["version"] != theirs["version"]:
            faults.append(f"task {id} has versions {ours['version']} and {theirs['version']}")
        elif ours["declared"] is not theirs["declared"]:
            faults.append(f"the score of {id} is declared in one of them only")
        elif ours["declared"] and ours["score"] != theirs["score"]:
            faults.append(f"different scores of {id} are declared")
    for fault in faults:
        yield Finding("setup", False, fault)
    if not faults:
        yield Finding("setup", True, "the same tasks, run in the same way")
    on = [results.document["environment"] for results in (a, b)]
    machines = [record["cpu"] if record["gpu"] is None else record["gpu"] for record in on]
    named = machines[0] if machines[0] == machines[1] else f"{machines[0]} and {machines[1]}"
    yield Finding("setup", True, f"on {named}, as the files say; no digest covers that")


def _software(a: Results, b: Results) -> Finding:
    """Compare the software and the environments of two results.

    A difference is not a fault: it says which bits were never promised to be equal.
    """
    size = {name: list(pair) for name, pair in differing_software(a.document, b.document).items()}
    apart = [f"{name} {one} and {other}" for name, (one, other) in size.items() if one != other]
    # Equal values that are listed all the same leave open what they were.
    unknown = [name for name, (one, other) in size.items() if one == other]
    parts = [f"between {', '.join(apart)}"] if apart else []
    parts += [f"where it is unknown of both which {', '.join(unknown)} it was"] if unknown else []
    text = f"no equal bits are promised {', and '.join(parts)}" if parts else ""
    ours, theirs = (results.document["environment"] for results in (a, b))
    others = {name: (ours[name], theirs[name]) for name in ("image", "base", "layers", "cpu_type")}
    for group in ("variables", "torch"):
        names = dict.fromkeys((*ours[group], *theirs[group]))
        others |= {name: (ours[group].get(name), theirs[group].get(name)) for name in names}
    others = {name: pair for name, pair in others.items() if pair[0] != pair[1]}
    size |= {name: list(pair) for name, pair in others.items()}
    said = [f"{name} is {one} and {other}" for name, (one, other) in others.items()]
    if not size:
        return Finding("software", True, "the same, as the files say; no digest covers that")
    return Finding("software", True, "; ".join(filter(None, [text, *said])), size=size)


def _root(stage: str, a: Results, b: Results) -> Finding:
    ours, theirs = a.digests[stage], b.digests[stage]
    if ours == theirs:
        models = [results.document["model"] for results in (a, b)]
        odd = [name for name in _OF_WEIGHTS if models[0][name] != models[1][name]]
        if stage == "weights" and models[0]["resolved"] == models[1]["resolved"] and odd:
            text = ", ".join(f"{name} is {models[0][name]} and {models[1][name]}" for name in odd)
            return Finding(stage, False, f"of one model with one digest, {text}")
        return Finding(stage, True, ours)
    text = f"{ours} and {theirs}"
    if stage == "recipe":
        recipes = [results.document["model"]["recipe"] for results in (a, b)]
        names = [name for name in recipes[0] if recipes[0][name] != recipes[1][name]]
        text = "; ".join(
            f"{name} is {recipes[0][name]} and {recipes[1][name]}"
            for name in names
            if name != "digest" or names == ["digest"]
        )
    if stage == "weights":
        named = [results.document["model"] for results in (a, b)]
        text = f"of {named[0]['resolved']} and {named[1]['resolved']}: {text}"
    return Finding(stage, False, text)


def _summed(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Tasks that are equal at a stage, as one finding."""
    equal: dict[str, list[str]] = {}
    for finding in findings:
        if finding.holds and finding.task and not finding.text:
            equal.setdefault(finding.stage, []).append(finding.task)
        else:
            yield finding
    others = {finding.stage for finding in findings if finding.task and finding.text}
    for stage, tasks in equal.items():
        which = ", ".join(tasks) if stage in others else "all tasks"
        yield Finding(stage, True, which)
