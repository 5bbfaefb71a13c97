"""Every kind of result verifies: declared scores, unreadable images, samples, curves, compat."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from backbones import MeanColour
from drawn import draw_folders, draw_table, write_task
from small_runs import Made

from biobench import load_results
from biobench.pipeline import learning_curve, run
from biobench.probe.cached import NO_PREDICTION
from biobench.run.options import Options
from biobench.spec.load import load_spec
from biobench.verify import from_data
from biobench.verify.verdict import Verdict, verify_one


def verified(made: Made, path: Path | None = None) -> Verdict:
    return verify_one(path or made.out, load_spec(), made.places())


def options(folder: Path, **changes: object) -> Options:
    base = Options(
        model=MeanColour(), data=folder / "data", out=folder / "out", store=folder / "store",
        workers=1, quiet=True,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.mark.slow
def test_declared_scores_groups_and_accuracy(declared: Made, tmp_path: Path) -> None:
    """Null counts, protocol, predictions and cost of a declared score; the mean that has it; the
    groups of newt and the accuracy of inat21."""
    made = declared.copy(tmp_path / "copy")
    verdict = verified(made)
    assert verdict.holds, verdict.lines()
    (report,) = verdict.checked.values()
    assert "and the mean" in str(report.of("score")[0])
    file = made.out / "results.json"
    document = json.loads(file.read_text())
    document["tasks"]["imagenet1k"]["score"] = 0.9
    file.write_text(json.dumps(document))
    assert verified(made).document()["first"] == "score"


@pytest.mark.slow
def test_unreadable_images(tmp_path: Path) -> None:
    """Their predictions are -2 and wrong; a result that has them and counts none does not hold."""
    draw_table(tmp_path / "data/drawn", 12, 4)
    (tmp_path / "data/drawn/test/balanus/test101.png").write_bytes(b"no image")
    kinds = ("classes", "clips", "traits")
    asked = options(
        tmp_path, tasks=tuple(write_task(tmp_path, kind) for kind in kinds), on_bad_image="report"
    )
    results = run(asked)
    assert results.document["bad_images"] == 3
    assert (results.predictions("classes").y_pred == NO_PREDICTION).sum() == 1
    made = Made(tmp_path, asked)
    verdict = verified(made)
    assert verdict.holds, verdict.lines()
    file = made.out / "results.json"
    document = json.loads(file.read_text())
    document["bad_images"] = 0
    file.write_text(json.dumps(document))
    found = verified(made)
    assert found.document()["first"] == "pixels"
    assert "unreadable images" in "\n".join(found.lines())


@pytest.mark.slow
def test_compat_and_samples(tmp_path: Path) -> None:
    """Upstream's protocol has no interval and errata of its own; a sample has its own manifest."""
    draw_folders(tmp_path / "data/plankton", {"train": 4, "val": 4})
    for changes in ({"division": "compat"}, {"n_train": 2}, {"division": "compat", "n_train": 7}):
        asked = options(tmp_path, tasks=("plankton",), **changes)
        run(asked)
        verdict = verified(Made(tmp_path, asked))
        assert verdict.holds, verdict.lines()
        (report,) = verdict.checked.values()
        assert report.reached["pixels"] == "D"
        assert asked.out is not None
        entry = load_results(asked.out).document["tasks"]["plankton"]
        errata = entry["errata"]
        protocols = "Upstream trains in mixed precision"
        page = (asked.out / "report.html").read_text()
        assert any(line.startswith(protocols) for line in errata) is ("division" in changes)
        words = "Where compat follows" if "division" in changes else "What the published benchmark"
        assert words in page
        assert (entry["no_interval"] == "division") is ("division" in changes)
        intervals = "0 intervals" if entry["interval"] is None else "1 interval"
        assert intervals in str(report.of("score")[0])


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("curve")
    draw_table(folder / "data/drawn", 12, 4)
    tasks = tuple(write_task(folder, kind) for kind in ("clips", "groups"))
    asked = options(folder, tasks=tasks)
    learning_curve(asked, (1, 5, None))
    return Made(folder, asked)


def test_a_learning_curve(curve: Made) -> None:
    """The curve and each of its sizes; an empty cell has a reason and no result to ask."""
    verdict = verified(curve)
    assert verdict.holds, verdict.lines()
    assert list(verdict.checked) == ["curve", "n-1", "n-5", "all"]
    assert verified(curve, curve.out / "curve.json").holds
    assert verified(curve, curve.out / "n-5").holds


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("tasks", "groups", "cells", 1, "score"), 0.99, "its cell at n-5"),
        (("tasks", "groups", "cells", 1, "low"), 0.0, "its cell at n-5"),
        (("tasks", "clips", "cells", 0, "score"), 0.5, "its cell at n-1"),
        (("sizes", 2, "digest"), "sha256:" + "1" * 64, "all is not the result"),
        (("sizes", 1, "results"), "../out/n-5/results.json", "lies elsewhere"),
        (("sizes", 0, "results"), None, "n-1 has scores and no result"),
        (("sizes", 0, "n_train"), 7, "ascending"),
        (("model", "name"), "another", "is not the result"),
    ],
)
def test_a_forged_curve(
    place: tuple[str | int, ...], value: object, words: str, curve: Made, tmp_path: Path
) -> None:
    """Whatever the curve says otherwise than its results."""
    made = curve.copy(tmp_path / "copy")
    file = made.out / "curve.json"
    document = json.loads(file.read_text())
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    if place[-1] == "n_train":
        document["sizes"][0]["results"] = f"n-{value}/results.json"
        (made.out / "n-1").rename(made.out / f"n-{value}")
    file.write_text(json.dumps(document))
    verdict = verified(made)
    assert not verdict.holds
    assert words in "\n".join(verdict.lines())


@pytest.mark.slow
def test_a_long_training_is_not_repeated(own: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trained probe is made again from stored features where that is soon done; else it is said,
    and nothing is held to be wrong."""
    for most, words in (
        (from_data.MOST_TRAINING, "made again from the features"),
        (1, "to train its probe again takes"),
    ):
        monkeypatch.setattr(from_data, "MOST_TRAINING", most)
        verdict = own.verify()
        assert verdict.holds, verdict.lines()
        assert any(words in line for line in verdict.lines()), verdict.lines()
