"""One benchmark against another over many models (SPEC.md, section "Association of benchmarks").

In: results that may share a table. Out: how far two benchmarks order the models alike: over all of
them, above thresholds of the first, and for each task; with intervals over models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from biobench._common.text import first_of
from biobench.compare.groups import Group, groups_of
from biobench.compare.results import model_name, task_order
from biobench.errors import UsageError, counted, shown
from biobench.metric.association import Association, associate
from biobench.metric.counts import sequential_mean
from biobench.report.results import Results
from biobench.spec.documents import BENCHMARK, Suite
from biobench.spec.generator import Stream
from biobench.spec.load import Spec

SCHEMA = "biobench.analysis/1"
IMAGENET = "imagenet1k"
FEWEST = 10
"""Fewest models of a point of the curve: the interval of fewer says nothing."""
_STEPS = 100
"""Thresholds of the curve are the multiples of 1 / 100."""


@dataclass(frozen=True)
class Scored:
    """A model with its scores by task, from all of its results."""

    name: str
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Point:
    """A model's scores on both benchmarks."""

    model: str
    x: float
    y: float


@dataclass(frozen=True)
class Analysis:
    """The agreement of two benchmarks on models.

    Attributes:
        x: Id of a task or a suite, whose score is the mean of its members.
        y: As ``x``.
        points: Models that have both scores, in the order of the results.
        left_out: Names of the others.
        above: By threshold, the models whose x is that or more, as asked for.
        curve: As ``above``, for each hundredth of x while 10 models are left.
        tasks: ``x`` against single tasks; empty unless ``y`` is a suite.
        sources: Where scores are from that were not run here, but imported or declared.
    """

    division: str
    x: str
    y: str
    points: tuple[Point, ...]
    left_out: tuple[str, ...]
    overall: Association
    above: Mapping[float, Association]
    curve: Mapping[float, Association]
    tasks: Mapping[str, Association]
    sources: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The analysis as a JSON value."""
        return {
            "division": self.division,
            "sources": list(self.sources),
            "x": self.x,
            "y": self.y,
            "overall": asdict(self.overall),
            "above": _by_threshold(self.above),
            "curve": _by_threshold(self.curve),
            "tasks": {task: asdict(found) for task, found in self.tasks.items()},
            "models": [asdict(point) for point in self.points],
            "left_out": list(self.left_out),
        }


def _by_threshold(associations: Mapping[float, Association]) -> list[dict[str, Any]]:
    return [{"threshold": t, **asdict(association)} for t, association in associations.items()]


def analysis_document(analyses: Sequence[tuple[Analysis, str | None]]) -> dict[str, Any]:
    """All analyses as a JSON value, each with the reason why it is apart from the first."""
    return {
        "schema": SCHEMA,
        "analyses": [{"apart": reason, **found.document()} for found, reason in analyses],
    }


def analyse_each(
    results: Sequence[Results],
    spec: Spec,
    *,
    x: str | None = None,
    y: str | None = None,
    above: Sequence[float] = (),
) -> tuple[list[tuple[Analysis, str | None]], list[UsageError]]:
    """Analyse results in any mixture: those of other divisions, samples, versions or data apart.

    Args:
        results: The results.
        spec: The specification.
        x: A task or a suite, as in :func:`analyse`.
        y: Likewise.
        above: Thresholds of x.

    Returns:
        Each analysis with the reason why it is apart from the first, and an error for each group of
        results that has none.

    Raises:
        UsageError: No group has one; see :func:`analyse`.
    """
    analyses: list[tuple[Analysis, str | None]] = []
    errors: list[UsageError] = []
    without: list[UsageError] = []
    for group in groups_of(results, by=("division", "n_train")):
        try:
            analyses.append((analyse(group.results, spec, x=x, y=y, above=above), group.reason))
        except UsageError as error:
            errors.append(error)
            without.append(UsageError(error.what, where=_listed(group), remedy=error.remedy))
    if not analyses:
        raise errors[0]
    return analyses, without


def _listed(group: Group) -> str:
    """The models and the division of a group's results, for messages."""
    names = list(dict.fromkeys(map(model_name, group.results)))
    return f"results of {first_of(names)}, division {group.division}"


def analyse(
    results: Sequence[Results],
    spec: Spec,
    *,
    x: str | None = None,
    y: str | None = None,
    above: Sequence[float] = (),
) -> Analysis:
    """Compare two benchmarks over the models of results that may share a table.

    Args:
        results: Results; those of one model are taken together.
        spec: The specification that they were made with.
        x: A task or a suite; None means imagenet1k.
        y: A task or a suite; None means the suite of the results, ``biobench`` first.
        above: Thresholds of x.

    Raises:
        UsageError: A name has no scores, x and y are the same, fewer than two models have both or
            are above a threshold, or a model has two scores of a task.
    """
    models = merged(results)
    known = _names(models, spec)
    if len(known) < 2:
        raise UsageError(
            f"there is one benchmark in these results ({known[0]})",
            remedy="give results that have scores of two",
        )
    x = x or IMAGENET
    y = y or _suite_of(models, x, spec)
    if x == y:
        raise UsageError(f"x and y are both {x}", remedy="name two benchmarks")
    pairs = {model.name: _pair(model, x, y, spec) for model in models}
    points = tuple(Point(name, *pair) for name, pair in pairs.items() if pair is not None)
    _require_scores(models, (x, y), spec)
    if len(points) < 2:
        raise UsageError(
            f"{counted(len(points), 'model has', 'models have')} both {x} and {y}",
            remedy="give results of two or more models that have scores of both",
        )
    suite = spec.suites[BENCHMARK]
    members = spec.suites[y].members if y in spec.suites else ()
    tasks = [t for t in task_order(results, spec) if y in spec.suites and t not in (x, y)]
    singly = {}
    for task in sorted(tasks, key=lambda t: t not in members):
        both = [p for m in models if (p := _pair(m, x, task, spec)) is not None]
        if len(both) >= 2:
            singly[task] = _associated(both, x, task, suite)
    values = [(point.x, point.y) for point in points]
    return Analysis(
        division=str(results[0].document["division"]),
        x=x,
        y=y,
        points=points,
        left_out=tuple(name for name, pair in pairs.items() if pair is None),
        overall=_associated(values, x, y, suite),
        above={t: _above(values, t, x, y, suite) for t in sorted(set(above))},
        curve=_curve(values, x, y, suite),
        tasks=singly,
        sources=tuple(dict.fromkeys(line for result in results for line in _sources(result))),
    )


def merged(results: Sequence[Results]) -> list[Scored]:
    """The models of results with their scores by task, in the order of the results.

    Raises:
        UsageError: Two results give a model different scores of a task.
    """
    by_model: dict[tuple[Any, ...], dict[str, float]] = {}
    names: dict[tuple[Any, ...], str] = {}
    for result in results:
        model = result.document["model"]
        key = tuple(model[name] for name in ("resolved", "revision", "weights", "precision"))
        names.setdefault(key, model_name(result))
        scores = by_model.setdefault(key, {})
        for task, entry in result.tasks.items():
            if scores.setdefault(task, float(entry["score"])) != entry["score"]:
                raise UsageError(
                    f"two results give {names[key]} the scores {scores[task]:g} and "
                    f"{entry['score']:g} of {task}",
                    remedy="name one of them",
                )
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    return [
        Scored(names[key] if counts[names[key]] == 1 else f"{names[key]} [{i}]", scores)
        for i, (key, scores) in enumerate(by_model.items(), 1)
    ]


def _score(model: Scored, name: str, spec: Spec) -> float | None:
    """The score of a task, or the mean over the members of a suite; None where one is missing."""
    if name not in spec.suites:
        return model.scores.get(name)
    members = spec.suites[name].members
    if any(task not in model.scores for task in members):
        return None
    return sequential_mean(np.array([model.scores[task] for task in members]))


def _pair(model: Scored, x: str, y: str, spec: Spec) -> tuple[float, float] | None:
    a, b = _score(model, x, spec), _score(model, y, spec)
    return None if a is None or b is None else (a, b)


def _suite_of(models: Sequence[Scored], x: str, spec: Spec) -> str:
    """The suite that most models have a mean of, the first of equal ones."""
    counts = {
        id: sum(_score(model, id, spec) is not None for model in models)
        for id in spec.suites
        if id != x
    }
    best = max(counts, key=lambda id: counts[id])
    if counts[best] == 0:
        raise UsageError(
            "no model has all tasks of a suite",
            remedy=f"give --y one of {', '.join(_names(models, spec))}",
        )
    return best


def _require_scores(models: Sequence[Scored], names: Sequence[str], spec: Spec) -> None:
    for name in names:
        if all(_score(model, name, spec) is None for model in models):
            known = _names(models, spec)
            raise UsageError(
                f"no result has a score of {shown(name)!r}",
                remedy=f"--x and --y take {', '.join(known)}",
            )


def _names(models: Sequence[Scored], spec: Spec) -> list[str]:
    suites = [id for id in spec.suites if any(_score(m, id, spec) is not None for m in models)]
    return [*suites, *dict.fromkeys(task for model in models for task in model.scores)]


def _curve(
    values: Sequence[tuple[float, float]], x: str, y: str, suite: Suite
) -> dict[float, Association]:
    """The association at each hundredth of x that leaves enough models."""
    xs = np.array([x for x, _ in values])
    by_count: dict[int, Association] = {}
    curve = {}
    for i in range(int(np.ceil(xs.min() * _STEPS)), int(xs.max() * _STEPS) + 1):
        count = int((xs >= i / _STEPS).sum())
        if count >= FEWEST:
            if count not in by_count:
                by_count[count] = _above(values, i / _STEPS, x, y, suite)
            curve[i / _STEPS] = by_count[count]
    return curve


def _above(
    values: Sequence[tuple[float, float]], least: float, x: str, y: str, suite: Suite
) -> Association:
    kept = [pair for pair in values if pair[0] >= least]
    if len(kept) < 2:
        raise UsageError(
            f"{counted(len(kept), 'model has', 'models have')} {x} of {least:g} or more",
            remedy=f"give --above at most {_second(values):g}",
        )
    return _associated(kept, x, y, suite)


def _second(values: Sequence[tuple[float, float]]) -> float:
    """The second largest x, rounded down: the highest threshold that leaves two models."""
    return math.floor(sorted(x for x, _ in values)[-2] * 10_000) / 10_000


def _associated(pairs: Sequence[tuple[float, float]], x: str, y: str, suite: Suite) -> Association:
    a, b = zip(*pairs, strict=True)
    stream = Stream(suite.seed, f"association/{x}/{y}")
    return associate(
        a,
        b,
        stream,
        replicates=suite.association.replicates,
        confidence=suite.association.confidence,
    )


def _sources(result: Results) -> list[str]:
    return list(dict.fromkeys(e["source"] for e in result.tasks.values() if e["declared"]))
