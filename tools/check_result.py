"""Check a result document: its schema, its digest, and that its scores are neither chance nor 1."""

from __future__ import annotations

import json
import sys
from collections import Counter

import numpy as np

from biobench.data.predictions import Predictions
from biobench.metric.user_loss import losses, score_of
from biobench.report.result_document import result_digest
from biobench.report.results import Results, load_results
from biobench.spec.location import spec_root
from biobench.spec.validator import validator


def main(path: str) -> None:
    results = load_results(path)
    schema = json.loads((spec_root() / "v1" / "schema" / "results.schema.json").read_text())
    validator(schema).validate(results.document)
    assert results.digests["result"] == result_digest(results.document), "digests.result is wrong"
    for task, entry in results.tasks.items():
        low = chance(results, task)
        assert low < entry["score"] < 1, f"{task}: {entry['score']} is not between {low} and 1"
    assert results.mean is not None
    assert results.mean["tasks"] == len(results.tasks), "the mean is not of every task"
    print(f"{path}: {len(results.tasks)} tasks, mean {results.mean['score']:.4f}, valid")


def chance(results: Results, task: str) -> float:
    """The score of predictions that know nothing of the images."""
    entry = results.tasks[task]
    predictions = results.predictions(task)
    if entry["metric"] == "user_loss":
        return shuffled_user_loss(predictions)
    return 0.5 if entry["metric"] == "traits_f1" else 1 / entry["counts"]["classes"]


def shuffled_user_loss(predictions: Predictions) -> float:
    """The mean user loss over all orders of the predictions: each meets each truth equally often.

    One over the number of classes says nothing of it: misses have prices of their own.
    """
    extras = predictions.extras
    truths = Counter(
        zip(predictions.y_true.tolist(), extras["true_poisonous"].tolist(), strict=True)
    )
    guesses = Counter(
        zip(predictions.y_pred.tolist(), extras["predicted_poisonous"].tolist(), strict=True)
    )
    truth, poisonous = map(np.array, zip(*truths, strict=True))
    guess, called = map(np.array, zip(*guesses, strict=True))
    across, down = len(guesses), len(truths)
    loss, worst = losses(
        truth.repeat(across), np.tile(guess, down), poisonous.repeat(across), np.tile(called, down)
    )
    weights = np.outer(list(truths.values()), list(guesses.values())).ravel()
    return score_of(loss * weights, worst * weights)


if __name__ == "__main__":
    main(sys.argv[1])
