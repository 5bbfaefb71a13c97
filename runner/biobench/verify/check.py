"""What one result claims, looked at as far as files, images and stores at hand allow.

In: a result, the specification, and where to look. Out: a report by stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biobench.errors import BiobenchError, counted
from biobench.report.document import EXACT_KINDS
from biobench.report.results import Results
from biobench.spec.documents import Suite, Task
from biobench.spec.load import Spec
from biobench.store import Store
from biobench.verify.document import (
    check_digests,
    check_form,
    check_levels,
    check_official,
    check_recipe,
    check_sample,
    check_spec,
)
from biobench.verify.findings import Finding, Level, Report
from biobench.verify.from_data import (
    Images,
    check_exact,
    check_manifest,
    check_pixels,
    find_root,
    make_manifest,
)
from biobench.verify.rules import TaskRules, suite_of, task_rules
from biobench.verify.scores import check_scores
from biobench.verify.stored import Held, check_store, held


@dataclass(frozen=True)
class Places:
    """Where the evidence beside a result may lie."""

    images: Images
    stores: Sequence[Store]


def check(results: Results, spec: Spec, places: Places, *, scores_only: bool = False) -> Report:
    """Everything that can be looked at without the model; ``scores_only``: what the result and its
    predictions tell by themselves.

    Raises DataError for a predictions file that cannot be read.
    """
    form = check_form(results.document, spec)
    if not form[0].holds:
        # Nothing more can be asked of a document that has another shape.
        return Report(tuple(form), {}, {})
    rules, faults = task_rules(results, spec)
    findings = [*form, *check_spec(results, spec), *faults, *check_digests(results)]
    findings += [*check_recipe(results), *check_sample(results, rules)]
    suite = suite_of(results, spec)
    if suite is not None:
        findings += check_levels(results, rules, spec)
        findings += check_scores(results, rules, suite)
        findings += check_official(results, rules, spec)
        if not scores_only:
            findings += _chain(results, rules, suite, places)
    findings.append(Finding("weights", None, "only --rerun looks at the model's weights"))
    claimed: dict[str, Level] = {"data": "D", **results.document["levels"]}
    return Report(tuple(findings), claimed, _reached(findings, rules))


def _chain(
    results: Results, rules: Mapping[str, TaskRules], suite: Suite, places: Places
) -> Iterator[Finding]:
    """From data to features, as far as they are here, one task after the other."""
    evidence: dict[str, Held] = {}
    absent: dict[str, str] = {}
    made: dict[str, list[Finding]] = {"data": [], "pixels": [], "predictions": []}
    for id, rule in rules.items():
        found = held(places.stores, results, id)
        evidence[id] = found.let_go()
        task = rule.document or places.images.own.get(id)
        if task is None:
            absent[id] = "a task of a person's own: give --task its file, and --data"
            continue
        root = find_root(task, results, places.images)
        if root is None:
            absent[id] = "give --data the folder of the images"
            continue
        for finding in _task(task, results, suite, root, found, places.images):
            made[finding.stage].append(finding)
    yield from _bad_images(made["pixels"], len(rules), results.document["bad_images"])
    for stage, findings in made.items():
        yield from _summed(stage, findings, len(rules))
    for reason in dict.fromkeys(absent.values()):
        of = [id for id, why in absent.items() if why == reason]
        named = "" if len(of) == len(rules) else f"{', '.join(of)}: "
        for stage in ("data", "pixels"):
            yield Finding(stage, None, f"{named}{reason}")
    yield from check_store(evidence)


def _task(
    task: Task, results: Results, suite: Suite, root: Path, found: Held, images: Images
) -> Iterator[Finding]:
    id, entry = task.id, results.tasks[task.id]
    try:
        manifest = make_manifest(task, results, suite, root)
    except BiobenchError as error:
        yield Finding("data", False, f"the data here make no list of images: {error}", id)
        return
    same = check_manifest(id, entry, manifest, found.evidence)
    yield same
    if not same.holds:
        return
    yield check_pixels(id, results, manifest, images, found.evidence)
    if found.evidence is not None:
        exact = check_exact(task, suite, entry, manifest, found.evidence, images.workers)
        if exact is not None:
            yield exact


def _bad_images(decoded: Sequence[Finding], of: int, stated: int) -> Iterator[Finding]:
    """Whether the unreadable images are as many as stated, where all were decoded again."""
    bad = sum(finding.size.get("bad", 0) for finding in decoded)
    if all(finding.holds for finding in decoded) and len(decoded) == of and bad != stated:
        text = f"{counted(bad, 'image')} cannot be read here, and the result counts {stated}"
        yield Finding("pixels", False, text)


_DONE = {
    "data": "lists of images made again",
    "pixels": "images decoded again",
    "predictions": "made again from the features",
}


def _summed(stage: str, findings: Sequence[Finding], of: int) -> Iterator[Finding]:
    """Findings that hold as one line."""
    yield from (finding for finding in findings if not finding.holds)
    good = [finding for finding in findings if finding.holds]
    if good:
        named = [str(finding.task) for finding in good]
        which = "" if len(good) == of else f" ({', '.join(named)})"
        yield Finding(stage, True, f"{_DONE[stage]}, all equal{which}", size={"tasks": len(good)})


def _reached(findings: Sequence[Finding], rules: Mapping[str, TaskRules]) -> dict[str, Level]:
    """The level that each stage was seen to reach here, for every task."""

    def whole(stage: str) -> bool:
        found = [finding for finding in findings if finding.stage == stage]
        made = sum(finding.size.get("tasks", 0) for finding in found)
        return made == len(rules) > 0 and all(finding.holds for finding in found)

    exact = all(
        rule.document is not None and rule.document.protocol.kind in EXACT_KINDS
        for rule in rules.values()
    )
    scored = [finding.holds for finding in findings if finding.stage == "score"]
    reached: dict[str, Level] = {
        "data": "D" if whole("data") else None,
        "pixels": "D" if whole("pixels") else None,
        "predictions": "P" if exact and whole("predictions") else None,
        "score": "S" if scored and all(scored) else None,
    }
    return reached
