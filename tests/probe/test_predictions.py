"""Predictions: the digest is over the rows as the specification writes them."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from biobench.data.predictions import Predictions
from biobench.errors import DataError


def test_the_digest_is_the_rows_canonical_json() -> None:
    """Written by hand here, so that another language's reader can do the same."""
    predictions = Predictions(
        ("a", "b"),
        np.array([0, 1], np.int32),
        np.array([0, -1], np.int32),
        {
            "neighbours": np.array([[1, -1], [0, -1]], np.int32),
            "first_hit": np.array([0, 1], np.int32),
            "average_precision": np.array([0.0, 0.5]),
        },
    )
    text = (
        '[["a",0,0,{"average_precision":0,"first_hit":0,"neighbours":[1,-1]}],'
        '["b",1,-1,{"average_precision":0.5,"first_hit":1,"neighbours":[0,-1]}]]'
    )
    assert predictions.digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_without_extras_a_row_has_an_empty_object() -> None:
    """The shape of a row is the same for every protocol."""
    plain = Predictions(("x",), np.array([2], np.int32), np.array([3], np.int32))
    text = json.dumps([["x", 2, 3, {}]], separators=(",", ":"))
    assert plain.digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_traits_and_groups_are_part_of_a_row() -> None:
    """A traits task writes lists; a grouped task names the group of each item."""
    predictions = Predictions(
        ("a", "b"),
        np.array([[0, 1], [1, 1]], np.int32),
        np.array([[1, 1], [0, 1]], np.int32),
        {"group": np.array(["wing", "é"])},
    )
    text = '[["a",[0,1],[1,1],{"group":"wing"}],["b",[1,1],[0,1],{"group":"é"}]]'
    assert predictions.digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_misaligned_rows_are_refused() -> None:
    """Repeated ids and columns of another length would pair truth with the wrong prediction."""
    two = np.array([0, 1], np.int32)
    with pytest.raises(DataError, match="'a' occurs twice"):
        Predictions(("a", "a"), two, two)
    with pytest.raises(DataError, match="y_pred"):
        Predictions(("a", "b"), two, two[:1])
    with pytest.raises(DataError, match=r"y_pred has shape \(2, 3\)"):
        Predictions(("a", "b"), np.zeros((2, 9), np.int32), np.zeros((2, 3), np.int32))
    with pytest.raises(DataError, match="first_hit"):
        Predictions(("a", "b"), two, two, {"first_hit": two[:1]})
