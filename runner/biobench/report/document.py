"""Assembling the result document (SPEC.md, section "Results").

In: task outcomes and where they came from. Out: the document with the digest of every stage, the
level that each stage claims, and the reasons why a result is not official.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from biobench.data.counts import scored_counts
from biobench.metric.aggregate import aggregate
from biobench.metric.score import Score, Spread, declared_score
from biobench.probe.registry import is_exact
from biobench.report.official import OfficialClaim, unofficial_reasons
from biobench.report.outcome import ExternalScore, Provenance, TaskOutcome
from biobench.report.result_document import result_digest
from biobench.report.results import SCHEMA, Results
from biobench.repro.environment import describe
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import BENCHMARK, Suite

STRENGTH = ("S", "D", "F", "P", "E", "T")
"""Levels from the strongest promise to the weakest; a result claims its weakest task's."""


def assemble(outcomes: Sequence[TaskOutcome], provenance: Provenance) -> Results:
    """Build the result of a run; ``digests.result`` covers everything except times, places and
    costs."""
    backbone, execution = provenance.backbone, provenance.execution
    info = backbone.info
    bad = sum(outcome.bad for outcome in outcomes)
    tasks, levels = _task_entries(outcomes, provenance), _levels(outcomes, provenance)
    declared = [task for task, entry in tasks.items() if entry["declared"]]
    reasons = unofficial_reasons(_claim(provenance, bad, declared, levels))
    recipe = backbone.recipe
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "biobench": version("biobench"),
        "spec": {"version": provenance.spec.version, "digest": provenance.spec.digest},
        "suite": provenance.suite.id,
        "division": provenance.division if not provenance.own else "open",
        "official": not reasons,
        "unofficial_reasons": reasons,
        "n_train": provenance.n_train,
        "bad_images": bad,
        "model": {
            "name": info.name,
            "resolved": info.resolved,
            "source": info.source,
            "revision": info.revision,
            "revision_sources": info.revision_sources,
            "licence": info.licence,
            "training_data": info.training_data,
            "overlap": list(info.overlap),
            "weights": info.weights,
            "program": info.program,
            "feature": info.feature,
            "dim": info.dim,
            "parameters": info.parameters,
            "precision": execution.precision,
            "micro_batch": execution.micro_batch,
            "recipe": recipe.document(),
        },
        "mean": _mean(outcomes, provenance),
        "tasks": tasks,
        "digests": {
            "spec": provenance.spec.digest,
            "data": stage_root(tasks, "manifest"),
            "weights": info.weights,
            "recipe": recipe.digest,
            "pixels": stage_root(tasks, "pixels"),
            "features": stage_root(tasks, "features"),
            "predictions": stage_root(tasks, "predictions"),
            "score": stage_root(tasks, "score"),
        },
        "levels": levels,
        "environment": describe(execution.device, execution.workers, provenance.torch_state),
        "run": {
            "started": provenance.started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "argv": list(provenance.argv),
            "wall_s": provenance.wall,
        },
    }
    document["digests"]["result"] = result_digest(document)
    return Results(document)


def stage_root(tasks: dict[str, Any], stage: str) -> str:
    """Root digest of a stage: over ``{task id: digest}`` of the tasks that were run."""
    run = {task: entry for task, entry in tasks.items() if not entry["declared"]}
    return sha256_json({task: entry["digests"][stage] for task, entry in run.items()})


def _task_entries(outcomes: Sequence[TaskOutcome], provenance: Provenance) -> dict[str, Any]:
    """Entries in the suite's order, then those of tasks outside the suite."""
    entries = {outcome.task.id: _task_entry(outcome) for outcome in outcomes}
    entries |= {item.task.id: _declared_entry(item) for item in provenance.external}
    members = provenance.suite.members
    ordered = [task for task in members if task in entries]
    return {task: entries[task] for task in (*ordered, *entries)}


def _declared_score(declared: ExternalScore) -> Score:
    return declared_score(declared.task.metrics[0].id, declared.score)


def _declared_entry(declared: ExternalScore) -> dict[str, Any]:
    """The entry of a score that was published elsewhere and was not run here."""
    task, score = declared.task, _declared_score(declared)
    return {
        "version": task.version,
        "protocol": None,
        "metric": task.metrics[0].id,
        "higher_is_better": task.metrics[0].higher_is_better,
        **score.document(),
        "cluster_unit": None,
        "counts": None,
        "declared": True,
        "source": declared.source,
        "errata": [],
        "predictions": None,
        "digests": {"score": score.digest},
        "cost": None,
    }


def _task_entry(outcome: TaskOutcome) -> dict[str, Any]:
    task, score = outcome.task, outcome.score
    manifest = outcome.manifest
    left_out = [{"path": path, "reason": why} for path, why in sorted(manifest.left_out.items())]
    return {
        **({"left_out": left_out} if left_out else {}),
        **({"formats": list(manifest.more_formats)} if manifest.more_formats else {}),
        "version": task.version,
        "protocol": task.protocol.id,
        "metric": task.metrics[0].id,
        "higher_is_better": task.metrics[0].higher_is_better,
        **score.document(),
        "cluster_unit": manifest.cluster_unit,
        "counts": scored_counts(manifest),
        "declared": False,
        "errata": list(task.errata) if task.division == "compat" else [],
        "predictions": f"predictions/{task.id}.parquet",
        "digests": {
            "manifest": manifest.digest,
            "pixels": outcome.pixels_digest,
            "features": outcome.features_digest,
            "predictions": outcome.predictions.digest,
            "score": score.digest,
        },
        "cost": {
            "wall_s": outcome.wall,
            "cpu_s": outcome.cpu,
            "images": len(manifest.rows),
            "images_per_s": outcome.images_per_s,
            "peak_memory_bytes": outcome.peak_memory_bytes,
            "stages": dict(outcome.stages),
        },
    }


def _mean(outcomes: Sequence[TaskOutcome], provenance: Provenance) -> dict[str, Any] | None:
    scores = {outcome.task.id: outcome.score for outcome in outcomes}
    declared = {item.task.id: item.score for item in provenance.external}
    return suite_mean(provenance.suite, scores, declared)


def suite_mean(
    suite: Suite, scores: Mapping[str, Score], declared: Mapping[str, float]
) -> dict[str, Any] | None:
    """``mean`` of a result from the scores that were run and those that are declared, by task."""
    # The benchmark's own mean is of the tasks that were run, whatever a document may allow.
    allowed = {} if suite.id == BENCHMARK else declared
    used = {task: score for task, score in allowed.items() if task in suite.members}
    spreads: dict[str, Spread] = {
        task: score.spread for task, score in scores.items() if score.spread is not None
    }
    run = {task: score.score for task, score in scores.items()}
    mean = aggregate(suite.members, {**run, **used}, spreads, suite.interval)
    if mean is None:
        return None
    return {**asdict(mean), **({"declared": list(used)} if used else {})}


def external_entries(
    suite: Suite, scores: Sequence[ExternalScore]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """``tasks`` and ``mean`` of a result of which no task was run here."""
    entries = {item.task.id: _declared_entry(item) for item in scores}
    return entries, suite_mean(suite, {item.task.id: _declared_score(item) for item in scores}, {})


def _levels(outcomes: Sequence[TaskOutcome], provenance: Provenance) -> dict[str, str]:
    gpu = provenance.execution.device == "cuda"
    by_torch = "E" if provenance.bits_fixed else "T"
    features = by_torch if provenance.backbone.info.program is None else "F"
    kinds = {outcome.task.protocol.kind for outcome in outcomes}
    more = any(outcome.manifest.more_formats for outcome in outcomes)
    return claimed_levels(features, kinds, gpu=gpu, more_formats=more)


def claimed_levels(
    features: str, kinds: Set[str], *, gpu: bool, more_formats: bool = False
) -> dict[str, str]:
    """``levels`` of a result.

    Args:
        features: Level of the features, which a probe that a GPU trained has too.
        kinds: Kinds of the protocols of its tasks.
        gpu: True where the run had a GPU.
        more_formats: True where an image has a format beyond those of the specification.
    """
    predictions = max(
        ("P" if is_exact(kind, gpu=gpu) else features for kind in sorted(kinds)),
        key=STRENGTH.index,
    )
    pixels = "E" if more_formats else "D"
    return {"pixels": pixels, "features": features, "predictions": predictions, "score": "S"}


def _claim(
    provenance: Provenance, bad: int, declared: Sequence[str], levels: Mapping[str, str]
) -> OfficialClaim:
    info = provenance.backbone.info
    execution = provenance.execution
    return OfficialClaim(
        division=provenance.division,
        suite=provenance.suite,
        run=[task.id for task in provenance.tasks],
        declared=declared,
        own=provenance.own,
        n_train=provenance.n_train,
        counts=provenance.differences,
        datasets=[task.dataset for task in provenance.tasks],
        compared=False,
        bad_images=bad,
        resolved=info.resolved,
        source=info.source,
        revision=info.revision,
        trusted=info.trusted,
        pinned=info.pinned,
        micro_batch=execution.micro_batch if info.program is None else None,
        precision=execution.precision,
        gpu=execution.device == "cuda",
        level_t="T" in levels.values(),
    )
