"""Learning curves of several models in one run: each as of the model alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backbones import Breaks, Grid
from drawn import draw_table, write_task

import biobench
from biobench.errors import ModelError
from biobench.pipeline import learning_curve, run, run_models
from biobench.run import many
from biobench.run.curves import curve_set
from biobench.run.model_list import ListedModel, options_of_models
from biobench.run.options import Options

pytestmark = pytest.mark.slow

SIZES = (None, 1, 5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("curves")
    draw_table(folder / "data" / "drawn", 12, 4)
    return folder / "data", tuple(write_task(folder, kind) for kind in ("clips", "groups"))


@pytest.fixture
def asked(drawn: tuple[Path, tuple[str, ...]], tmp_path: Path) -> Options:
    data, tasks = drawn
    return Options(
        model="demo", tasks=tasks, data=data, store=tmp_path / "store", out=tmp_path / "out",
        workers=2, engine="torch",
    )  # fmt: skip


def several(options: Options, *models: Any) -> list[many.ModelRun]:
    return run_models(options_of_models(options, [ListedModel(m) for m in models]), SIZES)


def test_an_image_is_decoded_once_for_a_recipe(asked: Options, decoded: list[str]) -> None:
    """Protects: neither models of one recipe nor sizes decode an image again."""
    several(replace(asked, tasks=asked.tasks[1:]), Grid(2), Grid(3), Grid(2, size=48))
    assert len(decoded) == 2 * len(set(decoded)) > 0


def test_each_curve_is_that_of_the_model_alone(asked: Options, tmp_path: Path) -> None:
    """Protects: company moves no score and no digest at any size, and each model has its curve in
    its folder."""
    together = several(asked, Grid(2), Grid(3), Grid(2, size=48))
    for done, model in zip(together, (Grid(2), Grid(3), Grid(2, size=48)), strict=True):
        alone = learning_curve(
            replace(asked, model=model, store=tmp_path / model.info.name, save=False), SIZES
        )
        assert (done.error, done.results) == (None, None)
        assert done.curve is not None
        assert done.curve.sizes == (1, 5, None)
        assert done.curve.document == alone.document
        for one, other in zip(done.curve.results, alone.results, strict=True):
            assert one is not None
            assert other is not None
            assert one.document["digests"] == other.document["digests"]
        assert done.curve.folder == tmp_path / "out" / model.info.name
        assert (done.curve.folder / "n-5" / "results.json").is_file()
        assert (done.curve.folder / "curve.json").is_file()


@pytest.mark.parametrize("error", [ModelError("gives nonsense"), RuntimeError("out of memory")])
def test_a_model_that_breaks_costs_the_others_nothing(
    error: Exception, asked: Options, tmp_path: Path
) -> None:
    """Protects: the others have whole curves, and the failing one neither a curve nor a folder."""
    whole = several(asked, Grid(2), Grid(4))
    found = several(
        replace(asked, store=tmp_path / "other", out=tmp_path / "again"),
        Grid(2), Breaks(3, error, after=0), Grid(4),
    )  # fmt: skip
    assert [run.curve is not None for run in found] == [True, False, True]
    assert isinstance(found[1].error, ModelError)
    assert not (tmp_path / "again" / "grid-3-32").exists()
    for one, other in zip(whole, (found[0], found[2]), strict=True):
        assert one.curve is not None
        assert other.curve is not None
        assert one.curve.document == other.curve.document


def test_models_beyond_the_memory_have_the_same_curves(
    asked: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: curves do not depend on how many models fit into memory together."""
    held = several(asked, Grid(2), Grid(3))
    monkeypatch.setattr(many, "available_memory", lambda: 0)
    apart = several(replace(asked, store=tmp_path / "2"), Grid(2), Grid(3))
    for one, two in zip(held, apart, strict=True):
        assert one.curve is not None
        assert two.curve is not None
        assert one.curve.document == two.curve.document


def test_a_list_of_models_from_python(asked: Options, tmp_path: Path) -> None:
    """Protects: `learning_curve()` takes what the command takes, and returns and writes the same
    curves and page; without out= it writes nothing, and one model has a curve, not a set."""
    call: Any = {"tasks": asked.tasks, "data": asked.data, "engine": "torch", "progress": False}
    given: list[Any] = [Grid(2), Breaks(3, ModelError("gives nonsense"), after=0), Grid(4)]
    found = biobench.learning_curve(
        given, sizes=SIZES, out=tmp_path / "out", store=tmp_path / "store", **call
    )
    assert isinstance(found, biobench.CurveSet)
    assert found.names == ("grid-2-32", "grid-4-32")
    assert list(found.failures) == ["grid-3-32"]
    assert found.page == tmp_path / "out" / "curves.html"
    assert "gives nonsense" in found.page.read_text()
    alone = several(replace(asked, out=tmp_path / "alone"), Grid(2), Grid(4))
    assert [curve.document for curve in found] == [
        run.curve.document for run in alone if run.curve is not None
    ]
    there = sorted(tmp_path.rglob("*"))
    call["store"] = tmp_path / "store"
    unwritten = biobench.learning_curve([Grid(2)], sizes=SIZES, **call)
    assert isinstance(unwritten, biobench.CurveSet)
    assert unwritten.page is None
    assert isinstance(biobench.learning_curve(Grid(2), sizes=SIZES, **call), biobench.Curve)
    assert [path for path in sorted(tmp_path.rglob("*")) if path.suffix != ".json"] == [
        path for path in there if path.suffix != ".json"
    ]
    with pytest.raises(ModelError, match="gives nonsense"):
        biobench.learning_curve(given[1:2], sizes=SIZES, **call)


def page_of(options: Options) -> Path:
    found = curve_set(several(options, Grid(2), Grid(3))).page
    assert found is not None
    assert found.is_file()
    return found


def test_a_page_goes_with_its_last_curve(
    asked: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: the page of curves that single runs replace does not stay and show them; while one
    of its curves is left it stays, and a line says so. A page of somebody else's stays."""
    page = page_of(asked)
    run(replace(asked, model=Grid(2), out=page.parent / "grid-2-32"))
    assert page.is_file()
    assert f"{page} shows an earlier result; run its models together again" in (
        capsys.readouterr().err
    )
    run(replace(asked, model=Grid(3), out=page.parent / "grid-3-32"))
    assert not page.exists()

    page = page_of(asked)
    capsys.readouterr()
    run_models(options_of_models(asked, [ListedModel(Grid(2)), ListedModel(Grid(3))]))
    assert not page.exists()
    assert "earlier result" not in capsys.readouterr().err
    page.write_text("<!doctype html><p>of my own")
    run_models(options_of_models(asked, [ListedModel(Grid(2)), ListedModel(Grid(3))]))
    assert page.is_file()


def test_a_page_of_a_replaced_curve_is_named(
    asked: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: a curve of other sizes in the place of one that the page shows is said, and the
    same curve again is not."""
    page = page_of(asked)
    again = replace(asked, model=Grid(2), out=page.parent / "grid-2-32")
    capsys.readouterr()
    learning_curve(again, SIZES)
    assert "earlier result" not in capsys.readouterr().err
    learning_curve(again, (1, None))
    assert f"{page} shows an earlier result" in capsys.readouterr().err
    assert page.is_file()
