"""Conditions of estimators on their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from estimators import MAKE, data, refused

from biobench.errors import UsageError
from biobench.probe import (
    CentroidProbe,
    KNNProbe,
    LinearProbe,
    LogisticProbe,
    SVMProbe,
    TraitsProbe,
)

NO_COUNTS = (0, -1, 1.5, "3", None, True, np.nan, [2], np.array([[1], [2]]))
NO_RATES = (0, -0.1, "a", None, np.nan, np.inf, True, 10**400)
PLAN = {
    **dict.fromkeys(("steps", "batch_size", "threads"), NO_COUNTS),
    **dict.fromkeys(("learning_rate", "epsilon"), NO_RATES),
    **dict.fromkeys(("beta1", "beta2"), (-0.1, 1, "a", np.nan)),
    "weight_decay": (-1e-9, "a", np.inf),
    "final_learning_rate_ratio": (-0.1, 1.5, None),
    "seed": (1.5, "17", None),
    "stream": (b"a", None, 1),
    "device": ("tpu", "auto", None, 0),
    "progress": ("bar", 3),
}
NO_PARAMETERS: dict[type[Any], dict[str, tuple[Any, ...]]] = {
    KNNProbe: {"k": NO_COUNTS, "normalise": ("l1", None), "candidate_margin": (-1, 0.5, None)},
    CentroidProbe: {
        "rejection_percentile": (-1, 101, "95", None, np.nan),
        "threads": NO_COUNTS,
        "progress": (3,),
    },
    LogisticProbe: {
        "candidates": (1.0, [], "1", ["a"], [0], [np.nan], [-1.0], [np.inf], [None], [[1.0]]),
        "folds": (1, *NO_COUNTS),
        "gradient_tolerance": NO_RATES,
        "search_score_classes": ("all", None),
        "search_tie": ("largest", ["first"]),
        "threads": NO_COUNTS,
        "progress": (3,),
    },
    SVMProbe: {
        "C": NO_RATES,
        "violation_tolerance": NO_RATES,
        "decision_tie": ("x", None, ["smallest-id"]),
    },
    LinearProbe: {
        **PLAN,
        "classes": (*(value for value in NO_COUNTS if value is not None), 1.0),
        "normalisation_epsilon": NO_RATES,
    },
    TraitsProbe: {
        **PLAN,
        "hidden": NO_COUNTS,
        "halving_steps": (-1, 2.5),
        "dropout": (-0.1, 1, "a", np.nan),
        "activation": ("gelu", None),
        "threshold": (np.nan, "a", None),
    },
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in NO_PARAMETERS.items() for name in names]
)
def test_parameters_without_a_meaning_are_refused(kind: type[Any], name: str) -> None:
    """By the constructor, by set_params, which then changes nothing, and by fit."""
    for value in NO_PARAMETERS[kind][name]:
        assert refused(lambda v=value: kind(**{name: v}), UsageError).startswith(name)  # type: ignore[misc]
        probe = kind()
        before = probe.get_params()
        refused(lambda v=value, p=probe: p.set_params(**{name: v}), UsageError)  # type: ignore[misc]
        assert probe.get_params() == before
        setattr(probe, name, value)
        refused(lambda p=probe: p.fit(*data("knn")), UsageError)  # type: ignore[misc]


@pytest.mark.parametrize("kind", NO_PARAMETERS)
def test_every_parameter_has_values_without_a_meaning(kind: type[Any]) -> None:
    """The table above has no gap."""
    assert set(NO_PARAMETERS[kind]) == set(kind().get_params())


def test_numbers_of_numpy_are_numbers() -> None:
    """The values that a grid of parameters may hold."""
    assert KNNProbe(k=np.int64(3)).k == 3
    assert SVMProbe(np.float32(0.5)).C == 0.5
    assert LogisticProbe(np.logspace(-2, 0, 3), folds=np.int32(3)).fit(*data("logistic")).C_ <= 1


def test_more_neighbours_than_rows() -> None:
    """Also where k grew after the fit."""
    X, y = data("knn")
    assert "36 items cannot give 37" in refused(lambda: KNNProbe(k=37).fit(X, y))
    probe = KNNProbe().fit(X, y).set_params(k=37)
    assert "36 items cannot give 37" in refused(lambda: probe.predict(X))


@pytest.mark.parametrize("name", ["linear", "traits"])
def test_cuda_without_a_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line in place of torch's own words."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    probe = MAKE[name]().set_params(device="cuda")
    assert "torch sees no CUDA device" in refused(lambda: probe.fit(*data(name)), UsageError)
