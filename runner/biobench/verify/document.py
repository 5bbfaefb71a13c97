"""The checks of the document itself: its form, its digests, and its claims on levels and status.

In: a result and the specification. Out: findings. Nothing but the document is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from biobench.data.sample import can_be_sampled
from biobench.embed.micro_batch import possible
from biobench.errors import ModelError, SpecError
from biobench.models.names import DEMO, ModelName, parse_name, states_revision
from biobench.report.document import claimed_levels, stage_root
from biobench.report.official import OfficialClaim, unofficial_reasons
from biobench.report.result_document import result_digest
from biobench.report.results import Results
from biobench.repro.torch_state import altered
from biobench.spec.canonical import CanonicalError
from biobench.spec.documents import BENCHMARK, Suite, Task
from biobench.spec.load import Spec
from biobench.spec.schema_errors import flaws
from biobench.verify.findings import Finding
from biobench.verify.recipes import impossible_sides, recipe_of, torchvision_values
from biobench.verify.rules import TaskRules, suite_of

MOST_FLAWS = 100
"""Most flaws that are reported; an untrusted document may have one in every value."""
ROOTS = {
    "data": "manifest",
    "pixels": "pixels",
    "features": "features",
    "predictions": "predictions",
    "score": "score",
}
"""Root digests of a result and the digest of a task that each is made of."""


_TORCHVISION = ("timm:", "open_clip:")
"""Loaders whose tables are torchvision's throughout."""


def check_form(document: Any, spec: Spec, schema: str = "results") -> list[Finding]:
    """Check a document against its schema; one finding for each of the first flaws, or one finding
    that it fits."""
    found = [
        Finding("document", False, f"{flaw.pointer}: {flaw.message[:200]}; {flaw.remedy[:200]}")
        for flaw in flaws(document, spec.schema(schema), MOST_FLAWS)
    ]
    return found or [Finding("document", True, f"fits the schema of {document['schema']}")]


def check_spec(results: Results, spec: Spec) -> list[Finding]:
    """Check that the result was made by this specification, and that its suite exists."""
    made_by = results.document["spec"]
    findings = []
    if made_by["digest"] != spec.digest or made_by["version"] != spec.version:
        remedy = f"verify with biobench {results.document['biobench']}, which made it"
        if made_by["version"] == spec.version:
            remedy = "the documents of one of them were changed"
        text = (
            f"the result was made by version {made_by['version']} ({made_by['digest']}), here is "
            f"{spec.version} ({spec.digest}): {remedy}"
        )
        findings.append(Finding("spec", False, text))
    if results.digests["spec"] != made_by["digest"]:
        findings.append(Finding("spec", False, "digests.spec is not the specification's digest"))
    suite = suite_of(results, spec)
    if suite is None:
        text = f"there is no suite {results.document['suite']!r}"
        return [*findings, Finding("spec", False, text)]
    findings += _suite_faults(results, suite, spec)
    known = [task for task in suite.members if task in results.tasks]
    if list(results.tasks)[: len(known)] != known:
        findings.append(Finding("spec", False, "its tasks are not in the order of the suite"))
    return findings or [Finding("spec", True, f"version {spec.version}, {spec.digest}")]


def _suite_faults(results: Results, suite: Suite, spec: Spec) -> Iterator[Finding]:
    """Check that suite and division are those of a run of these tasks."""
    run = {id for id, entry in results.tasks.items() if not entry["declared"]}
    own = not run <= set(spec.task_ids())
    if own is not (results.document["division"] == "open"):
        text = "division open is that of a task of a person's own, and of no other result"
        yield Finding("spec", False, text)
    suites = [other for other in spec.suites.values() if run <= set(other.members)]
    if (suites and suite not in suites) or (not suites and suite.id != BENCHMARK):
        yield Finding("spec", False, f"its tasks are not run as those of suite {suite.id}")


def check_model(results: Results, spec: Spec) -> Iterator[Finding]:
    """Compare a result's facts on its model with its name and with the list of models."""
    model = results.document["model"]
    name = None if model["source"] == "python" else _parsed(model, spec)
    if name is not None and name.recorded != (model["name"], model["resolved"]):
        text = f"resolved is {model['resolved']!r}, and its name leads to {name.recorded[1]!r}"
        yield Finding("spec", False, text[:300])
    entry, pinned = (None, None) if name is None else (name.entry, name.pinned_entry)
    listed = {
        "revision_sources": pinned.revision_sources if pinned else None,
        "training_data": entry.training_data if entry else None,
        "overlap": list(entry.overlap) if entry else [],
    }
    for field, value in listed.items():
        if model[field] != value:
            text = f"{field} is {model[field]!r}, and in the list of models {value!r}"
            yield Finding("spec", False, text[:300])


def check_digests(results: Results) -> Iterator[Finding]:
    """Check the digests that the document can prove, and the names of the predictions files."""
    for id, entry in results.tasks.items():
        if not entry["declared"] and entry["predictions"] != f"predictions/{id}.parquet":
            text = f"its predictions are not predictions/{id}.parquet"
            yield Finding("document", False, text, id)
    digests, model = results.digests, results.document["model"]
    for stage, of in ROOTS.items():
        if digests[stage] != stage_root(results.tasks, of):
            text = f"digests.{stage} is not the root of the tasks' digests"
            yield Finding(stage, False, text)
    if digests["weights"] != model["weights"]:
        yield Finding("weights", False, "digests.weights is not the model's")
    if digests["recipe"] != model["recipe"]["digest"]:
        yield Finding("recipe", False, "digests.recipe is not the recipe's")
    if digests["result"] != result_digest(results.document):
        yield Finding("result", False, "digests.result is not that of the document")


def check_recipe(results: Results) -> Iterator[Finding]:
    """Check that the recipe's digest is that of its content, with mean and std applied as
    torchvision does; another table is not in the result, and only its model can make it."""
    model = results.document["model"]
    recipe = recipe_of(model["recipe"])
    odd = impossible_sides(recipe)
    if odd is not None:
        yield Finding("recipe", False, odd)
    try:
        found = replace(recipe, table_bytes=torchvision_values(recipe.mean, recipe.std)).digest
    except (CanonicalError, OverflowError) as error:
        yield Finding("recipe", False, f"its values cannot be: {error}")
        return
    if found == model["recipe"]["digest"]:
        yield Finding("recipe", True, "its digest is that of its geometry, mean and std")
    elif model["resolved"].startswith(_TORCHVISION):
        yield Finding("recipe", False, "its digest is not that of its geometry, mean and std")
    else:
        text = "its digest is of a table that mean and std alone do not give; only --rerun makes it"
        yield Finding("recipe", None, text)


def check_sample(results: Results, rules: Mapping[str, TaskRules]) -> Iterator[Finding]:
    """Check that the tasks can be run on a sample of their train items, where one is stated."""
    size = results.document["n_train"]
    for id, rule in rules.items():
        if size is not None and rule.document is not None and not can_be_sampled(rule.document):
            yield Finding("spec", False, f"n_train is {size}, and it has no train split", id)


def check_levels(
    results: Results, rules: Mapping[str, TaskRules], spec: Spec, suite: Suite
) -> Iterator[Finding]:
    """Check that the claimed levels are those that the record of the run allows, for features at
    most, and that the micro-batch is that of the suite."""
    model, claimed = results.document["model"], results.document["levels"]
    on_gpu = with_gpu(results)
    wanted = suite.micro_batch_cuda if on_gpu else suite.micro_batch_cpu
    exact = model["program"] is not None
    if model["micro_batch"] not in ((wanted,) if exact else possible(wanted)):
        text = f"micro_batch is {model['micro_batch']}, and that of the suite is {wanted}"
        yield Finding("features", False, text)
    if model["precision"] == "float16" and not on_gpu:
        yield Finding("features", False, "precision is float16, which no run on a CPU has")
    if exact and model["precision"] != "float32":
        text = f"precision is {model['precision']}, and a program computes in float32"
        yield Finding("features", False, text)
    if exact and on_gpu:
        text = "program is stated, and it ran on a GPU, which the exact engine does not use"
        yield Finding("features", False, text)
    features = "F" if exact else torch_level(results)
    if claimed["features"] != features:
        rule = "features of the exact engine have" if exact else "the recorded environment allows"
        text = f"claims {claimed['features']}, and {rule} {features}"
        yield Finding("features", False, text)
    try:
        kinds = {_kind(results, task, spec) for task in rules.values()}
    except SpecError as error:
        yield Finding("spec", False, error.what)
        return
    if not kinds:
        return
    more = any(entry.get("formats") for entry in results.tasks.values())
    allowed = claimed_levels(claimed["features"], kinds, gpu=on_gpu, more_formats=more)
    for id in rules if results.document["division"] != "open" else ():
        if results.tasks[id].keys() & {"formats", "left_out"}:
            text = "only a task of a person's own leaves images out or has other formats"
            yield Finding("data", False, text, id)
    for stage in ("pixels", "predictions", "score"):
        if claimed[stage] != allowed[stage]:
            text = f"claims {claimed[stage]}, and by its protocols it is {allowed[stage]}"
            yield Finding(stage, False, text)


def with_gpu(results: Results) -> bool:
    """True where a result names a GPU."""
    return results.document["environment"]["gpu"] is not None


def torch_level(results: Results) -> str:
    """The level that the recorded environment allows what torch computed: E or T."""
    environment = results.document["environment"]
    changed = environment["variables"] or altered(environment["torch"], in_run=True)
    return "T" if changed else "E"


def _kind(results: Results, task: TaskRules, spec: Spec) -> str:
    if task.document is not None:
        return task.document.protocol.kind
    return spec.protocol(results.tasks[task.id]["protocol"]).kind


def check_official(
    results: Results,
    rules: Mapping[str, TaskRules],
    spec: Spec,
    differences: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Finding]:
    """Check the official status of a result, or the reasons that it gives for being unofficial, as
    far as the document can tell: by the same conditions as its run.

    Args:
        results: The result.
        rules: Rules of its tasks.
        spec: The specification.
        differences: By task, differences of the counts from those of the task's document, where the
            data are here.
    """
    document = results.document
    if not document["official"]:
        faults = list(_reasons_faults(results, rules, spec, differences))
        if faults:
            return [Finding("result", False, fault) for fault in faults]
        if document["division"] == "open":
            return [Finding("result", True, "of a task of one's own, and says so")]
        reasons = "; ".join(document["unofficial_reasons"])
        return [Finding("result", True, f"not official, and says so: {reasons}")]
    faults = unofficial_reasons(claim_of(results, rules, spec))
    if faults:
        return [
            Finding("result", False, f"says that it is official, but {fault}") for fault in faults
        ]
    return [Finding("result", True, "official")]


_COUNTS = "counts: "


def _reasons_faults(
    results: Results,
    rules: Mapping[str, TaskRules],
    spec: Spec,
    differences: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Differences between the reasons that a result gives and those that its document has.

    Of the counts the document has those of train and test items; the number of classes and the
    exact words follow from the data alone.
    """
    stated = results.document["unofficial_reasons"]
    claim = replace(claim_of(results, rules, spec), counts=())
    # A run does not compare files with the specification's digest; whoever has verified them does.
    wanted = [unofficial_reasons(replace(claim, compared=compared)) for compared in (False, True)]
    others = [reason for reason in stated if not reason.startswith(_COUNTS)]
    if others not in wanted:
        yield f"its unofficial_reasons are not those that it has: {'; '.join(wanted[0])}"
    lines = [reason.removeprefix(_COUNTS) for reason in stated if reason.startswith(_COUNTS)]
    sampled = results.document["n_train"] is not None
    for id, rule in rules.items():
        of = [line for line in lines if line.startswith(f"{id}: ")]
        lines = [line for line in lines if line not in of]
        if id in differences:
            same = of == ([] if sampled else list(differences[id]))
        elif rule.document is not None:
            begins = list(_differences(rule.document, results.tasks[id]["counts"]))
            begins = [] if sampled else [line.partition(" items,")[0] + " " for line in begins]
            known = [line for line in of if re.match(r"\S+ \d+ (train|test) ", line)]
            same = len(known) == len(begins) and all(map(str.startswith, known, begins))
        else:
            same = True
        if not same:
            yield f"its unofficial_reasons do not give the counts of {id} that differ"
    if lines:
        yield f"its unofficial_reasons have counts of no task: {lines[0][:200]}"


def claim_of(results: Results, rules: Mapping[str, TaskRules], spec: Spec) -> OfficialClaim:
    """The facts that decide whether a result is official, as far as its document tells."""
    document, model = results.document, results.document["model"]
    known = [(rule.document, results.tasks[id]) for id, rule in rules.items() if rule.document]
    suite = suite_of(results, spec)
    return OfficialClaim(
        # A run of a person's own tasks is one of the official division.
        division="official" if document["division"] == "open" else document["division"],
        suite=suite if suite is not None else spec.suites[BENCHMARK],
        run=[id for id, entry in results.tasks.items() if not entry["declared"]],
        declared=[id for id, entry in results.tasks.items() if entry["declared"]],
        own=document["division"] == "open",
        n_train=document["n_train"],
        counts=[line for task, entry in known for line in _differences(task, entry["counts"])],
        datasets=[task.dataset for task, _ in known],
        # A result cannot prove which files were scored; --data checks those that are here.
        compared=True,
        bad_images=document["bad_images"],
        resolved=model["resolved"],
        source=model["source"],
        revision=model["revision"],
        trusted=model["source"] != "python",
        pinned=_pinned(model, spec),
        micro_batch=model["micro_batch"] if model["program"] is None else None,
        precision=model["precision"],
        gpu=with_gpu(results),
        level_t="T" in document["levels"].values(),
    )


def _pinned(model: Mapping[str, Any], spec: Spec) -> bool:
    name = _parsed(model, spec)
    return name is not None and states_revision(name, model["source"], model["revision"])


def _parsed(model: Mapping[str, Any], spec: Spec) -> ModelName | None:
    """The parsed name that a result gives its model; None where it is not a model name."""
    short = model["name"].partition("@")[0]
    if ":" not in model["name"] and short not in (DEMO, *spec.models):
        # Not a model name; a search for similar ones would load the libraries of models.
        return None
    try:
        return parse_name(model["name"], spec.models)
    except ModelError:
        return None


def _differences(task: Task, counts: Mapping[str, int]) -> Iterator[str]:
    found = {"train": counts["train"], "test": counts["test"] + counts["excluded"]}
    for name, count in found.items():
        expected = getattr(task.counts, name)
        if expected is not None and expected != count:
            yield f"{task.id}: {count} {name} items, {expected} expected"
