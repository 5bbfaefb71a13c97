"""`biobench verify` and `biobench submit` as a person meets them."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_runs import Made

from biobench import Results
from biobench.cli import execute
from biobench.commands.verify import read_by_its_command, recorded_options
from biobench.errors import UsageError
from biobench.spec.load import load_spec
from biobench.verify.rerun import RerunOptions, options_again

pytestmark = pytest.mark.slow

WITHOUT_TORCH = (
    "import sys; sys.modules['torch'] = None; from biobench.cli import execute; "
    "sys.exit(execute(sys.argv[1:]))"
)


def without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process in which torch cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_no_model_and_no_torch(demo: Made, tmp_path: Path) -> None:
    """From predictions, images and stored features; packing; reading; comparing; all in processes
    that have no torch, as the slim image is one."""
    places = ["--data", str(demo.folder / "data"), "--store", str(demo.folder / "store")]
    done = without_torch("verify", str(demo.out), *places)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("result: model mean-colour")
    assert any(line.split()[:4] == ["score", "S", "S", "holds"] for line in lines)
    assert any(line.split()[:4] == ["pixels", "D", "D", "holds"] for line in lines)
    file = tmp_path / "submission.tar"
    done = without_torch("submit", str(demo.out), "--out", str(file))
    assert done.returncode == 0, done.stderr
    assert demo.results.digests["result"] in done.stdout
    done = without_torch("verify", str(file), "--against", str(demo.out), "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["holds"] is True
    assert document["compared"]["against the other"]["same_from_predictions"] is True


def test_the_store_beside_the_result(demo: Made, tmp_path: Path, capsys: Any) -> None:
    """Features lie there after a run in a container, and are looked at without being named."""
    made = demo.copy(tmp_path)
    (made.folder / "store").rename(made.out / "store")
    assert execute(["verify", str(made.out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["checked"]["result"]
    assert report["stages"]["features"]["holds"] is True


def forged(made: Made, folder: Path) -> Made:
    copied = made.copy(folder)
    path = copied.out / "results.json"
    document = json.loads(path.read_text())
    document["tasks"]["demo-beluga"]["score"] = 1.0
    path.write_text(json.dumps(document))
    return copied


def test_a_claim_that_does_not_hold(demo: Made, tmp_path: Path, capsys: Any) -> None:
    """Exit 6, the table on standard output, one line with stage and task on standard error."""
    made = forged(demo, tmp_path / "forged")
    assert execute(["verify", str(made.out)]) == 6
    printed = capsys.readouterr()
    assert "FAILS" in printed.out
    (line,) = printed.err.splitlines()
    assert line.startswith(f"biobench: {made.out}: stage score: demo-beluga: the score is ")
    assert execute(["verify", str(made.out), "--json"]) == 6
    document = json.loads(capsys.readouterr().out)
    assert (document["holds"], document["first"]) == (False, "score")
    # What does not hold is not packed either.
    assert execute(["submit", str(made.out)]) == 6
    assert not (made.out / "submission.tar").exists()
    # Against a sound one, it is the other one that does not hold.
    assert execute(["verify", str(demo.out), "--against", str(made.out)]) == 6
    assert "other result, stage score" in capsys.readouterr().err


def test_files_that_cannot_be_read(demo: Made, tmp_path: Path, capsys: Any) -> None:
    """Exit 3 and one line, also for a pipe that nobody writes to and a folder without a result."""
    (tmp_path / "text").write_text("hello\n" * 100)
    (tmp_path / "deep.json").write_text(
        '{"schema":"biobench.results/1","x":' + "[" * 500 + "]" * 500 + "}"
    )
    (tmp_path / "other.json").write_text('{"schema":"biobench.results/9"}')
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    (tmp_path / "mark.json").write_text("\ufeff{}")
    (tmp_path / "nothing.json").write_text("")
    (tmp_path / "list.json").write_text("[1]")
    many = {"model": {}, "tasks": {str(i): {} for i in range(1001)}, "digests": {}}
    many |= {"schema": "biobench.results/1", "mean": None, "division": "open"}
    (tmp_path / "many.json").write_text(json.dumps(many))
    for name, words in (
        ("nothing", "cannot be read"),
        ("text", "not a tar archive"),
        ("deep.json", "nested too deeply"),
        ("other.json", "biobench.results/9"),
        ("pipe", "not a plain file"),
        ("empty", "cannot be read"),
        ("mark.json", "byte order mark"),
        ("nothing.json", "is empty"),
        ("list.json", "not an object"),
        ("many.json", "has 1001 tasks"),
    ):
        assert execute(["verify", str(tmp_path / name)]) == 3, name
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line, name
    copied = demo.copy(tmp_path / "copy")
    (copied.out / "predictions/demo-beluga.parquet").write_bytes(b"PAR1")
    assert execute(["verify", str(copied.out)]) == 3
    words = "demo-beluga.parquet: stage predictions: cannot be read as Parquet"
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rerun", "--against", "x"], "exclude each other"),
        (["--out", "x"], "--out is for --rerun"),
        (["--model", "x"], "--model is for --rerun"),
        (["--offline"], "--offline is for --rerun"),
        (["--against-data", "."], "--against-data is for --against"),
    ],
)
def test_arguments_that_do_not_fit(
    arguments: list[str], words: str, demo: Made, capsys: Any
) -> None:
    """Exit 2 and one line."""
    assert execute(["verify", str(demo.out), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_report_as_json(demo: Made, capsys: Any) -> None:
    """Stages with what they claim and reach, and every finding."""
    places = ["--data", str(demo.folder / "data"), "--store", str(demo.folder / "store")]
    assert execute(["verify", str(demo.out), *places, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "biobench.verification/1"
    stages = document["checked"]["result"]["stages"]
    assert stages["predictions"]["reached"] == "P"
    assert stages["weights"] == {
        "holds": None, "claimed": None, "reached": None,
        "findings": [{"holds": None, "text": "only --rerun looks at the model's weights"}],
    }  # fmt: skip


def given(folder: Path, **changes: Any) -> RerunOptions:
    base = {
        "folder": folder, "model": None, "data": None, "own": {}, "workers": None,
        "offline": True, "quiet": True,
    }  # fmt: skip
    return RerunOptions(**{**base, **changes})


def named(made: Made, name: str) -> Results:
    """A result that says another name of its model."""
    document = copy.deepcopy(made.results.document)
    document["model"]["name"] = name
    return Results(document)


def test_options_of_a_run_that_is_made_again(own: Made, demo: Made, tmp_path: Path) -> None:
    """Arguments of a run come from the result, a place from here before the recorded one; nothing
    is written where the recorded command wrote."""
    spec = load_spec()
    said = recorded_options(
        ["/x/biobench", "--model", "hf:./far", "--data", str(own.folder), "--out", "/etc",
         "--store", "/etc", "--device", "cuda", "--n-train", "1,3"]
    )  # fmt: skip
    assert said["model"] == ["hf:./far"]
    found = options_again(named(demo, "hf:./far"), said, given(tmp_path), spec)
    assert (found.model, found.data) == ("hf:./far", own.folder)
    assert (found.out, found.store) == (tmp_path / "result", tmp_path / "store")
    assert (found.tasks, found.suite, found.n_train) == (
        ("demo-beluga", "demo-fungiclef"),
        None,
        None,
    )
    assert (found.device, found.division) == ("cpu", "official")
    found = options_again(demo.results, said, given(tmp_path, model="demo", data=tmp_path), spec)
    assert (found.model, found.data) == ("demo", tmp_path)
    with pytest.raises(UsageError, match="give --task the file"):
        options_again(own.results, said, given(tmp_path), spec)
    files = {Path(task).stem: Path(task) for task in own.options.tasks}
    found = options_again(own.results, said, given(tmp_path, own=files), spec)
    assert found.tasks == tuple(str(files[id]) for id in own.results.tasks)


def test_what_the_recorded_command_chose_is_said(own: Made, tmp_path: Path) -> None:
    """Anyone can edit it, and a result agrees with the images that came with it."""
    spec = load_spec()
    files = {Path(task).stem: Path(task) for task in own.options.tasks}
    said = {"model": None, "data": own.folder}
    options = options_again(own.results, said, given(tmp_path, own=files), spec)
    assert list(read_by_its_command(options, own.folder, files, spec)) == []
    (id, file), *_ = files.items()
    mine = {name: path for name, path in files.items() if name != id}
    assert list(read_by_its_command(options, None, mine, spec)) == [
        f"--data {own.folder} is that of its recorded command",
        f"--task {file} is that of its recorded command",
    ]


def test_code_of_a_stranger_is_not_run(demo: Made, tmp_path: Path) -> None:
    """A result can name any class that is importable here: only a person can."""
    spec = load_spec()
    said = recorded_options(["biobench", "run", "--model", "py:os:system"])
    with pytest.raises(UsageError, match="code of its author"):
        options_again(named(demo, "py:os:system"), said, given(tmp_path), spec)
    found = options_again(demo.results, said, given(tmp_path, model="py:mine:Model"), spec)
    assert found.model == "py:mine:Model"


def test_recorded_commands_of_any_form() -> None:
    """Another program, nonsense and `python -m`: a hint or nothing, never an error."""
    assert recorded_options([]) == {}
    assert recorded_options(["notebook.py", "--model", "x"]) == {}
    assert recorded_options(["/x/biobench/__main__.py", "run", "--model", "m"])["model"] == ["m"]
    for nonsense in (["--workers", "x"], ["--nothing"], ["--model"], ["\0"], ["--", "--", "x"]):
        assert isinstance(recorded_options(["biobench", *nonsense]), dict)


def test_own_tasks_are_of_no_suite(own: Made, demo: Made) -> None:
    """The first line names what was verified: a suite, or tasks of one's own."""
    first = own.verify(data=False, store=False).lines()[0]
    assert first.endswith("tasks of your own, division open")
    assert "suite" not in first
    assert "suite demo, division official" in demo.verify(data=False, store=False).lines()[0]
