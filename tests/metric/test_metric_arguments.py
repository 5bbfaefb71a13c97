"""An argument that is no label, flag, rank, count, stratum or replicate: one line that names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from biobench.data.predictions import Predictions
from biobench.errors import BiobenchError
from biobench.metric import (
    accuracy,
    average_precision,
    group_accuracy,
    macro_f1,
    traits_f1,
    user_loss,
)
from biobench.metric.accuracy import top_k
from biobench.metric.association import associate, kendall
from biobench.metric.cells import class_cells, group_cells
from biobench.metric.comparison import Clustered, difference, holm, ranked
from biobench.metric.counts import name_numbers
from biobench.metric.half_jackknife import Jackknife
from biobench.metric.percentile import bounds
from biobench.metric.score import score_task
from biobench.metric.user_loss import losses
from biobench.spec.documents import Metric
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec

STREAM = Stream(17, "signs/test")
TRUTH, GUESS = np.array([0, 0, 1]), np.array([0, 1, 1])
RIGHT = TRUTH == GUESS
HALVES = np.array([0.5, 0.5])
MODEL = Clustered("beluga", 0.5, Jackknife(np.array([0.1, -0.1]), HALVES, 1, 0))

# Each call is sound with its own arguments, and refused with any one of those listed put in.
CALLS: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any], Mapping[str, list[Any]]]] = {
    "accuracy": (
        accuracy,
        {"y_true": [0, 1], "y_pred": [0, 1]},
        {
            "y_true": [[0, nan], [0, 1.5], [[0], [1, 2]], ["0", "1"], [0, 2**63], [0, 2**70], None],
            "y_pred": [[0], [[0, 1]]],
            "division": ["x", "", None, "Official"],
        },
    ),
    "macro_f1": (
        macro_f1,
        {"y_true": [0, 1], "y_pred": [0, 1]},
        {"y_pred": [[0, nan], [0, 2**64 - 1]], "division": ["x", None]},
    ),
    "traits_f1": (
        traits_f1,
        {"y_true": [[0, 1]], "y_pred": [[0, 1]]},
        {"y_true": [[[0, 1], [0]], [[0, nan]]], "y_pred": [[["0", "1"]]], "division": ["x"]},
    ),
    "group_accuracy": (
        group_accuracy,
        {"y_true": [0, 1], "y_pred": [0, 1], "groups": ["a", "b"]},
        {"groups": ["ab", [1, 2], ["a", None], [["a"], ["b"]], ["a"], None], "division": ["x"]},
    ),
    "user_loss": (
        user_loss,
        {"y_true": [0, 1], "y_pred": [0, 1], "poisonous": {1}},
        {"poisonous": [[1.5], [nan], "1", ["1"], [1, "a"], [True, False], [[1]], {2**63}, 1, None]},
    ),
    "losses": (
        losses,
        {
            "truth": TRUTH,
            "prediction": GUESS,
            "true_poisonous": RIGHT,
            "predicted_poisonous": RIGHT,
        },
        {
            "prediction": [GUESS[:2], GUESS / 2],
            "true_poisonous": [RIGHT[:2], [0, 1, 2], [0.0, 1.0, 0.5]],
            "predicted_poisonous": [RIGHT[None]],
        },
    ),
    "top_k": (
        top_k,
        {"first_hit": [1, 0], "k": 1},
        {"first_hit": [[1.5, 0], [nan, 1]], "k": [1.5, nan, "1", None, -1, np.ones((2, 99))]},
    ),
    "average_precision": (
        average_precision,
        {"relevant": [True, False], "n_relevant": 1},
        {
            "relevant": [[2, 0], [0.5, 0], [nan, 1.0], ["no", ""], [-1, 1], [[1], [1, 0]], 1],
            "n_relevant": [1.5, nan, "1", None, 0],
        },
    ),
    "name_numbers": (
        name_numbers,
        {"names": ["b", "a"], "what": "cluster"},
        {"names": [[], "ab", [1, 2], [None], None]},
    ),
    "group_cells": (
        group_cells,
        {"clusters": TRUTH, "groups": TRUTH, "part": [1.0] * 3, "whole": [2.0] * 3},
        {"part": [[1.0], [0.5, nan, 0.5], ["1"] * 3], "whole": [[1.0], [inf] * 3]},
    ),
    "class_cells": (
        class_cells,
        {"clusters": TRUTH, "y_true": TRUTH, "y_pred": GUESS},
        {"clusters": [TRUTH[:2]], "y_true": [[-1, 0, 0], TRUTH / 2], "y_pred": [GUESS / 2]},
    ),
    "bounds": (
        bounds,
        {"values": np.array([0.1, 0.2]), "confidence": 0.95},
        {
            "values": [[], [0.1, nan], [0.1, inf], [[0.1]], ["0.1"], [None], [0.1 + 1j]],
            "confidence": [0, 1, nan, -0.5, "0.95", None],
        },
    ),
    "difference": (
        difference,
        {"a": [MODEL], "b": [MODEL], "suite": load_spec().suites["demo"]},
        {
            "a": [
                [],
                [replace(MODEL, score=nan)],
                [replace(MODEL, task="kabr")],
                [replace(MODEL, higher_is_better=False)],
                [replace(MODEL, jackknife=Jackknife(np.array([nan, 1.0]), HALVES, 1, 0))],
                [replace(MODEL, jackknife=Jackknife(np.array([1.0]), HALVES, 1, 0))],
                [replace(MODEL, jackknife=Jackknife(HALVES, np.array([0.2, 0.8]), 1, 0))],
            ],
        },
    ),
    "holm": (
        holm,
        {"p_values": [0.5]},
        {"p_values": [["0.5"], [None], [nan], [[0.5]], [[0.1], [0.2, 0.3]], 0.5]},
    ),
    "ranked": (
        ranked,
        {"models": {"a": [MODEL]}, "suite": load_spec().suites["demo"]},
        {"models": [{}, {"a": []}, {"a": [MODEL], "b": [replace(MODEL, score=inf)]}]},
    ),
    "kendall": (
        kendall,
        {"x": [0.1, 0.2], "y": [0.1, 0.2]},
        {"x": [["0.1", "0.2"], [None, 0.1], [0.1, inf], [[0.1], [0.1, 0.2]], [0.1, 0.1j]]},
    ),
    "associate": (
        associate,
        {"x": [0.1], "y": [0.1], "stream": STREAM, "replicates": 1, "confidence": 0.95},
        {"replicates": [0, -1, 1.5, nan], "confidence": [0, 1.5, nan, "x"]},
    ),
    "stream": (
        Stream,
        {"seed": 2**64 - 1, "name": "signs/test"},
        {"seed": [-1, 2**64, 1.5, nan, "17", None]},
    ),
}


@pytest.mark.parametrize(
    ("call", "sound", "name", "value"),
    [
        pytest.param(call, sound, name, value, id=f"{id}-{name}-{i}")
        for id, (call, sound, bad) in CALLS.items()
        for name, values in bad.items()
        for i, value in enumerate(values)
    ],
)
def test_one_line_says_what_is_wrong(
    call: Callable[..., Any], sound: Mapping[str, Any], name: str, value: object
) -> None:
    """No traceback of NumPy's, no number from input that has none: what is wrong; what to do."""
    with pytest.raises(BiobenchError, match=r"^[^\n]{1,200}; [^\n]{1,200}$"):
        call(**{**sound, name: value})


@pytest.mark.parametrize("id", CALLS)
def test_sound_input_is_taken(id: str) -> None:
    """The calls above fail for what is put in and not for the rest."""
    call, sound, _ = CALLS[id]
    call(**sound)


@pytest.mark.parametrize("metric", [macro_f1, accuracy])
def test_an_unknown_division_names_those_there_are(metric: Callable[..., float]) -> None:
    """A slip of the pen must not score by the official rules."""
    with pytest.raises(BiobenchError, match=r"'x'; pass official, compat or open$"):
        metric([0], [0], division="x")


@pytest.mark.parametrize("values", [[0.5, 1.5], [0.5, -0.5], [0.5, nan]])
def test_average_precision_of_an_item_lies_between_0_and_1(values: list[float]) -> None:
    """A column from elsewhere must not lift the mean above the best score."""
    spec = load_spec()
    labels = np.array([0, 0], np.int32)
    predictions = Predictions(("a", "b"), labels, labels, {"average_precision": np.array(values)})
    metrics = (Metric("mean_average_precision", True, None),)
    task = replace(spec.task("beluga", "official"), metrics=metrics)
    with pytest.raises(BiobenchError, match="average_precision"):
        score_task(task, spec.suites["demo"], predictions)
