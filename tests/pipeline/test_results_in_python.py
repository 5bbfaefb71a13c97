"""Results that a call from Python returns: tables, mistakes, drawings, models that failed."""

from __future__ import annotations

import copy
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from backbones import MeanColour
from photographs import CLASSES, write_photos

import biobench
from biobench.cli import execute
from biobench.data.predictions import Predictions
from biobench.errors import UsageError

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("own") / "photos")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def both(photos: Path, store: Path, small_program: str) -> biobench.ResultSet:
    """Two models and one that does not exist, on class folders; nothing is written."""
    found = biobench.evaluate(
        [small_program, MeanColour(), "no-such-model"], images=photos, store=store, progress=False,
        train_share=0.5, workers=2,
    )  # fmt: skip
    assert isinstance(found, biobench.ResultSet)
    return found


def test_class_folders_from_python(
    both: biobench.ResultSet, photos: Path, store: Path, small_program: str, tmp_path: Path
) -> None:
    """Protects: a call gives the digests of the command with the same options and store."""
    command = ["run", "--model", small_program, "--images", str(photos), "--train-share", "0.5"]
    said = ["--workers", "2", "--store", str(store), "--out", str(tmp_path / "out")]
    assert execute([*command, *said]) == 0
    assert biobench.load_results(tmp_path / "out").digests == both[0].digests


def test_models_by_name(both: biobench.ResultSet) -> None:
    """Protects: a set is read by name or by place, and says which models failed and why."""
    assert both.names == ("program:./small", "mean-colour")
    assert both["mean-colour"] is both[1]
    assert both[-1] is both[1]
    assert list(both[:1]) == [both[0]]
    assert list(both.failures) == ["no-such-model"]
    with pytest.raises(UsageError, match="0 results of model 'other'; give a place"):
        both["other"]
    assert both[0]["photos"]["metric"] == "macro_f1"
    assert list(both[0]) == ["photos"]
    assert "photos" in both[0]
    with pytest.raises(UsageError, match="the result has no task 'plankton'; it has photos"):
        both[0]["plankton"]


def test_mistakes_as_tables(both: biobench.ResultSet, photos: Path) -> None:
    """Protects: scores by class and the items got wrong have names, and agree with the score."""
    weak = both["mean-colour"]
    classes, errors = weak.per_class(), weak.errors()
    assert set(classes["class"]) == set(CLASSES)
    assert list(classes["f1"]) == sorted(classes["f1"])
    assert classes["f1"].mean() == pytest.approx(weak["photos"]["score"])
    assert len(errors) == classes["support"].sum() - classes["right"].sum() > 0
    for row in errors.itertuples():
        assert (photos / row.id).is_file()
        assert row.id.split("/")[0] == row.truth != row.predicted
        assert row.predicted in CLASSES
    together = both.errors("photos")
    assert len(together) == sum(len(result.errors()) for result in both)
    assert set(both.per_class()["model"]) == set(both.names)
    with pytest.raises(UsageError, match="no task 'other'"):
        weak.errors("other")


def test_groups_of_own_images(
    both: biobench.ResultSet, photos: Path, store: Path, small_program: str, tmp_path: Path
) -> None:
    """Protects: what --group keeps together is named in errors() and counted in per_group(), from
    the call and from the folder; without it the columns are there and hold nothing."""
    table = tmp_path / "sites.csv"
    images = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.png"))
    sites = {image: f"site {i % 5}" for i, image in enumerate(images[:-6])}
    lines = [f"{image},{sites.get(image, '')}" for image in images]
    table.write_text("\n".join(["image,site", *lines]) + "\n")
    found = biobench.evaluate(
        small_program, images=photos, group=table, store=store, out=tmp_path / "out", progress=False
    )
    for result in (found, biobench.load_results(tmp_path / "out")):
        groups, errors = result.per_group(), result.errors()
        assert list(groups.columns) == ["model", "task", "unit", "group", "items", "right", "share"]
        assert set(groups["unit"]) == {"site"}
        assert set(groups["group"]) < set(sites.values())
        assert list(groups["share"]) == sorted(groups["share"])
        predictions = result.predictions("photos")
        of_sites = [id for id in predictions.ids if id in sites]
        assert groups["items"].sum() == len(of_sites) < len(predictions.ids)
        wrong = errors[errors["group"].notna()]
        assert len(wrong) == groups["items"].sum() - groups["right"].sum() > 0
        assert all(sites[row.id] == row.group for row in wrong.itertuples())
        assert not set(errors[errors["group"].isna()]["id"]) & set(sites)
    assert len(both.per_group()) == 0
    assert "group" in both.per_group().columns
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Items by site, worst first" in page


def test_a_model_without_mistakes(both: biobench.ResultSet) -> None:
    """Protects: no mistake is an empty table with its columns, alone and beside another."""
    one = both[0]
    found = one.predictions("photos")
    right = Predictions(found.ids, found.y_true, found.y_true, found.extras)
    document = copy.deepcopy(one.document)
    document["tasks"]["photos"]["digests"]["predictions"] = right.digest
    perfect = biobench.Results(document, None, {"photos": right}, None, one.loaded_names)
    columns = ["model", "task", "id", "truth", "predicted", "group"]
    assert list(perfect.errors().columns) == columns
    assert len(perfect.errors()) == 0
    beside = biobench.ResultSet([perfect, both[1]]).errors()
    assert (list(beside.columns), len(beside)) == (columns, len(both[1].errors()))
    assert set(perfect.per_class()["f1"]) == {1.0}


class Broken(MeanColour):
    """A backbone of its parent's name that fails at its first batch."""

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"no features of {len(batch)} images")


def test_failures_of_one_name_are_kept_apart(photos: Path, tmp_path: Path) -> None:
    """Protects: two models of one name that fail have two errors, under the names of their folders,
    and one alone its bare name."""
    found = biobench.evaluate(
        [MeanColour(), Broken(), Broken(), "no-such-model"], images=photos, store=tmp_path,
        progress=False, train_share=0.5, workers=2,
    )  # fmt: skip
    *names, last = found.failures
    assert last == "no-such-model"
    assert [name.rpartition("-")[0] for name in names] == ["mean-colour"] * 2
    assert names[0] != names[1]
    html = found._repr_html_()
    assert html is not None
    assert names[1] in html


def test_html_of_a_notebook(both: biobench.ResultSet) -> None:
    """Protects: what a notebook shows is whole HTML that has scores, models and failures, and of
    the interval what it is of."""
    one, several = both[1]._repr_html_(), both._repr_html_()
    for html in (one, several):
        ElementTree.fromstring(f"<body>{html}</body>")
        assert f"{both[1]['photos']['score']:.4f}" in html
        assert "mean-colour" in html
    assert "no-such-model" in several
    assert "interval: expected score on new" in several
    assert "stored" not in several


def test_a_name_cannot_act_as_markup(both: biobench.ResultSet) -> None:
    """Protects: names from files are escaped in tables and drawings."""
    document = {**both[1].document, "model": {**both[1].document["model"], "name": "<script>x"}}
    hostile = biobench.Results(
        document, None, both[1].loaded_predictions, None, both[1].loaded_names
    )
    several = biobench.ResultSet([hostile, both[0]], {"<b>": ValueError("<i>")})
    for text in (hostile._repr_html_(), several._repr_html_(), several.plot()._repr_svg_()):
        assert "<script>x" not in text
        assert "&lt;script&gt;x" in text
        assert "<b>" not in text
        assert "<i>" not in text


def test_drawings(both: biobench.ResultSet, tmp_path: Path) -> None:
    """Protects: a drawing has a mark for each score, best first, and is saved as SVG or a page."""
    figure = both.plot()
    assert isinstance(figure, biobench.Figure)
    drawn = ElementTree.fromstring(figure._repr_svg_())
    names = [text.text for text in drawn.iter(f"{SVG}text") if text.get("x") == "0"]
    scores = {result.model: result["photos"]["score"] for result in both}
    assert names == sorted(scores, key=lambda name: -scores[name])
    assert len(list(drawn.iter(f"{SVG}circle"))) == 2
    assert len(list(ElementTree.fromstring(both[0].plot()._repr_html_()).iter(f"{SVG}circle"))) == 1
    saved = figure.save(tmp_path / "a.svg")
    assert saved.read_text() == figure._repr_svg_()
    assert figure._repr_svg_() in figure.save(str(tmp_path / "a.html")).read_text()
    with pytest.raises(UsageError, match=r"a figure is \.svg or \.html"):
        figure.save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="no model has a score of 'other'"):
        both.plot("other")
