"""One task cannot be read, or its probe fails after hours: the others keep their results."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from backbones import MeanColour
from drawn import draw_folders, draw_table, write_task

from biobench import load_results
from biobench._common.store import Store
from biobench.commands.run import _curve, _one
from biobench.errors import BiobenchError, DataError, ModelError
from biobench.pipeline import learning_curve, run
from biobench.probe import cached as stored
from biobench.run.options import Options
from biobench.run.plan import plan

KINDS = ("classes", "groups")
ERRORS = [
    DataError("the covariance has no inverse", where="groups"),
    ModelError("the features are all zero", where="groups: a.png"),
    BiobenchError("the fit stops short", where="groups"),
    ZeroDivisionError("a fault of ours"),
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Options:
    folder = tmp_path_factory.mktemp("fails")
    draw_table(folder / "data" / "drawn", 6, 2)
    tasks = tuple(write_task(folder, kind) for kind in KINDS)
    return Options(
        model=MeanColour(), tasks=tasks, data=folder / "data", store=folder / "store", workers=1
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """Errors of probes by task; to be filled."""
    errors: dict[str, Exception] = {}
    probe = stored.run_probe

    def run_probe(task: Any, *rest: Any, **options: Any) -> Any:
        if task.id in errors:
            raise errors[task.id]
        return probe(task, *rest, **options)

    monkeypatch.setattr(stored, "run_probe", run_probe)
    return errors


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("failed", KINDS)
def test_the_others_are_written(
    failed: str,
    error: Exception,
    asked: Options,
    failing: dict[str, Exception],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whichever task it is, and whatever happens there: the error comes once they are."""
    failing[failed] = error
    with pytest.raises(type(error)) as caught:
        run(replace(asked, store=tmp_path / "store", out=tmp_path))
    assert caught.value is error
    (other,) = set(KINDS) - {failed}
    found = load_results(tmp_path)
    assert list(found.tasks) == [other]
    assert len(found.predictions(other).ids) == found.tasks[other]["counts"]["test"]
    said = capsys.readouterr().err
    assert f"biobench: {failed} is not scored, the run goes on: " in said
    assert f"what was scored is in {tmp_path}" in said


def test_a_task_of_the_suite_counts_as_not_run(
    failing: dict[str, Exception], tmp_path: Path
) -> None:
    """No mean, and the reason is there."""
    failing["demo-fungiclef"] = ERRORS[0]
    demo = Options(
        model=MeanColour(), tasks=("demo-beluga", "demo-fungiclef"), out=tmp_path,
        store=tmp_path / "store", quiet=True,
    )  # fmt: skip
    with pytest.raises(DataError):
        run(demo)
    document = load_results(tmp_path).document
    assert (document["suite"], document["mean"]) == ("demo", None)
    (reason,) = (r for r in document["unofficial_reasons"] if r.startswith("tasks not run: "))
    assert "demo-fungiclef" in reason
    assert "demo-beluga" not in reason


def test_where_all_fail_nothing_is_written(
    asked: Options, failing: dict[str, Exception], tmp_path: Path
) -> None:
    """The first error alone."""
    failing |= {"classes": ERRORS[1], "groups": ERRORS[0]}
    for call in (run, lambda options: learning_curve(options, (2, None))):
        with pytest.raises(ModelError):
            call(replace(asked, store=tmp_path / "store", out=tmp_path / "out"))
        assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_curve_keeps_its_other_cells(
    asked: Options, failing: dict[str, Exception], tmp_path: Path
) -> None:
    """Another fault than a refused sample ends the command with its code, once all is written."""
    failing["groups"] = ERRORS[1]
    with pytest.raises(ModelError):
        learning_curve(replace(asked, store=tmp_path / "store", out=tmp_path), (2, None))
    document = json.loads((tmp_path / "curve.json").read_text())
    assert [cell["reason"] for cell in document["tasks"]["groups"]["cells"]] == [
        "the features are all zero"
    ] * 2
    assert all(cell["score"] is not None for cell in document["tasks"]["classes"]["cells"])
    assert list(load_results(tmp_path / "all").tasks) == ["classes"]


@pytest.fixture
def apart(tmp_path: Path) -> Options:
    """The tasks on data of their own, the first with one image that cannot be read."""
    tasks = []
    for kind in KINDS:
        draw_table(tmp_path / "data" / kind, 6, 2)
        path = Path(write_task(tmp_path, kind))
        path.write_text(path.read_text().replace("id: drawn", f"id: {kind}"))
        tasks.append(str(path))
    return Options(
        model=MeanColour(), tasks=tuple(tasks), data=tmp_path / "data", store=tmp_path / "store",
        out=tmp_path / "out", workers=1,
    )  # fmt: skip


def truncate(asked: Options, kind: str) -> str:
    """Cut one image of a task short; returns its path in the data set."""
    assert asked.data is not None
    image = "train/balanus/train103.png"
    path = asked.data / kind / image
    path.write_bytes(path.read_bytes()[:200])
    return image


@pytest.mark.parametrize("failed", KINDS)
def test_an_image_that_cannot_be_read(
    failed: str, apart: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It costs its own task alone, whichever that is, and the command ends with exit 3."""
    image = truncate(apart, failed)
    with pytest.raises(DataError, match=f"1 of 24 images cannot be read: {image} ") as caught:
        run(apart)
    assert caught.value.exit_code == 3
    (other,) = set(KINDS) - {failed}
    assert list(load_results(tmp_path / "out").tasks) == [other]
    said = capsys.readouterr().err
    assert f"biobench: {failed} is not scored, the run goes on: 1 of 24 images" in said


def test_a_table_that_cannot_be_read(
    apart: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said before anything is embedded, in a dry run too, and the other task is scored."""
    assert apart.data is not None
    (apart.data / "groups" / "all.csv").write_text("no,such,columns\n1,2,3\n")
    made = plan(apart)
    assert [task.id for task, _ in made.failed] == ["groups"]
    assert any(line.startswith("groups: not scored, ") for line in made.lines())
    with pytest.raises(DataError) as caught:
        run(apart)
    assert "all.csv" in str(caught.value)
    assert list(load_results(tmp_path / "out").tasks) == ["classes"]
    engine, first, *_ = capsys.readouterr().err.splitlines()
    assert " computes its features, " in engine
    assert first.startswith("biobench: groups is not scored, the run goes on: ")


@pytest.mark.parametrize("absent", KINDS)
def test_data_that_are_not_there(
    absent: str, apart: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of one named task is absent: it is said before anything is embedded, and the other
    task is scored."""
    assert apart.data is not None
    (other,) = set(KINDS) - {absent}
    folder = apart.data / absent
    folder.rename(tmp_path / "away")
    made = plan(apart)
    assert [task.id for task, _ in made.failed] == [absent]
    assert [task.id for task in made.asked] == list(KINDS)
    assert f"{absent}: not scored, the data of task {absent} are not there" in made.lines()
    with pytest.raises(DataError, match=f"the data of {absent} must lie in {folder}") as caught:
        run(apart)
    assert caught.value.exit_code == 3
    assert list(load_results(tmp_path / "out").tasks) == [other]
    engine, first, *_ = capsys.readouterr().err.splitlines()
    assert " computes its features, " in engine
    assert first == (
        f"biobench: {absent} is not scored, the run goes on: the data of task {absent} are not "
        "there"
    )
    with pytest.raises(DataError, match="are not there"):
        learning_curve(replace(apart, out=tmp_path / "curve"), (2, None))
    document = json.loads((tmp_path / "curve/curve.json").read_text())
    cells = document["tasks"][absent]["cells"]
    assert [cell["reason"] for cell in cells] == [f"the data of task {absent} are not there"] * 2


def test_where_no_data_are_there_nothing_is_scored(apart: Options, tmp_path: Path) -> None:
    """The first error alone, before a model is loaded."""
    (tmp_path / "data").rename(tmp_path / "away")
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="the data of task classes are not there"):
        plan(apart)


def test_a_suite_without_some_of_its_data(tmp_path: Path) -> None:
    """A suite that is asked for is as many named tasks; one without a name is what there is."""
    draw_folders(tmp_path / "data" / "plankton", {"train": 3, "val": 1})
    given = Options(model=MeanColour(), data=tmp_path / "data", store=tmp_path / "store")
    assert plan(given).failed == ()
    made = plan(replace(given, suite="biobench"))
    assert [located.task.id for located in made.selection.selected] == ["plankton"]
    assert [task.id for task, _ in made.failed] == [
        task for task in made.selection.suite.tasks if task != "plankton"
    ]
    assert set(made.selection.absent) == {task.id for task, _ in made.failed}


def test_the_folder_of_the_result_has_all_names(apart: Options) -> None:
    """The same command has the same folder, whether the data are there or not."""
    assert apart.data is not None
    named = plan(replace(apart, out=None)).out
    assert "classes-groups" in str(named)
    (apart.data / "classes" / "all.csv").parent.rename(apart.data / "away")
    assert plan(replace(apart, out=None)).out == named


def test_one_task_alone_has_one_line(apart: Options, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing goes on where there is nothing else, and nothing is written."""
    truncate(apart, "classes")
    with pytest.raises(DataError, match="cannot be read"):
        run(replace(apart, tasks=apart.tasks[:1]))
    assert "is not scored" not in capsys.readouterr().err
    assert apart.out is not None
    assert not apart.out.exists()


def test_a_curve_of_tasks_that_cannot_be_read(apart: Options, tmp_path: Path) -> None:
    """Their cells have the reason, those of the others their scores."""
    image = truncate(apart, "classes")
    with pytest.raises(DataError, match=image):
        learning_curve(apart, (2, None))
    document = json.loads((tmp_path / "out/curve.json").read_text())
    for cell in document["tasks"]["classes"]["cells"]:
        assert image in cell["reason"]
    assert all(cell["score"] is not None for cell in document["tasks"]["groups"]["cells"])
    assert apart.data is not None
    whole = apart.data / "classes" / "train/balanus/train102.png"
    (apart.data / "classes" / image).write_bytes(whole.read_bytes())
    (apart.data / "groups" / "all.csv").unlink()
    with pytest.raises(DataError, match=r"all\.csv"):
        learning_curve(replace(apart, out=tmp_path / "other"), (2, None))
    document = json.loads((tmp_path / "other/curve.json").read_text())
    assert list(document["tasks"]) == ["classes", "groups"]
    assert all(cell["score"] is None for cell in document["tasks"]["groups"]["cells"])
    assert all(cell["score"] is not None for cell in document["tasks"]["classes"]["cells"])


@pytest.mark.parametrize("curve", [False, True], ids=["one size", "several sizes"])
def test_the_bare_document_comes_all_the_same(
    curve: bool, apart: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json`: what was scored on standard output, the reason on standard error, and exit 3."""
    image = truncate(apart, "classes")
    options = replace(apart, quiet=True, from_command=True)
    command = partial(_curve, options, (2, None)) if curve else partial(_one, options)
    with pytest.raises(DataError, match=image):
        command(json=True)
    streams = capsys.readouterr()
    tasks = json.loads(streams.out)["tasks"]
    assert "groups" in tasks
    assert "classes is not scored, the run goes on: 1 of 24 images cannot be read" in streams.err


def test_the_table_is_shown_before_the_error(
    apart: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal shows the scores that there are."""
    truncate(apart, "classes")
    with pytest.raises(DataError):
        _one(apart, json=False)
    assert "groups" in capsys.readouterr().out


def test_a_split_that_the_protocol_refuses(
    asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A task whose labels alone show that it cannot be probed costs no other task its score."""
    draw_table(tmp_path / "data" / "drawn", 4, 2)
    tasks = tuple(write_task(tmp_path, kind) for kind in ("classes", "clips"))
    few = replace(
        asked, tasks=tasks, data=tmp_path / "data", out=tmp_path / "out", store=tmp_path / "store"
    )
    assert [task.id for task, _ in plan(few).failed] == ["clips"]
    with pytest.raises(DataError, match="folds") as caught:
        run(few)
    assert caught.value.exit_code == 3
    assert list(load_results(tmp_path / "out").tasks) == ["classes"]
    assert "biobench: clips is not scored, the run goes on: " in capsys.readouterr().err


def test_a_store_that_takes_nothing_more(
    apart: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up between the features and the score costs no score."""
    put = Store.put

    def full(store: Store, kind: str, key: str, arrays: Any) -> None:
        if not kind.startswith("features-"):
            raise BiobenchError("cannot be written (No space left on device)", where=kind)
        put(store, kind, key, arrays)

    monkeypatch.setattr(Store, "put", full)
    assert list(run(apart).tasks) == list(KINDS)
    assert list(load_results(tmp_path / "out").tasks) == list(KINDS)


def test_an_earlier_result_that_has_more_is_kept(
    apart: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A task that fails now had a score: the folder keeps it, and the command says so."""
    whole = run(apart)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    truncate(apart, "groups")
    with pytest.raises(DataError, match="cannot be read"):
        run(apart)
    assert {path: path.read_bytes() for path in before} == before
    assert load_results(tmp_path / "out").digests == whole.digests
    kept = "keeps its earlier result, which has a task that failed now"
    assert kept in capsys.readouterr().err
    with pytest.raises(DataError, match="cannot be read"):
        learning_curve(apart, (2, None))
    assert {path: path.read_bytes() for path in before} == before
    assert kept in capsys.readouterr().err
