"""A run of an ONNX file: from the images to a verified result, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drawn import draw_folders, write_task

from biobench import evaluate, load_results
from biobench.cli import execute
from onnx_files import small_model, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[str]]:
    """The folder of a run by a process without torch, its model, and the options of its data."""
    folder = tmp_path_factory.mktemp("onnx-run")
    draw_folders(folder / "data" / "drawn", {"train": 8, "test": 4})
    task = write_task(folder, "classes")
    data = ["--data", str(folder / "data"), "--task", str(task)]
    (folder / "model").mkdir()
    model = written(folder / "model", small_model())
    blocked = (
        "import sys; sys.modules['torch'] = None; from biobench.cli import execute; "
        "sys.exit(execute(sys.argv[1:]))"
    )
    line = [sys.executable, "-c", blocked, "run", "--model", model, *data]
    line += ["--store", str(folder / "store"), "--out", str(folder / "out")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, model, data


def test_the_result_states_the_model(finished: tuple[Path, str, list[str]]) -> None:
    """Its name wherever it lies, the digests of weights and program, level F, not official."""
    folder, _, _ = finished
    document = load_results(folder / "out").document
    model = document["model"]
    assert (model["name"], model["source"]) == ("onnx:./small.onnx", "local")
    assert model["program"].startswith("sha256:")
    assert model["program"] != model["weights"]
    assert document["levels"]["features"] == "F"
    assert document["official"] is False


def test_it_is_verified(finished: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    """By a sample of items and by a run from the start; another file is found out."""
    folder, model, data = finished
    out = str(folder / "out")
    assert execute(["verify", out, "--sample", "5", "--model", model, *data]) == 0
    assert execute(["verify", out, "--rerun", "--model", model, *data]) == 0
    other = written(tmp_path, small_model(weights={"shift": _ones()}))
    assert execute(["verify", out, "--sample", "5", "--model", other, *data]) == 6


def _ones() -> object:
    import numpy as np

    return np.ones(5, np.float32)


def test_it_is_evaluated_and_shown(
    finished: tuple[Path, str, list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`evaluate`, `models show` and `models export` give the same digests."""
    folder, model, data = finished
    document = load_results(folder / "out").document
    found = evaluate(model, (data[3],), data=data[1])
    assert found.digests["features"] == load_results(folder / "out").digests["features"]
    assert execute(["models", "show", model]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["program"] == document["model"]["program"]
    assert shown["recipe"] == document["model"]["recipe"]
    assert execute(["models", "export", model, "--out", str(tmp_path / "program")]) == 0
    assert f"program {shown['program']}" in capsys.readouterr().out


def test_wrong_options(
    finished: tuple[Path, str, list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each is one line with the exit code of its kind."""
    _, model, data = finished
    where = ["--out", str(tmp_path / "out"), "--store", str(tmp_path / "store")]
    for more, code, words in (
        (["--model", model, "--engine", "torch"], 2, "the exact engine"),
        (["--model", f"{model}.gone"], 5, "no such file"),
        (["--model", "onnx:"], 5, "onnx:FILE"),
        (["--model", model, "--arch", "resnet18"], 2, "architecture"),
    ):
        capsys.readouterr()
        assert execute(["run", *more, *data, *where]) == code
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
