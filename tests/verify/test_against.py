"""Two results side by side: the first stage that differs, by how much, and the level reached."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_runs import Made

from biobench import Results
from biobench.data.predictions import Predictions
from biobench.embed.evidence import Evidence
from biobench.pipeline import run
from biobench.report.result_document import result_digest
from biobench.spec.load import load_spec
from biobench.verify.against import ResultPair, compare, same_from_predictions, shared_level
from biobench.verify.findings import Report, lines
from biobench.verify.measure import feature_distance, matched, prediction_distance


def against(made: Made, other: Results, *, data: Path | None = None, store: bool = True) -> Report:
    places = made.places(store=store)
    theirs = replace(places.images, data=data)
    return compare(
        ResultPair(made.results, other, places.images, theirs, places.stores), load_spec()
    )


@pytest.mark.slow
def test_a_result_reproduces_itself(own: Made) -> None:
    """All stages equal; pixels reach D and scores S, whatever the features claim."""
    report = against(own, own.results)
    assert report.holds
    assert report.first is None
    assert {stage: report.reached[stage] for stage in ("data", "pixels", "score")} == {
        "data": "D", "pixels": "D", "score": "S",
    }  # fmt: skip
    assert same_from_predictions(own.results, own.results)


@pytest.fixture(scope="module")
def changed(own: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Results]:
    """The run, and another one on data of which one test image has a pixel of another colour."""
    made = own.copy(tmp_path_factory.mktemp("changed") / "run")
    other = made.folder / "other"
    path = made.folder / "data/drawn/test/balanus/test101.png"
    (other / "drawn").parent.mkdir()
    import shutil

    shutil.copytree(made.folder / "data", other, dirs_exist_ok=True)
    pixels = np.array(Image.open(path))
    pixels[3:9, 3:9] ^= 0x40
    Image.fromarray(pixels).save(other / "drawn/test/balanus/test101.png")
    return made, run(replace(made.options, data=other, out=made.folder / "other-out"))


@pytest.mark.slow
def test_one_image_differs(changed: tuple[Made, Results]) -> None:
    """The first stage is pixels; share, largest difference, cosine and the scores are stated."""
    made, other = changed
    report = against(made, other, data=made.folder / "other")
    assert report.first == "pixels"
    sizes = {
        stage: next(f.size for f in report.of(stage) if f.task == "classes" and f.size)
        for stage in ("pixels", "features")
    }
    assert sizes["pixels"]["images"] == 1
    assert sizes["pixels"]["share"] == 1 / sizes["pixels"]["of"]
    assert 0 < sizes["pixels"]["largest"] <= 64
    assert sizes["features"]["items"] == 1
    assert 0.5 < sizes["features"]["least_cosine"] < 1
    assert sizes["features"]["largest"] > 0
    assert report.status("data") is True
    assert report.reached["pixels"] is None
    assert report.status("weights") is True


@pytest.mark.slow
def test_what_cannot_be_measured_is_said(changed: tuple[Made, Results]) -> None:
    """Without the other images the share is known and the difference is not; without a store
    neither is."""
    made, other = changed
    finding = against(made, other).of("pixels")[0]
    assert finding.size["images"] == 1
    assert "--against-data" in finding.text
    finding = against(made, other, store=False).of("features")[0]
    assert "cannot be measured" in finding.text
    assert "--store" in finding.text
    # Images that are not those of the run are no measure either.
    finding = against(made, other, data=made.folder / "data").of("pixels")[0]
    assert "does not have the images of the run" in finding.text


def test_another_model(own: Made, tmp_path: Path) -> None:
    """The weights come before the features; equal pixels stay level D."""
    from backbones import MeanColour

    model = MeanColour()
    model.info = replace(model.info, weights="sha256:" + "1" * 64)
    made = own.copy(tmp_path / "run")
    options = replace(made.options, model=model, out=tmp_path / "out")
    report = against(made, run(options))
    assert report.first == "weights"
    assert report.reached["pixels"] == "D"
    assert report.status("features") is True  # the same colours, whatever the weights are called


def edited(results: Results, **changes: Any) -> Results:
    document = copy.deepcopy(results.document)
    for path, value in changes.items():
        place = document
        *keys, last = path.split("__")
        for key in keys:
            place = place[key]
        place[last] = value
    document["digests"]["result"] = result_digest(document)
    return Results(document, results.folder)


CUDA = {"nvidia-cublas": "13.4.1", "nvidia-cudnn-cu13": "9.26.0", "NVIDIA driver": "580.95.05"}
"""The record of a run on a GPU beside the packages of one on a CPU."""


def machine(
    results: Results, level: str, cpu: str | None, gpu: str | None, micro_batch: int
) -> Results:
    environment = results.document["environment"]
    more = CUDA if gpu is not None else {}
    builds = {name: "sha256:" + "3" * 64 for name in more if name.startswith("nvidia-")}
    return edited(
        results,
        environment__packages=environment["packages"] | more,
        environment__builds=environment["builds"] | builds,
        levels__features=level,
        environment__variables={} if level != "T" else {"MKL_CBWR": "AVX2"},
        environment__cpu_type=cpu,
        environment__gpu=gpu,
        model__micro_batch=micro_batch,
    )


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        (("E", "Zen", None, 32), ("E", "Zen", None, 32), "E"),
        (("E", "Zen", None, 32), ("E", "Xeon", None, 32), "T"),
        (("E", None, None, 32), ("E", None, None, 32), "T"),
        (("E", "Zen", "H100", 256), ("E", "Xeon", "H100", 256), "E"),
        (("E", "Zen", "H100", 256), ("E", "Zen", "A100", 256), "T"),
        (("E", "Zen", "H100", 256), ("E", "Zen", "H100", 64), "T"),
        (("E", "Zen", "H100", 256), ("E", "Zen", None, 256), "T"),
        (("E", "Zen", None, 32), ("T", "Zen", None, 32), "T"),
    ],
)
def test_what_two_machines_promise(a: Any, b: Any, level: str, own: Made) -> None:
    """The table of levels: who must have equal bits, and who is held to the tolerance."""
    first, second = (machine(own.results, *record) for record in (a, b))
    assert shared_level(first, second) == level
    assert against(own, second).reached["score"] == "S"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("environment__libc", "glibc 2.41", "C library"),
        ("environment__code", "sha256:" + "7" * 64, "biobench"),
        ("environment__packages__torch", "2.6.0", "torch"),
        ("environment__builds__numpy", "sha256:" + "7" * 64, "numpy"),
    ],
)
@pytest.mark.parametrize(("level", "gpu"), [("E", None), ("E", "H100")])
def test_other_software_never_shares_equal_bits(
    field: str, value: str, words: str, level: str, gpu: str | None, own: Made
) -> None:
    """Whatever each claims by itself and however equal they are: level T, and the software that
    differs is printed before any digest."""
    ours = machine(own.results, level, "Zen", gpu, 32)
    theirs = edited(ours, **{field: value})
    assert shared_level(ours, ours) == "E"
    assert shared_level(ours, theirs) == "T"
    images = own.places().images
    report = compare(ResultPair(ours, theirs, images, images, own.places().stores), load_spec())
    assert report.holds
    assert report.claimed["features"] == report.reached["features"] == "T"
    assert "E" not in {*report.claimed.values(), *report.reached.values()}
    printed = lines(report, "compare")
    (line,) = (line for line in printed if line.startswith("software"))
    assert words in line
    assert value.removeprefix("glibc ") in line
    first = next(i for i, line in enumerate(printed) if "sha256:" in line and words not in line)
    assert printed.index(line) < first


@pytest.mark.parametrize(
    ("gpu", "lost", "words"),
    [
        (None, {"builds": {}}, "which torch, "),
        (None, {"libc": None}, "which C library it was"),
        ("H100", {"packages": "NVIDIA driver"}, "which NVIDIA driver it was"),
        ("H100", {"packages": "nvidia-cudnn-cu13"}, "which cudnn it was"),
        ("H100", {"builds": "nvidia-cublas"}, "which nvidia-cublas it was"),
    ],
)
def test_what_neither_knows_is_not_equal(
    gpu: str | None, lost: dict[str, Any], words: str, own: Made
) -> None:
    """Nothing differs between the two, and yet no level of equal bits is reached."""
    made = machine(own.results, "E", "Zen", gpu, 32)
    ((group, what),) = lost.items()
    value = made.document["environment"][group]
    value = {k: v for k, v in value.items() if k != what} if isinstance(what, str) else what
    made = edited(made, **{f"environment__{group}": value})
    assert shared_level(made, made) == "T"
    images = own.places().images
    report = compare(ResultPair(made, made, images, images, own.places().stores), load_spec())
    assert report.holds
    assert report.reached["features"] == "T"
    (finding,) = report.of("software")
    assert words in finding.text


def test_equal_software_and_other_environments(own: Made) -> None:
    """Variables and torch's switches are said beside it, since they choose the arithmetic too."""
    changed = edited(
        own.results,
        environment__variables={"MKL_CBWR": "AVX2"},
        environment__image="another:1.0",
    )
    (finding,) = against(own, changed).of("software")
    assert finding.holds
    assert "MKL_CBWR is" in finding.text
    assert "image is None and another:1.0" in finding.text
    (finding,) = against(own, own.results).of("software")
    assert finding.text.startswith("the same")


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "holds"), [(1e-6, True), (0.3, False)])
@pytest.mark.parametrize("level", ["E", "T"])
def test_the_tolerance_is_for_level_t_alone(
    scale: float, holds: bool, level: str, own: Made, tmp_path: Path, monkeypatch: Any
) -> None:
    """Features that are a little off hold where nobody promised equal bits, and break E."""
    import torch
    from backbones import MeanColour

    class Off(MeanColour):
        def embed(self, batch: torch.Tensor) -> torch.Tensor:
            found = super().embed(batch)
            return found + scale * torch.cos(torch.arange(found.shape[1]) + found[:, :1] * 99)

    model = Off()
    model.info = replace(model.info, fingerprint="sha256:" + "2" * 64)
    made = own.copy(tmp_path / "run")
    options = replace(made.options, model=model, out=tmp_path / "out", tasks=made.options.tasks[:1])
    other = machine(run(options), level, "a", None, 32)
    options = replace(options, model=made.options.model, out=tmp_path / "ours")
    ours = machine(run(options), level, "a", None, 32)
    images = made.places().images
    report = compare(ResultPair(ours, other, images, images, made.places().stores), load_spec())
    assert report.status("weights") is True
    status = level == "T" and holds
    assert report.status("features") is status
    assert report.first == (None if status else "features")
    assert report.reached["features"] == ("T" if status else None)
    assert "least cosine" in report.of("features")[0].text


def test_setup_comes_first(own: Made) -> None:
    """Another sample size, a missing task and another version are named before anything else."""
    for change, word in (({"n_train": 5}, "n_train"), ({"division": "compat"}, "division")):
        report = against(own, edited(own.results, **change))
        assert report.first == "setup"
        assert word in str(report.of("setup")[0])
    document = copy.deepcopy(own.results.document)
    del document["tasks"]["classes"]
    document["tasks"]["groups"]["version"] = 2
    report = against(own, Results(document, own.out))
    texts = [str(finding) for finding in report.of("setup")]
    assert any("classes is in one of them only" in text for text in texts)
    assert any("groups has versions 1 and 2" in text for text in texts)


@pytest.mark.parametrize("name", ["dim", "parameters"])
def test_one_model_is_of_one_size(name: str, own: Made) -> None:
    """Fields that follow from the weights, as running again finds them."""
    report = against(own, edited(own.results, **{f"model__{name}": 77}))
    assert report.first == "weights"
    assert f"{name} is " in str(report.of("weights")[0])


def test_a_processor_is_as_claimed(own: Made) -> None:
    """No digest covers it, which the comparison says beside the level that rests on it."""
    report = against(own, edited(own.results, environment__cpu="Another"))
    assert any("and Another, as the files say" in str(found) for found in report.of("setup"))


labels = st.lists(st.integers(-2, 4), min_size=1, max_size=30)


@given(labels, st.data())
def test_share_of_equal_predictions(ours: list[int], data: st.DataObject) -> None:
    """The share is of the items of both, matched by id in whatever order."""
    theirs = data.draw(st.lists(st.integers(-2, 4), min_size=len(ours), max_size=len(ours)))
    ids = tuple(f"i{i}" for i in range(len(ours)))
    order = data.draw(st.permutations(range(len(ours))))
    a = Predictions(ids, np.zeros(len(ours), np.int32), np.array(ours, np.int32))
    b = Predictions(
        tuple(ids[i] for i in order),
        np.zeros(len(ours), np.int32),
        np.array([theirs[i] for i in order], np.int32),
    )
    share = sum(x == y for x, y in zip(ours, theirs, strict=True)) / len(ours)
    assert prediction_distance(a, b).size["equal"] == pytest.approx(share)


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_cosine_and_difference(rows: int, seed: int) -> None:
    """Against the definition, row by row; a zero row has cosine 0, and two of them are equal."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, rows, 3)).astype(np.float32)
    x[::5] = 0
    y[::10] = 0
    items = tuple(f"i{i}" for i in range(rows))
    nothing = np.zeros((rows, 32), np.uint8)
    found = feature_distance(Evidence([], nothing, items, x), Evidence([], nothing, items, y))
    cosines = []
    for a, b in zip(x.astype(np.float64), y.astype(np.float64), strict=True):
        norm = np.linalg.norm(a) * np.linalg.norm(b)
        cosines.append(1.0 if (a == b).all() else a @ b / norm if norm else 0.0)
    if (x == y).all():
        assert found.text == "other items; those in both results have the same features"
        return
    assert found.size["least_cosine"] == pytest.approx(min(cosines), abs=1e-12)
    assert found.size["mean_cosine"] == pytest.approx(np.mean(cosines), abs=1e-12)
    assert found.size["largest"] == np.abs(x.astype(np.float64) - y).max()


def test_items_are_matched_by_id() -> None:
    """In our order, and those that both have."""
    here, there = matched(["a", "b", "c"], ["c", "x", "a"])
    assert (here.tolist(), there.tolist()) == ([0, 2], [2, 0])
    assert matched([], ["a"])[0].size == 0
