"""Features to predictions, by every kind of probe (SPEC.md, "Protocols").

In: generated features, the same on every machine. Out: the digest of all that the probe learned and
decided, and its predictions. Few rows and steps: it is the order of the sums that is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.selftest import inputs
from biobench.selftest.part import Conditions, Measured, SelftestPart
from biobench.spec.canonical import sha256_bytes, sha256_json

TRAIN, TEST, DIM, CLASSES = 640, 160, 96, 8
"""More training rows than a block of any product, so that chains are interrupted."""
STEPS = 50
TRAITS = 9
_DIMS_OF_A_TRAIT = 5

Learned = dict[str, npt.NDArray[Any]]


def data() -> inputs.LabelledFeatures:
    """The features and labels of all probes but the traits network."""
    return inputs.labelled_features(TRAIN, TEST, DIM, CLASSES)


def traits(features: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """0 or 1 for each trait, (rows, traits): 1 where the trait's features outweigh another's."""
    columns = np.arange(TRAITS) * _DIMS_OF_A_TRAIT
    found: npt.NDArray[np.int64] = (features[:, columns] > features[:, columns + 1]).astype(
        np.int64
    )
    return found


def knn(conditions: Conditions) -> tuple[Learned, npt.NDArray[Any]]:
    """Neighbours by proposals, and each row's ranking of all others."""
    from biobench.probe.knn.estimator import KNNProbe
    from biobench.probe.knn.leave_one_out import leave_one_out

    given = data()
    probe = KNNProbe(k=1).fit(given.train, given.train_labels)
    distances, rows = probe.kneighbors(given.test)
    ranking = leave_one_out(
        given.test, given.test_labels, np.arange(TEST), threads=conditions.workers
    )
    learned: Learned = {
        "distances": distances,
        "rows": rows,
        "neighbours": ranking.neighbours,
        "first_hit": ranking.first_hit,
        "average_precision": ranking.average_precision,
    }
    return learned, probe.predict(given.test)


def nearest_centroid(conditions: Conditions) -> tuple[Learned, npt.NDArray[Any]]:
    """Centroids, covariance, distances and the threshold of rejection."""
    from biobench.probe.nearest_centroid.estimator import CentroidProbe

    given = data()
    probe = CentroidProbe(threads=conditions.workers).fit(given.train, given.train_labels)
    learned = {
        "centroids": probe.centroids_,
        "covariance": probe.covariance_,
        "scores": probe.scores(given.test),
        "threshold": np.array([probe.threshold_]),
    }
    return learned, probe.predict(given.test)


def linear_probe(conditions: Conditions) -> tuple[Learned, npt.NDArray[Any]]:
    """The trained layer and the logits."""
    from biobench.probe.linear_probe.estimator import LinearProbe

    given = data()
    probe = LinearProbe(
        CLASSES,
        steps=STEPS,
        batch_size=TRAIN - 40,
        learning_rate=3e-3,
        stream="selftest/linear_probe",
        device=conditions.device,
        threads=conditions.workers,
    ).fit(given.train, given.train_labels)
    learned = {
        "weight": probe.weight_,
        "bias": probe.bias_,
        "logits": probe.decision_function(given.test),
    }
    return learned, probe.predict(given.test)


def logistic_regression(conditions: Conditions) -> tuple[Learned, npt.NDArray[Any]]:
    """The chosen C, the scores of the search, the optimum and the decision values."""
    from biobench.probe.logistic_regression.estimator import LogisticProbe

    given = data()
    probe = LogisticProbe([0.003, 0.03, 0.3], folds=3, threads=conditions.workers)
    probe.fit(given.train, given.train_labels)
    learned = {
        "C": np.array([probe.C_]),
        "scores": probe.scores_,
        "weight": probe.coef_,
        "intercept": probe.intercept_,
        "decisions": probe.decision_function(given.test),
    }
    return learned, probe.predict(given.test)


def svm(conditions: Conditions) -> tuple[Learned, npt.NDArray[Any]]:
    """The machines of all pairs of classes."""
    from biobench.probe.svm.estimator import SVMProbe

    given = data()
    probe = SVMProbe().fit(given.train, given.train_labels)
    learned = {"mean": probe.mean_, "weight": probe.coef_, "intercept": probe.intercept_}
    return learned, probe.predict(given.test)


def traits_mlp(conditions: Conditions) -> tuple[Learned, npt.NDArray[Any]]:
    """Both trained layers and the logits."""
    from biobench.probe.traits_mlp.estimator import TraitsProbe

    given = data()
    probe = TraitsProbe(
        hidden=64,
        steps=STEPS,
        batch_size=TRAIN - 40,
        learning_rate=3e-3,
        stream="selftest/traits_mlp",
        device=conditions.device,
        threads=conditions.workers,
    ).fit(given.train, traits(given.train))
    learned = {
        "hidden_weight": probe.hidden_weight_,
        "hidden_bias": probe.hidden_bias_,
        "output_weight": probe.output_weight_,
        "output_bias": probe.output_bias_,
    }
    return learned, probe.predict(given.test)


Probe = Callable[[Conditions], tuple[Learned, npt.NDArray[Any]]]


def _measure(probe: Probe, conditions: Conditions) -> Measured:
    learned, predicted = probe(conditions)
    digests = {name: _digest(values) for name, values in learned.items()}
    return Measured(
        sha256_json([digests, predicted.tolist()]), {"predictions": predicted.reshape(-1).tolist()}
    )


def _digest(values: npt.NDArray[Any]) -> str:
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return sha256_bytes(f"{little.dtype.str} {little.shape} ".encode() + little.tobytes())


def _part(probe: Probe, level: str, *needs: str, on_gpu: bool = False) -> SelftestPart:
    name = getattr(probe, "__name__", "")
    return SelftestPart(
        "predictions", name, level, needs, lambda conditions: _measure(probe, conditions), on_gpu
    )


PARTS = (
    _part(knn, "P", "faiss"),
    _part(nearest_centroid, "P"),
    _part(linear_probe, "P", on_gpu=True),
    _part(traits_mlp, "P", on_gpu=True),
    _part(logistic_regression, "P"),
    _part(svm, "P"),
)
