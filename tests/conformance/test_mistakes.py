"""Likely mistakes of an implementation: each fails a vector.

A mistake is made in a copy of the module's own source, so that it is the real rule that is broken.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from biobench.conformance.operations import operations
from biobench.conformance.own_answers import run
from biobench.conformance.vectors import read_vectors
from biobench.spec.load import load_spec

SPEC = load_spec()


@dataclass(frozen=True)
class Mistake:
    """``wrong`` in place of ``right`` in a module, and the vector file that must notice."""

    module: str
    right: str
    wrong: str
    file: str


MISTAKES = {
    "a-query-is-centred-and-not-divided-by-its-norm": Mistake(
        "probe.nearest_centroid.estimator",
        "nearest(_unit_or_zero(centred), self.centroids_, mapper)",
        "nearest(centred, self.centroids_, mapper)",
        "nearest-centroid/fit",
    ),
    "the-first-form-of-the-percentile-everywhere": Mistake(
        "probe.nearest_centroid.estimator",
        "below + step * part if part < 0.5 else above - step * (1.0 - part)",
        "below + step * part",
        "nearest-centroid/threshold",
    ),
    "the-second-form-of-the-percentile-everywhere": Mistake(
        "probe.nearest_centroid.estimator",
        "below + step * part if part < 0.5 else above - step * (1.0 - part)",
        "above - step * (1.0 - part)",
        "nearest-centroid/threshold",
    ),
    "written-ids-of-a-clip-are-compared-as-text": Mistake(
        "data.views",
        "key=lambda name: (-counts[name], order(name))",
        "key=lambda name: (-counts[name], name)",
        "views/items",
    ),
    "the-plain-jackknife": Mistake(
        "metric.half_jackknife",
        "np.sqrt(whole[lasting] * rest[lasting])",
        "rest[lasting]",
        "intervals/influences",
    ),
    "a-lost-class-still-counts": Mistake(
        "metric.half_jackknife",
        "np.where(lost < sizes, sizes - lost, 1.0)",
        "sizes",
        "intervals/influences",
    ),
    "five-equal-clusters-are-not-five": Mistake(
        "metric.half_jackknife",
        "effective + 2.0**-20 >= least",
        "effective >= least",
        "intervals/score",
    ),
    "a-tenth-of-lone-classes-has-the-mark": Mistake(
        "metric.score",
        "rules.lone_class_in * jackknife.lone_classes > jackknife.classes",
        "rules.lone_class_in * jackknife.lone_classes >= jackknife.classes",
        "intervals/score",
    ),
    "the-highest-bit-is-the-first-sign": Mistake(
        "metric.signs",
        'bitorder="little"',
        'bitorder="big"',
        "comparison/signs",
    ),
    "the-variance-of-the-data-in-each-replicate": Mistake(
        "metric.signs",
        "own - 2.0 * cross + total * total * both",
        "own + 0.0 * cross",
        "comparison/ranks",
    ),
    "without-stepdown": Mistake(
        "metric.ranks",
        "rest = [(pair, flipped) for pair, flipped in rest if pair.ratio <= critical]",
        "break",
        "comparison/ranks",
    ),
    "untested-pairs-are-told-apart": Mistake(
        "metric.comparison",
        "_squared_ratios(flips, a, b) if test else None",
        "_squared_ratios(flips, a, b)",
        "comparison/ranks",
    ),
    "degrees-of-freedom-are-the-fewest": Mistake(
        "metric.score",
        "variance * variance / total + 1.0",
        "min(spread.effective_clusters for spread in spreads)",
        "aggregate/mean",
    ),
    "half-of-the-replicates-are-too-few": Mistake(
        "metric.association",
        "2 * found.size >= replicates",
        "2 * found.size > replicates",
        "association/intervals",
    ),
    "fewer-than-half-of-the-replicates-are-enough": Mistake(
        "metric.association",
        "2 * found.size >= replicates",
        "2 * found.size >= replicates - 2 > 0",
        "association/intervals",
    ),
    "a-pooled-zero-keeps-its-sign": Mistake(
        "embed.pool",
        "pooled += np.float32(0)",
        "pooled += np.float32(-0.0)",
        "views/pooled_digest",
    ),
    "the-rate-is-halved-a-step-too-soon": Mistake(
        "probe.traits_mlp.estimator",
        "-(step // self.halving_steps)",
        "-((step + 1) // self.halving_steps)",
        "traits-network/first_steps",
    ),
    "a-logit-needs-half-a-hundredth-more": Mistake(
        "probe.traits_mlp.estimator",
        "self.decision_function(X) > self.threshold)",
        "self.decision_function(X) > self.threshold * 1.01)",
        "traits-network/predict",
    ),
}


def holders(value: Any) -> Iterator[tuple[ModuleType, str]]:
    """The places where the package's modules hold an object."""
    for name, module in sys.modules.copy().items():
        if name.partition(".")[0] == "biobench":
            for key, held in list(vars(module).items()):
                if held is value:
                    yield module, key


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_noticed(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without it the vectors are right."""
    folder, _, name = mistake.file.partition("/")
    (vectors,) = (v for v in read_vectors(SPEC, [folder]) if v.path.endswith(f"/{name}.json"))
    assert all(outcome.wrong is None for outcome in run([vectors], SPEC))
    operations()
    module = importlib.import_module(f"biobench.{mistake.module}")
    source = inspect.getsource(module)
    assert source.count(mistake.right) == 1
    broken = ModuleType(module.__name__)
    broken.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    exec(source.replace(mistake.right, mistake.wrong), broken.__dict__)
    for key, value in list(vars(module).items()):
        if getattr(value, "__module__", None) == module.__name__:
            for holder, name in holders(value):
                monkeypatch.setattr(holder, name, getattr(broken, key))
    wrong = [outcome for outcome in run([vectors], SPEC) if outcome.wrong is not None]
    assert wrong
    assert not any(outcome.failed for outcome in wrong), wrong
