"""The checks of one result, as far as files, images and stores at hand allow.

In: a result, the specification, and where to look. Out: a report by stages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from biobench._common.store import Store
from biobench.data.counts import count_differences
from biobench.errors import BiobenchError, counted
from biobench.probe.registry import is_exact
from biobench.report.results import Results
from biobench.spec.documents import Suite, Task
from biobench.spec.load import Spec
from biobench.verify.document import (
    check_digests,
    check_form,
    check_levels,
    check_model,
    check_official,
    check_recipe,
    check_sample,
    check_spec,
    with_gpu,
)
from biobench.verify.findings import Finding, Level, Report
from biobench.verify.from_data import (
    Images,
    check_exact,
    check_left_out,
    check_manifest,
    check_pixels,
    find_root,
    sampled,
)
from biobench.verify.item_digests import check_item_digests
from biobench.verify.names import check_names
from biobench.verify.rules import TaskRules, suite_of, task_rules
from biobench.verify.scores import check_scores
from biobench.verify.stored import StoredEvidence, check_store, stored_evidence
from biobench.verify.truth import check_truth


@dataclass(frozen=True)
class Places:
    """Locations where the evidence beside a result may lie."""

    images: Images
    stores: Sequence[Store]


def check(results: Results, spec: Spec, places: Places, *, scores_only: bool = False) -> Report:
    """Check everything that needs no model.

    Args:
        results: The result.
        spec: The specification.
        places: Locations of images and stores.
        scores_only: Check only the result and its predictions.

    Raises:
        DataError: A predictions file cannot be read.
    """
    form = check_form(results.document, spec)
    if not form[0].holds:
        # A document of another shape cannot be checked further.
        return Report(tuple(form), {}, {})
    rules, faults = task_rules(results, spec, places.images.own)
    findings = [
        *form,
        *check_spec(results, spec),
        *check_model(results, spec),
        *faults,
        *check_digests(results),
    ]
    findings += [*check_recipe(results), *check_sample(results, rules)]
    suite = suite_of(results, spec)
    chain = Chain()
    if suite is not None:
        findings += check_levels(results, rules, spec, suite)
        scored = check_scores(results, rules, suite)
        findings += scored
        if not scores_only:
            odd = {finding.task for finding in scored if finding.stage == "predictions"}
            chain = _chain(results, rules, suite, places, odd)
            findings += chain.findings
        findings += check_official(results, rules, spec, chain.differences)
    findings.append(Finding("weights", None, "only --rerun looks at the model's weights"))
    claimed: dict[str, Level] = {"data": "D", **results.document["levels"]}
    return Report(tuple(findings), claimed, _reached(findings, rules, results), chain.truth)


@dataclass
class Chain:
    """The outcome of checking the evidence chain with data, images and stores at hand.

    Attributes:
        truth: By task, whether the predictions match the data, in words.
        differences: By task, differences of the counts from those of the task's document, where the
            data are here.
    """

    findings: list[Finding] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)


def _chain(
    results: Results,
    rules: Mapping[str, TaskRules],
    suite: Suite,
    places: Places,
    odd: Collection[str | None],
) -> Chain:
    """Check the chain from data to features, as far as its evidence is here, one task after the
    other.

    ``odd``: tasks whose predictions are not those that were scored; their predictions are not
    checked further.
    """
    chain = Chain()
    evidence: dict[str, StoredEvidence] = {}
    absent: dict[str, str] = {}
    made: dict[str, list[Finding]] = {stage: [] for stage in _DONE}
    for id, rule in rules.items():
        stored = stored_evidence(places.stores, results, id)
        evidence[id] = stored.without_arrays()
        chain.findings += _width(stored, id, results.document["model"]["dim"])
        task = rule.document or places.images.own.get(id)
        root = None if task is None else find_root(task, results, places.images)
        if task is None or root is None:
            absent[id] = _NO_DATA if task is not None else _NO_TASK
            chain.truth[id] = NOT_CHECKED
            chain.findings += () if id in odd else check_names(results, id, None)
            continue
        for finding in _task(task, results, suite, root, stored, places.images, chain, id in odd):
            made[finding.stage].append(finding)
        failed = any(f.task == id and f.holds is False for of in made.values() for f in of)
        chain.truth[id] = FAILS if failed or id in odd else HOLDS
    if places.images.sampled:
        text = "decoded for the sample alone; other images and bad_images not checked"
        chain.findings.append(Finding("pixels", None, text))
    chain.findings += _bad_images(made["pixels"], len(rules), results.document["bad_images"])
    for stage, findings in made.items():
        chain.findings += _summed(stage, findings, len(rules))
    true = [id for id, word in chain.truth.items() if word == HOLDS]
    if true:
        which = "" if len(true) == len(rules) else f" ({', '.join(true)})"
        text = f"items, true labels and columns are those of the data{which}"
        chain.findings.append(Finding("predictions", True, text))
    for reason in dict.fromkeys(absent.values()):
        of = [id for id, why in absent.items() if why == reason]
        named = "" if len(of) == len(rules) else f"{', '.join(of)}: "
        for stage in ("data", "pixels"):
            what = f"truth {NOT_CHECKED}; " if stage == "data" else "bad_images not checked; "
            chain.findings.append(Finding(stage, None, f"{named}{what}{reason}"))
    chain.findings += check_store(evidence)
    return chain


HOLDS, FAILS, NOT_CHECKED = "holds", "fails", "not checked: no data"
_NO_DATA = "give --data the folder of the images"
_NO_TASK = "a task of a person's own: give --task its file, and --data"


def _task(
    task: Task,
    results: Results,
    suite: Suite,
    root: Path,
    stored: StoredEvidence,
    images: Images,
    chain: Chain,
    odd: bool,
) -> Iterator[Finding]:
    id, entry = task.id, results.tasks[task.id]
    try:
        whole = images.manifest(task, results, root, suite.seed)
        manifest = sampled(task, results, whole)
    except BiobenchError as error:
        yield Finding("data", False, f"the data here make no list of images: {error}", id)
        return
    chain.differences[id] = count_differences(task, whole)
    same = check_manifest(id, entry, manifest, stored.evidence)
    yield same
    if not same.holds:
        return
    yield from check_left_out(id, results, whole, images)
    fault = check_item_digests(results, id, manifest)
    if fault is not None:
        yield fault
    bad_rows: dict[int, str] | None = None
    if not images.sampled:
        pixels, bad_rows = check_pixels(id, results, manifest, images, stored.evidence)
        yield pixels
    bad = bad_rows and {int(manifest.item_of_row[row]) for row in bad_rows}
    if not odd:
        yield from check_names(results, id, manifest)
        yield from check_truth(task, manifest, results.unchecked_predictions(id), bad)
    if stored.evidence is not None:
        exact = check_exact(
            task, suite, entry, manifest, stored.evidence,
            workers=images.workers, gpu=with_gpu(results),
        )  # fmt: skip
        if exact is not None:
            yield exact


def _width(stored: StoredEvidence, id: str, dim: int) -> Iterator[Finding]:
    """Check that stored features have the stated number of components."""
    if stored.evidence is not None and stored.evidence.features.shape[1] != dim:
        width = stored.evidence.features.shape[1]
        text = f"a feature in the store has {width} numbers, and the result says {dim}"
        yield Finding("features", False, text, id)


def _bad_images(decoded: Sequence[Finding], of: int, stated: int) -> Iterator[Finding]:
    """Check the number of unreadable images, as far as images were decoded again."""
    bad = sum(finding.size.get("bad", 0) for finding in decoded)
    whole = all(finding.holds for finding in decoded) and len(decoded) == of
    if bad > stated or (whole and bad != stated):
        text = f"{counted(bad, 'image')} cannot be read here, and the result counts {stated}"
        yield Finding("pixels", False, text)


_DONE = {
    "data": "lists of images made again",
    "pixels": "images decoded again",
    "features": "",
    "predictions": "made again from the features",
}


def _summed(stage: str, findings: Sequence[Finding], of: int) -> Iterator[Finding]:
    """Findings that hold, as one line."""
    yield from (finding for finding in findings if not finding.holds)
    good = [finding for finding in findings if finding.holds]
    if good:
        named = [str(finding.task) for finding in good]
        which = "" if len(good) == of else f" ({', '.join(named)})"
        yield Finding(stage, True, f"{_DONE[stage]}, all equal{which}", size={"tasks": len(good)})


def _reached(
    findings: Sequence[Finding], rules: Mapping[str, TaskRules], results: Results
) -> dict[str, Level]:
    """The level that each stage was seen to reach here, for every task."""
    gpu = with_gpu(results)
    more_formats = any(entry.get("formats") for entry in results.tasks.values())

    def whole(stage: str) -> bool:
        found = [finding for finding in findings if finding.stage == stage]
        made = sum(finding.size.get("tasks", 0) for finding in found)
        return made == len(rules) > 0 and all(finding.holds for finding in found)

    exact = all(
        rule.document is not None and is_exact(rule.document.protocol.kind, gpu=gpu)
        for rule in rules.values()
    )
    scored = [finding.holds for finding in findings if finding.stage == "score"]
    reached: dict[str, Level] = {
        "data": "D" if whole("data") else None,
        "pixels": ("E" if more_formats else "D") if whole("pixels") else None,
        "predictions": "P" if exact and whole("predictions") else None,
        "score": "S" if scored and all(scored) else None,
    }
    return reached
