"""Learning curves: one embedding, a result for each size, and reasons where there is none."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from html import escape as html_escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import torch
from backbones import MeanColour
from drawn import draw_table, write_task

from biobench import learning_curve as curve_from_python
from biobench import load_results
from biobench.data import file_hashes as content
from biobench.data.sample import size_name
from biobench.errors import DataError, UsageError
from biobench.pipeline import learning_curve, run
from biobench.report.curve import Curve
from biobench.report.result_document import result_digest
from biobench.run.learning_curve import in_order
from biobench.run.options import Options
from biobench.run.plan import plan

SIZES = (1, 5, None)


class Counting(MeanColour):
    """Counts its forward passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = 0

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return super().embed(batch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curve")


@pytest.fixture(scope="module")
def asked(folder: Path) -> Options:
    draw_table(folder / "data" / "drawn", 12, 4)
    tasks = tuple(write_task(folder, kind) for kind in ("clips", "groups", "traits"))
    return Options(
        model=Counting(), tasks=tasks, data=folder / "data", out=folder / "out",
        store=folder / "store", workers=1, quiet=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def curve(asked: Options) -> Curve:
    return learning_curve(asked, (None, 5, 1))


def schema(repository: Path, name: str) -> Any:
    return json.loads((repository / f"spec/v1/schema/{name}.schema.json").read_text())


@pytest.mark.slow
def test_a_notebook_shows_a_curve(curve: Curve) -> None:
    """Protects: the table has every cell or its reason, and the drawing a panel a task, with a mark
    for each score and each gap."""
    cells = [cell for entry in curve.tasks.values() for cell in entry["cells"]]
    scored = [cell for cell in cells if cell["score"] is not None]
    assert len(curve.to_frame()) == len(cells)
    html = curve._repr_html_()
    ElementTree.fromstring(html)
    for cell in cells:
        text = cell["reason"] if cell["score"] is None else f"{cell['score']:.4f}"
        assert html_escape(text) in html
    drawn = ElementTree.fromstring(curve.plot()._repr_svg_())
    svg = "{http://www.w3.org/2000/svg}"
    assert len([g for g in drawn.iter(f"{svg}g") if "panel" in g.get("class", "")]) == len(
        curve.tasks
    )
    assert len(list(drawn.iter(f"{svg}circle"))) == len(scored)
    assert len(list(drawn.iter(f"{svg}path"))) == len(cells) - len(scored)


@pytest.mark.slow
def test_each_size_has_a_result_like_any_other(
    curve: Curve, asked: Options, repository: Path
) -> None:
    """Valid against the schema, with its own digest, and few-shot results are not official."""
    assert asked.out is not None
    for name, size in zip(("n-1", "n-5", "all"), SIZES, strict=True):
        found = load_results(asked.out / name)
        jsonschema.Draft202012Validator(schema(repository, "results")).validate(found.document)
        assert found.digests["result"] == result_digest(found.document)
        assert found.document["n_train"] == size
        reasons = found.document["unofficial_reasons"]
        assert any("few-shot" in reason for reason in reasons) == (size is not None)
        for task in found.tasks:
            assert len(found.predictions(task).ids) == found.tasks[task]["counts"]["test"]
        assert (asked.out / name / "report.html").is_file()


def test_the_document_says_what_there_is_and_why_not(
    curve: Curve, asked: Options, repository: Path
) -> None:
    """One clip a class is too few for five folds: an empty cell with the reason, and the other
    tasks have their scores."""
    assert asked.out is not None
    document = json.loads((asked.out / "curve.json").read_text())
    assert document == curve.document
    jsonschema.Draft202012Validator(schema(repository, "curve")).validate(document)
    assert curve.sizes == SIZES
    assert [size["results"] for size in document["sizes"]] == [
        f"{name}/results.json" for name in ("n-1", "n-5", "all")
    ]
    empty, few, whole = curve.tasks["clips"]["cells"]
    assert empty["score"] is None
    assert "no class has the 5 training items" in empty["reason"]
    assert (few["train"], whole["train"]) == (15, 18)
    assert few["reason"] is None
    assert [cell["train"] for cell in curve.tasks["groups"]["cells"]] == [4, 20, 36]
    assert [cell["train"] for cell in curve.tasks["traits"]["cells"]] == [1, 5, 36]
    first, _, last = (result for result in curve.results if result is not None)
    assert list(first.tasks) == ["groups", "traits"]
    assert list(last.tasks) == ["clips", "groups", "traits"]
    assert curve.tasks["groups"]["cells"][2]["score"] == last.tasks["groups"]["score"]


def test_the_table_has_a_row_a_task_and_size(curve: Curve, asked: Options) -> None:
    """For spreadsheets: the same numbers, in full."""
    assert asked.out is not None
    with (asked.out / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["task"], row["n_train"]) for row in rows] == [
        (task, size) for task in ("clips", "groups", "traits") for size in ("1", "5", "all")
    ]
    assert rows[0]["score"] == ""
    assert "folds" in rows[0]["reason"]
    assert float(rows[1]["score"]) == curve.tasks["clips"]["cells"][1]["score"]


@pytest.mark.slow
def test_a_further_size_embeds_nothing(
    curve: Curve, asked: Options, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A curve from nothing takes the passes of one run on all items; a further size takes none,
    and its result is that of a run by itself."""
    # Files that were written a moment ago are read again by every task, however fast this runs.
    monkeypatch.setattr(content, "SETTLED_NS", 0)
    once = Counting()
    run(replace(asked, model=once, store=folder / "one-run", out=folder / "one-run-out"))
    several = Counting()
    store = folder / "one-curve"
    learning_curve(replace(asked, model=several, store=store, save=False), SIZES)
    assert several.passes == once.passes > 0
    again = Counting()
    more = learning_curve(replace(asked, model=again, store=store, save=False), (3, 5, None))
    assert again.passes == 0
    alone = run(
        replace(asked, tasks=asked.tasks[1:], n_train=5, store=folder / "alone", save=False)
    )
    for found in (curve.results[1], more.results[1]):
        assert found is not None
        for task, entry in alone.tasks.items():
            assert found.tasks[task]["digests"] == entry["digests"]


def test_another_curve_in_the_same_folder(asked: Options, folder: Path) -> None:
    """A folder never holds the sizes of one curve beside those of another."""
    task = replace(asked, tasks=asked.tasks[:1], out=folder / "twice")
    learning_curve(task, (1, 5, 6))
    assert not (folder / "twice/n-1").exists()  # no task has a score at that size
    learning_curve(task, (6, None))
    names = {path.name for path in (folder / "twice").iterdir()}
    assert names == {"all", "n-6", "curve.csv", "curve.html", "curve.json"}


def test_a_run_and_a_curve_in_one_folder(asked: Options, folder: Path) -> None:
    """Whichever is written last is alone there; what a person has put beside it stays."""
    out = folder / "mixed"
    task = replace(asked, tasks=asked.tasks[:1], out=out)
    learning_curve(task, (6, None))
    (out / "n-6/notes.txt").write_text("mine")
    (out / "other.json").write_text("{}")
    run(task)
    names = {path.name for path in out.iterdir()}
    assert names == {
        "results.json", "report.html", "predictions", "evidence", "n-6", "other.json"
    }  # fmt: skip
    assert [path.name for path in (out / "n-6").iterdir()] == ["notes.txt"]
    learning_curve(task, (6, None))
    names = {path.name for path in out.iterdir()}
    assert names == {"curve.json", "curve.csv", "curve.html", "n-6", "all", "other.json"}


def test_a_curve_that_names_strange_folders(asked: Options, folder: Path) -> None:
    """A document may be anybody's: only the folders of sizes are looked into."""
    out = folder / "strange"
    run(replace(asked, tasks=asked.tasks[:1], out=folder / "precious"))
    out.mkdir()
    places = ["../precious/results.json", "n-1/../../precious/results.json", None, 7]
    (out / "curve.json").write_text(json.dumps({"sizes": [{"results": p} for p in places]}))
    run(replace(asked, tasks=asked.tasks[:1], out=out))
    assert (folder / "precious/results.json").is_file()
    assert not (out / "curve.json").exists()


def test_what_a_protocol_refuses_is_known_before(asked: Options, folder: Path) -> None:
    """A dry run shows the cells that stay empty, and only the others are embedded for."""
    lines = [line for line in plan(asked, SIZES).lines() if line.startswith("clips: ")]
    shown, refused = lines[-2:]
    sizes = f"{size_name(SIZES[1])}: 38, {size_name(SIZES[2])}: 44"
    assert shown.endswith(f"; images by size: {sizes}"), shown
    assert refused == "clips: not scored at 1, no class has the 5 training items that 5 folds need"
    model = Counting()
    changes = {"model": model, "store": folder / "refused", "save": False}
    found = learning_curve(replace(asked, tasks=asked.tasks[:2], **changes), (1, 2))
    assert [cell["score"] for cell in found.tasks["clips"]["cells"]] == [None, None]
    assert all(cell["score"] is not None for cell in found.tasks["groups"]["cells"])
    alone = Counting()
    changes |= {"model": alone, "store": folder / "accepted"}
    learning_curve(replace(asked, tasks=asked.tasks[1:2], **changes), (1, 2))
    assert model.passes == alone.passes > 0


def test_no_size_at_all(asked: Options, folder: Path) -> None:
    """Nothing but empty cells is an error, with the first reason, before anything is embedded."""
    model = Counting()
    task = replace(asked, tasks=asked.tasks[:1], model=model, store=folder / "none", save=False)
    with pytest.raises(DataError, match="clips: no class has the 5 training items"):
        learning_curve(task, (1, 2))
    assert model.passes == 0


def test_a_gallery_has_a_score_on_all_items_alone() -> None:
    """In a suite it keeps its place where the whole train split is asked for, else it is left
    out; named, it is refused."""
    demo = Options(model="demo", suite="demo", quiet=True)
    with_all = plan(demo, (1, None))
    assert "demo-beluga" not in with_all.selection.absent
    shown, refused = (line for line in with_all.lines() if line.startswith("demo-beluga"))
    assert shown.startswith("demo-beluga: 142 images")
    assert shown.endswith("; images by size: all: 142")
    assert refused == "demo-beluga: not scored at 1, there is no train split to sample"
    assert "demo-beluga" in plan(demo, (1, 3)).selection.absent
    with pytest.raises(UsageError, match="no train split"):
        plan(replace(demo, suite=None, tasks=("demo-beluga",)), (1, None))


def test_sizes_are_ordered_and_checked() -> None:
    """Ascending, the whole train split last; nothing below one and nothing twice."""
    assert in_order((None, 10, 1)) == (1, 10, None)
    for wrong in ((), (0, 1), (3, 3), (None, None)):
        with pytest.raises(UsageError, match="not a list of sizes"):
            in_order(wrong)


def test_from_python(asked: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """`biobench.learning_curve` returns the curve and writes nothing unless told where."""
    monkeypatch.setenv("BIOBENCH_STORE", str(asked.store))
    found = curve_from_python(asked.model, asked.tasks[1], sizes=[3, None], data=asked.data)
    assert found.folder is None
    assert [row["n_train"] for row in found.rows()] == ["3", "all"]
