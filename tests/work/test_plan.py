"""`biobench plan`: its document, its table, and every bad plan in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planned_runs import digests_in

from biobench.cli import execute
from biobench.models.names import with_absolute_path
from biobench.run.options import Options
from biobench.spec.canonical import canonical_json, sha256_json
from biobench.spec.load import load_spec
from biobench.work.document import WorkPlan, read_plan
from biobench.work.make import make_plan
from processor_time import processor_time

pytestmark = pytest.mark.slow

DEMO = Path(__file__).resolve().parents[2] / "runner/biobench/_demo"
TASKS = ("--task", "demo-beluga", "--task", "demo-plankton")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def two(tmp_path: Path, small_program: str) -> tuple[str, ...]:
    """Options that name two models, of which one is a copy of the other with a name of its own."""
    shutil.copytree(small_program.removeprefix("program:"), tmp_path / "other")
    return ("--model", small_program, "--model", f"program:{tmp_path / 'other'}")


@pytest.fixture
def made(two: tuple[str, ...], tmp_path: Path, capsys: Capture) -> Path:
    """A plan of two models and two tasks in small parts."""
    path = tmp_path / "plan.json"
    assert plan(*two, *TASKS, "--part-size", "40", "--out", str(path)) == 0
    capsys.readouterr()
    return path


def plan(*arguments: str) -> int:
    return execute(["plan", *arguments])


def work(path: Path, *arguments: str) -> int:
    return execute(["work", str(path), "--out", str(path.parent / "out"), *arguments])


def error(capsys: Capture) -> str:
    """The one line on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_plan_has_every_model_task_and_slice(made: Path) -> None:
    """Models x tasks x slices, each part with a name of its own, and the digests of manifests."""
    read = read_plan(made)
    assert [model.folder for model in read.models] == ["program-small", "program-other"]
    assert [(task.task, task.images) for task in read.tasks] == [
        ("demo-beluga", 142), ("demo-plankton", 289),
    ]  # fmt: skip
    assert len(read.parts) == 2 * (4 + 9)
    assert len({part.name for part in read.parts}) == len(read.parts)
    for task in read.tasks:
        assert sum(rows.images for rows in task.slices) == task.images
    assert canonical_json(json.loads(made.read_bytes())) + b"\n" == made.read_bytes()


def test_a_worker_may_begin_in_another_folder(
    small_program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A model in a local folder is planned with its absolute path, and recorded as ever."""
    folder = Path(small_program.removeprefix("program:"))
    monkeypatch.chdir(folder.parent)
    path = tmp_path / "plan.json"
    relative = f"program:./{folder.name}"
    assert plan("--model", relative, *TASKS[:2], "--out", str(path)) == 0
    assert [model.model for model in read_plan(path).models] == [small_program]
    monkeypatch.chdir(tmp_path)
    assert work(path, "--until", "0", "--store", str(tmp_path / "store")) == 0


@pytest.mark.parametrize("name", ["demo", "timm:vit_base_patch16_224", "hf:owner/name"])
def test_a_name_without_a_path_stays(name: str) -> None:
    """Only what lies in a folder here has a place."""
    assert with_absolute_path(name, load_spec().models) == name


def test_a_file_of_weights_keeps_its_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its absolute path is before the mark."""
    monkeypatch.chdir("/")
    given = with_absolute_path("timm:./w.safetensors#vit_base_patch16_224", load_spec().models)
    assert given == "timm:/w.safetensors#vit_base_patch16_224"


def test_a_plan_is_the_same_wherever_its_data_lie(
    made: Path, two: tuple[str, ...], tmp_path: Path
) -> None:
    """No folder of the data or of the store is in a digest: hosts mount them where they like."""
    shutil.copytree(DEMO, tmp_path / "data")
    more = ("--data", str(tmp_path / "data"), "--store", str(tmp_path / "store"))
    other = tmp_path / "other.json"
    assert plan(*two, *TASKS, "--part-size", "40", *more, "--out", str(other)) == 0
    assert read_plan(other).digest == read_plan(made).digest
    assert [part.name for part in read_plan(other).parts] == [
        part.name for part in read_plan(made).parts
    ]


def test_options_that_move_scores_are_in_the_digest(
    made: Path, two: tuple[str, ...], tmp_path: Path
) -> None:
    """Two plans share claims only where their parts are the same."""
    names = {part.name for part in read_plan(made).parts}
    for option in (["--engine", "exact"], ["--on-bad-image", "report"], ["--division", "compat"]):
        path = tmp_path / "other.json"
        assert plan(*two, "--task", "demo-plankton", *option, "--out", str(path)) == 0
        assert not names & {part.name for part in read_plan(path).parts}


def test_the_table_says_what_is_to_do(
    two: tuple[str, ...], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people, and as JSON for programs; with nothing measured there is no time."""
    monkeypatch.setenv("COLUMNS", "120")
    path = tmp_path / "plan.json"
    assert plan(*two, *TASKS, "--part-size", "40", "--out", str(path)) == 0
    out = capsys.readouterr().out
    assert "26 parts: 0 stored, 26 to do; probes not counted" in out
    assert "no rate is known of" in out
    assert f"plan: {path}, {read_plan(path).digest}" in out
    assert plan(*two, *TASKS, "--part-size", "40", "--out", str(path), "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert value["plan"] == read_plan(path).digest
    assert [(task["parts"], task["stored"]) for task in value["tasks"]] == [(4, 0), (9, 0)] * 2
    assert value["seconds"] is None


def test_a_plan_needs_models_tasks_and_a_place(
    small_program: str, tmp_path: Path, capsys: Capture
) -> None:
    """One line each, and no plan."""
    out = ("--out", str(tmp_path / "plan.json"))
    assert plan(*out) == 2
    assert "no model is given" in error(capsys)
    assert plan("--model", small_program) == 2
    assert "--out" in error(capsys)
    assert plan("--model", small_program, "--task", "demo-belug", *out) == 2
    assert "did you mean" in error(capsys)
    assert plan("--model", small_program, "--suite", "demo", "--task", "demo-beluga", *out) == 2
    assert "exclude each other" in error(capsys)
    assert plan("--model", "program:nowhere", "--suite", "demo", *out) == 5
    assert "nowhere" in error(capsys)
    absent = ("--task", "beluga", "--task", "plankton", "--data", str(tmp_path))
    assert plan("--model", small_program, *absent, *out) == 3
    assert "the data of task beluga" in error(capsys)
    assert plan("--model", small_program, "--suite", "demo", "--out", str(tmp_path)) == 2
    assert "is a folder" in error(capsys)
    assert plan("--model", small_program, "--suite", "demo", "--out", "/proc/no/plan.json") != 0
    assert list(tmp_path.iterdir()) == []


def change(path: Path, act: Callable[[Any], object], *, sign: bool = False) -> None:
    """Change the document of a plan; ``sign``: give it the digest of what it is then."""
    value = json.loads(path.read_bytes())
    act(value)
    if sign:
        content = {"biobench": value["biobench"], "content": value["content"]}
        value["digest"] = sha256_json(content)
    path.write_bytes(canonical_json(value))


@pytest.mark.parametrize(
    "act",
    [
        lambda value: value["content"]["tasks"][0].update(images=143),
        lambda value: value["content"]["models"].pop(),
        lambda value: value["content"]["options"].update(engine="torch"),
        lambda value: value.pop("digest"),
        lambda value: value.update(kind="results"),
        lambda value: value.update(more=1),
    ],
)
def test_a_damaged_plan_is_refused(
    act: Callable[[Any], object], made: Path, capsys: Capture, tmp_path: Path
) -> None:
    """One line and exit 3 before anything is read or written."""
    change(made, act)
    assert work(made) == 3
    assert "is damaged, or not a plan of biobench" in error(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "act",
    [
        lambda value: value["content"]["models"][0].update(folder="../../etc"),
        lambda value: value["content"]["models"][0].update(folder=".."),
        lambda value: value["content"]["models"][1].update(folder="Program-Small"),
        lambda value: value["content"]["tasks"][0]["slices"][0].__setitem__(1, 10**9),
        lambda value: value["content"]["tasks"][0]["slices"].clear(),
        lambda value: value["content"]["tasks"][0]["slices"][0].__setitem__(0, -1),
        lambda value: value["content"]["options"].update(n_train=0),
    ],
)
def test_a_forged_plan_is_refused(
    act: Callable[[Any], object], made: Path, capsys: Capture, tmp_path: Path
) -> None:
    """With the digest of its content too: no result outside of the folder, no row that is not
    there."""
    change(made, act, sign=True)
    assert work(made) == 3
    assert "is damaged, or not a plan of biobench" in error(capsys)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_plan(made: Path, tmp_path: Path, capsys: Capture) -> None:
    """A half of one, another file, a folder, and none."""
    half = tmp_path / "half.json"
    half.write_bytes(made.read_bytes()[:300])
    assert work(half) == 3
    assert "not JSON" in error(capsys)
    assert work(tmp_path) == 2
    assert "is a folder" in error(capsys)
    assert work(tmp_path / "none.json") == 2
    assert "No such file" in error(capsys)


def test_a_plan_of_another_version_is_refused(made: Path, capsys: Capture) -> None:
    """Another version may compute other bits: exit 2, and both versions are named."""
    change(made, lambda value: value.update(biobench="0.9.0"), sign=True)
    assert work(made) == 2
    assert "was made by biobench 0.9.0, and this is " in error(capsys)


def test_a_plan_of_another_specification_is_refused(made: Path, capsys: Capture) -> None:
    """A checkout whose specification was edited has the same version."""
    change(made, lambda value: value["content"].update(spec="sha256:" + "0" * 64), sign=True)
    assert work(made) == 2
    assert "another specification" in error(capsys)


def test_a_plan_whose_data_changed_is_refused(
    small_program: str, tmp_path: Path, capsys: Capture
) -> None:
    """An image that came since: exit 3, and nothing is computed."""
    data = tmp_path / "data"
    shutil.copytree(DEMO, data)
    path = tmp_path / "plan.json"
    chosen = ("--model", small_program, *TASKS, "--data", str(data))
    assert plan(*chosen, "--out", str(path), "--store", str(tmp_path / "store")) == 0
    (image,) = [*data.glob("demo-plankton/**/*.png")][:1]
    shutil.copy(image, image.with_name("another.png"))
    capsys.readouterr()
    assert work(path, "--store", str(tmp_path / "store")) == 3
    assert "the data of demo-plankton have changed since the plan was made" in error(capsys)
    assert not (tmp_path / "store").exists()


def test_other_bytes_under_the_same_name_are_computed_as_they_are(
    small_program: str, tmp_path: Path
) -> None:
    """A plan holds no digest of a file: after parts were stored, an image is replaced, and the
    result is that of a run over what is there now."""
    data, path, store = tmp_path / "data", tmp_path / "plan.json", str(tmp_path / "store")
    shutil.copytree(DEMO / "demo-beluga", data / "demo-beluga")
    chosen = ("--model", small_program, "--task", "demo-beluga", "--data", str(data))
    assert plan(*chosen, "--engine", "exact", "--part-size", "40", "--out", str(path)) == 0
    assert work(path, "--store", store, "--no-pictures") == 0
    before = digests_in(tmp_path / "out")
    first, *_, last = sorted(data.glob("demo-beluga/**/*.jpg"))
    shutil.copy(last, first)
    again = ("--store", store, "--out", str(tmp_path / "again"), "--no-pictures")
    assert execute(["work", str(path), *again]) == 0
    alone = tmp_path / "alone" / next(iter(before))
    fresh = ("--store", str(tmp_path / "fresh"), "--out", str(alone), "--no-pictures")
    assert execute(["run", *chosen, "--engine", "exact", *fresh]) == 0
    assert digests_in(tmp_path / "again") == digests_in(alone.parent) != before


def test_ten_thousand_parts_are_planned_in_two_seconds(small_program: str, tmp_path: Path) -> None:
    """A cluster's worth of work: the processor time of planning and writing it."""
    models = [
        Options(
            model=small_program, folder=f"model-{i}", suite="demo", store=tmp_path / "store",
            precision="float32",
        )
        for i in range(70)
    ]  # fmt: skip
    with processor_time() as spent:
        prepared = make_plan(models, size=10)
        assert isinstance(prepared.plan, WorkPlan)
        count = len({part.name for part in prepared.plan.parts})
    assert len(prepared.plan.parts) > 10_000
    assert count == len(prepared.plan.parts) / 70, "models of one name have the same parts"
    assert spent.seconds < 2.0
