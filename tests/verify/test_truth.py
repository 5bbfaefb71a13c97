"""Nothing that the data tell is believed: ids, labels, groups, flags, neighbours, class names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backbones import MeanColour
from drawn import draw_table
from small_runs import INDIVIDUALS, Made, at
from tampering import described, forge_predictions, set_all

from biobench.data.predictions import Predictions
from biobench.pipeline import run
from biobench.run.options import Options

pytestmark = pytest.mark.slow

Change = Callable[[str, Predictions], Predictions]


def believed(id: str, predictions: Predictions) -> Predictions:
    return predictions


def all_right(id: str, predictions: Predictions) -> Predictions:
    extras = dict(predictions.extras)
    if "true_poisonous" in extras:
        extras["true_poisonous"] = extras["predicted_poisonous"]
    return replace(predictions, y_true=predictions.y_pred, extras=extras)


def turned(id: str, predictions: Predictions) -> Predictions:
    return replace(predictions, y_true=predictions.y_true[::-1])


def other_ids(id: str, predictions: Predictions) -> Predictions:
    return replace(predictions, ids=tuple(f"no-such-item-{i}" for i in range(len(predictions.ids))))


def other_order(id: str, predictions: Predictions) -> Predictions:
    order = np.arange(len(predictions.ids))[::-1]
    return Predictions(
        tuple(predictions.ids[i] for i in order),
        predictions.y_true[order],
        predictions.y_pred[order],
        {name: column[order] for name, column in predictions.extras.items()},
    )


def first_hits(id: str, predictions: Predictions) -> Predictions:
    return set_all(set_all(predictions, "first_hit", 1), "average_precision", 1.0)


def column(name: str, value: object) -> Change:
    return lambda id, predictions: set_all(predictions, name, value)


def without(name: str) -> Change:
    def change(id: str, predictions: Predictions) -> Predictions:
        return replace(
            predictions, extras={k: v for k, v in predictions.extras.items() if k != name}
        )

    return change


def impossible_label(id: str, predictions: Predictions) -> Predictions:
    extras = dict(predictions.extras)
    if "predicted_poisonous" in extras:
        extras["predicted_poisonous"] = np.zeros_like(extras["predicted_poisonous"])
    return replace(predictions, y_pred=np.full_like(predictions.y_pred, -1), extras=extras)


@pytest.mark.parametrize(
    ("run_of", "change", "words"),
    [
        ("own", all_right, "y_true is not the label in the data"),
        ("demo", all_right, "y_true is not the label in the data"),
        ("declared", turned, "y_true is not the label in the data"),
        ("own", other_ids, "its items are not those of the data"),
        ("demo", other_ids, "no-such-item-0"),
        ("ranked", other_order, "the same ones in another order"),
        ("own", column("true_poisonous", False), "true_poisonous is not what the data say"),
        ("own", column("predicted_poisonous", False), "not what y_pred and the data say"),
        ("own", column("group", "right"), "the column group is not what the data say"),
        ("demo", column("cluster", "whale00"), "the column cluster is not what the data say"),
        ("demo", without("cluster"), "the column cluster is missing"),
        ("demo", first_hits, "first_hit is not that of the neighbours"),
        ("ranked", column("average_precision", 0.5), "average_precision is one that"),
        ("ranked", column("average_precision", 0.0), "average_precision is one that"),
        ("ranked", column("first_hit", 9), "first_hit is not that of the neighbours"),
        ("ranked", column("neighbours", 3), "is its own neighbour"),
        ("ranked", column("neighbours", 99), "not rows of the manifest"),
        ("ranked", column("neighbours", -1), "not rows of the manifest"),
        ("ranked", without("neighbours"), "the column neighbours is missing"),
        ("declared", impossible_label, "y_pred"),
        ("ranked", impossible_label, "y_pred"),
    ],
)  # fmt: skip
def test_a_forgery_beside_its_data(
    run_of: str, change: Change, words: str, request: pytest.FixtureRequest
) -> None:
    """Each with every digest, every score and the mean computed anew; the store is not needed."""
    made: Made = request.getfixturevalue(run_of)
    report = forge_predictions(made, change, store=False)
    assert report.first == "predictions", described(report)
    assert words in "\n".join(map(str, report.of("predictions"))), described(report)
    assert "fails" in report.truth.values()


@pytest.mark.parametrize("run_of", ["own", "demo", "declared", "ranked"])
def test_the_forger_without_a_forgery(run_of: str, request: pytest.FixtureRequest) -> None:
    """The tests above recompute what a run computes: nothing of it is found by chance."""
    made: Made = request.getfixturevalue(run_of)
    report = forge_predictions(made, believed)
    assert report.holds, described(report)
    assert set(report.truth.values()) == {"holds"}


def own_class_first(id: str, predictions: Predictions) -> Predictions:
    """Other neighbours of the right class, with all that follows from them: a ranking that could
    be."""
    if id != "individuals":
        return predictions
    rows = np.arange(len(predictions.ids))
    labels = predictions.y_true
    alike = [[j for j in rows if j != i and labels[i] == labels[j]] for i in rows]
    near = np.array(alike, np.int32)
    extras = {
        "neighbours": near[:, :5],
        "first_hit": np.ones(rows.size, np.int32),
        "average_precision": np.ones(rows.size),
    }
    return replace(predictions, y_pred=predictions.y_true, extras=extras)


def test_neighbours_follow_from_features_alone(ranked: Made) -> None:
    """A whole ranking that fits its labels is a claim of the page without the store, and is found
    with it."""
    assert forge_predictions(ranked, own_class_first, store=False).holds
    report = forge_predictions(ranked, own_class_first)
    assert report.first == "predictions"
    assert "the features give other predictions" in str(report.of("predictions")[0])


def test_without_the_data_it_is_said(own: Made, demo: Made) -> None:
    """In the table and as JSON, for each task of which the truth was not looked at."""
    report = forge_predictions(own, all_right, data=False, store=False)
    assert report.holds
    assert set(report.truth.values()) == {"not checked: no data"}
    assert set(report.document()["truth"]) == set(own.results.tasks)
    assert "truth not checked: no data" in str(report.of("data")[0])
    # Images of the demo come with the package.
    assert set(demo.verify(data=False).checked["result"].truth.values()) == {"holds"}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("task", "another", "its file is of the task 'another'"),
        ("classes", json.dumps(["a", "b", "c"]), "the classes of its file are not those"),
        ("test_classes", json.dumps(["a"]), "the test_classes of its file are not those"),
        ("classes", "no JSON", "does not list its classes"),
        ("classes", None, "does not list its classes"),
    ],
)
def test_names_in_a_predictions_file(
    key: str, value: str | None, words: str, ranked: Made, tmp_path: Path
) -> None:
    """Class names are held to the data; no digest covers them."""
    made = ranked.copy(tmp_path / "copy")
    path = made.out / "predictions/observations.parquet"
    table = pq.read_table(path)
    metadata = {k.decode(): v.decode() for k, v in table.schema.metadata.items()} | {key: value}
    kept = {k: v for k, v in metadata.items() if v is not None}
    pq.write_table(table.replace_schema_metadata(kept), path)
    (report,) = made.verify(store=False).checked.values()
    assert report.first == "predictions"
    assert words in str(report.of("predictions")[0])


def test_the_number_of_names_without_the_data(ranked: Made, tmp_path: Path) -> None:
    """As many names as the result counts classes."""
    made = ranked.copy(tmp_path / "copy")
    path = made.out / "predictions/observations.parquet"
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"classes": b'["one"]'}
    pq.write_table(pa.table(table).replace_schema_metadata(metadata), path)
    (report,) = made.verify(data=False, store=False).checked.values()
    assert "names 1 classes" in str(report.of("predictions")[0])


def test_unreadable_images_of_nearest_neighbours(tmp_path: Path) -> None:
    """They have no neighbours and are nobody's; a prediction for one of them is found out."""
    import yaml

    draw_table(tmp_path / "data/drawn", 6, 4)
    (tmp_path / "data/drawn/train/balanus/train103.png").write_bytes(b"no image")
    path = tmp_path / "individuals.yaml"
    path.write_text(yaml.safe_dump(INDIVIDUALS))
    options = at(
        tmp_path,
        Options(
            model=MeanColour(), tasks=(str(path),), workers=1, quiet=True, on_bad_image="report"
        ),
    )
    run(options)
    made = Made(tmp_path, options)
    (report,) = made.verify().checked.values()
    assert report.holds, described(report)

    def readable(id: str, predictions: Predictions) -> Predictions:
        labels = np.where(predictions.y_pred == -2, predictions.y_true, predictions.y_pred)
        return replace(predictions, y_pred=labels)

    report = forge_predictions(made, readable, store=False)
    assert report.first == "predictions"
    assert "other items than the unreadable ones" in str(report.of("predictions")[0])
