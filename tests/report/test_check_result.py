"""The check of continuous integration: a score that is no better than chance is no success."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.data.predictions import Predictions
from biobench.metric import user_loss

POISONOUS = (1, 2)


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    """tools/check_result.py as a module."""
    folder = str(Path(__file__).resolve().parent.parent.parent / "tools")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("check_result")
    finally:
        sys.path.remove(folder)


def predictions(truth: list[int], guess: list[int]) -> Predictions:
    labels = [np.array(column, np.int32) for column in (truth, guess)]
    marked = [np.isin(column, POISONOUS) for column in labels]
    names = ("true_poisonous", "predicted_poisonous")
    extras = dict(zip(names, marked, strict=True))
    return Predictions(tuple(map(str, range(len(truth)))), labels[0], labels[1], extras)


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), min_size=1, max_size=6))
def test_chance_of_the_user_loss_is_that_of_shuffled_predictions(
    tool: ModuleType, pairs: list[tuple[int, int]]
) -> None:
    """The mean over every order of the predictions, tried one by one."""
    truth, guess = map(list, zip(*pairs, strict=True))
    scores = [user_loss(truth, o, poisonous=POISONOUS) for o in itertools.permutations(guess)]
    found = tool.shuffled_user_loss(predictions(truth, guess))
    assert found == pytest.approx(sum(scores) / len(scores), abs=1e-12)


def test_one_over_the_classes_is_not_its_chance(tool: ModuleType) -> None:
    """Two edible classes in turn, whatever is asked: far above 1/4, and no skill."""
    truth, guess = [0, 0, 3, 3] * 6, [0, 3] * 12
    score = user_loss(truth, guess, poisonous=POISONOUS)
    chance = tool.shuffled_user_loss(predictions(truth, guess))
    assert score > 0.7
    assert chance == pytest.approx(score)
    assert tool.shuffled_user_loss(predictions(truth, truth)) < 1
