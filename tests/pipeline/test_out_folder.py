"""The folder of a result: one run at a time; what cannot be written is refused at the start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from backbones import MeanColour
from drawn import draw_table, write_task

from biobench import load_results
from biobench._common.store import Store
from biobench.errors import BiobenchError, UsageError
from biobench.pipeline import learning_curve, run
from biobench.report.replace import LOCK, claimed
from biobench.run.options import Options
from biobench.run.out_folder import MOST_NAME, out_folder
from biobench.run.plan import plan

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Options:
    folder = tmp_path_factory.mktemp("out")
    draw_table(folder / "data" / "drawn", 6, 2)
    return Options(
        model=MeanColour(),
        tasks=(write_task(folder, "groups"),),
        data=folder / "data",
        store=folder / "store",
        workers=1,
        quiet=True,
    )


def curve(options: Options) -> Any:
    return learning_curve(options, (2, 3))


@pytest.mark.parametrize("call", [run, curve])
def test_a_second_run_is_refused_before_the_first_image(
    call: Callable[[Options], Any], asked: Options, tmp_path: Path
) -> None:
    """With the number of the process that is at work; the folder stays as it is."""
    options = replace(asked, out=tmp_path / "out", store=tmp_path / "store")
    with claimed(tmp_path / "out"):
        with pytest.raises(UsageError, match=f"process .{os.getpid()}. is writing a result"):
            call(options)
        assert [path.name for path in (tmp_path / "out").iterdir()] == [LOCK]
    assert list(Store(tmp_path / "store").entries()) == []
    assert call(options).folder == tmp_path / "out"


@pytest.mark.parametrize("call", [run, curve])
def test_nothing_of_a_failed_run_is_left(
    call: Callable[[Options], Any], asked: Options, tmp_path: Path
) -> None:
    """No lock, no folder that was made for a result."""
    data = tmp_path / "data"
    shutil.copytree(asked.data or "", data)
    images = sorted((data / "drawn" / "train").rglob("*.png"))
    images[0].write_bytes(b"no image")
    options = replace(asked, data=data, out=tmp_path / "a" / "out", store=tmp_path / "store")
    with pytest.raises(BiobenchError):
        call(options)
    assert not (tmp_path / "a").exists()


PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {here!r})
from backbones import MeanColour
from biobench.cli import execute
from biobench.commands import run as command
from biobench.errors import BiobenchError
from biobench.run.options import Options
from biobench.pipeline import run
number, data, task, store, out = sys.argv[1:]
model = MeanColour()
model.info = replace(model.info, name=number)
options = Options(model=model, tasks=(task,), data=Path(data), store=Path(store), out=Path(out),
                  workers=1, quiet=True)
print("ready", flush=True)
sys.stdin.readline()
try:
    run(options)
except BiobenchError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.mark.depth
def test_three_runs_at_once(asked: Options, tmp_path: Path) -> None:
    """One or more is refused; what lies there is one model's result with its own predictions."""
    out = tmp_path / "out"
    places = [str(asked.data), asked.tasks[0], str(asked.store), str(out)]
    program = PROGRAM.format(here=str(HERE))
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, f"model-{number}", *places],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(3)
    ]  # fmt: skip
    for process in runs:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in runs:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[1] for process in runs]
    codes = [process.returncode for process in runs]
    assert set(codes) <= {0, 2}, said
    assert 0 in codes
    for code, text in zip(codes, said, strict=True):
        assert code == 0 or ("is writing a result to this folder" in text and text.count("\n") == 1)
    results = load_results(out)
    assert codes[int(results.document["model"]["name"].removeprefix("model-"))] == 0
    results.predictions("groups")
    assert sorted(path.name for path in out.iterdir()) == [
        "evidence", "predictions", "report.html", "results.json",
    ]  # fmt: skip


def test_a_task_whose_name_is_too_long_for_a_file(asked: Options, tmp_path: Path) -> None:
    """Said before anything is computed, and not after it."""
    value = yaml.safe_load(Path(asked.tasks[0]).read_text())
    task = tmp_path / "long.yaml"
    task.write_text(yaml.safe_dump({**value, "task": "a" * 260}))
    options = replace(asked, tasks=(str(task),), out=tmp_path / "out", store=tmp_path / "store")
    for call in (run, curve):
        with pytest.raises(UsageError, match=r"has 268 bytes, and 255 are the most"):
            call(options)
    assert not (tmp_path / "out").exists()
    assert list(Store(tmp_path / "store").entries()) == []
    run(replace(options, save=False))


def test_a_path_that_is_too_long(asked: Options, tmp_path: Path) -> None:
    """That of the longest file, while the result is put in place."""
    deep = tmp_path.joinpath(*["d" * 200] * 19)
    room = 4095 - len(str(deep)) - len("/.biobench-tmp-01234567/predictions/groups.parquet") - 1
    plan(replace(asked, out=deep / ("e" * room)))
    with pytest.raises(UsageError, match="4096 bytes, and 4095 are the most"):
        plan(replace(asked, out=deep / ("e" * (room + 1))))
    results = run(replace(asked, out=deep / ("e" * room)))
    assert results.folder is not None
    shutil.rmtree(tmp_path / ("d" * 200))


def test_the_folder_that_nobody_named_has_a_name_that_fits(asked: Options) -> None:
    """Also for a model whose path is long, and another one for another model."""
    selection = plan(replace(asked, save=False)).selection
    names = [
        out_folder(replace(asked, model=f"hf:./{'m' * 300}{end}"), selection, (None,)).name
        for end in "ab"
    ]
    assert len(set(names)) == 2
    assert all(len(name) <= MOST_NAME + 13 for name in names)


def test_the_working_folder_goes_during_a_run(
    asked: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The computed result is written where it was meant to be."""
    from biobench import pipeline

    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    conclude = pipeline.conclude

    def remove_and_conclude(*arguments: Any) -> Any:
        shutil.rmtree(work)
        return conclude(*arguments)

    monkeypatch.setattr(pipeline, "conclude", remove_and_conclude)
    results = run(replace(asked, out=Path("out")))
    assert results.folder == Path("out")
    assert load_results(work / "out").digests == results.digests


def test_bytes_that_are_no_text(
    asked: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument that the result records is escaped; a name that its digest holds is refused
    before anything is computed."""
    odd = os.fsdecode(b"o\xffut")
    monkeypatch.setattr(sys, "argv", ["biobench", "run", "--out", odd])
    monkeypatch.setenv("BIOBENCH_IMAGE", os.fsdecode(b"image\xff"))
    run(replace(asked, out=tmp_path / odd))
    document = load_results(tmp_path / odd).document
    assert document["run"]["argv"][-1] == r"o\udcffut"
    assert document["environment"]["image"] == r"image\udcff"
    with pytest.raises(UsageError, match=r"m\\udcff: has bytes that are not UTF-8"):
        run(replace(asked, model=os.fsdecode(b"hf:./m\xff")))


def test_files_made_of_an_earlier_result_are_named(
    asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A submission is of one digest, a crate of one results.json: a run that replaces the result
    says which is outdated, and leaves both."""
    out = tmp_path / "out"
    options = replace(asked, out=out, quiet=False)
    run(options)
    files = [out / "submission.tar", out / "ro-crate-metadata.json"]
    for file in files:
        file.write_text(file.name)

    def named() -> list[str]:
        lines = capsys.readouterr().err.splitlines()
        return [line for line in lines if "is of the earlier result" in line]

    assert named() == []
    run(options)
    assert named() == [
        f"biobench: {files[1]} is of the earlier result; run `biobench export --format ro-crate` "
        "again"
    ]
    run(replace(options, n_train=3))
    lines = named()
    assert len(lines) == 2
    assert lines[0].endswith("submission.tar is of the earlier result; run `biobench submit` again")
    learning_curve(options, (2, 3))
    assert len(named()) == 2
    assert [file.read_text() for file in files] == [file.name for file in files]
