"""Pipes and devices wherever a path is read: an answer at once, and never a wait without end."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn import HEAD, draw_table, write_task
from harness import HERE, Bench, Launcher

sys.path.append(str(HERE.parent / "models"))

from checkpoints import open_clip_folder, timm_folder

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]
ANSWER_S = 60.0
"""Far more than an answer takes on a busy machine, and less than a wait without end."""


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _tty(path: Path) -> None:
    path.symlink_to("/dev/ptmx")


THINGS = (_pipe, _endless, _tty)


def put(path: Path, thing: Callable[[Path], None]) -> None:
    """The thing in place of what lies there."""
    path.unlink(missing_ok=True)
    thing(path)


@pytest.fixture(scope="module")
def result(bench: Bench, launcher: Launcher) -> Path:
    """A whole result."""
    out = bench.root / "special-out"
    launcher.start(bench.arguments(out, bench.root / "special-store"), bench.root).done().good()
    return out


def refused(
    launcher: Launcher,
    folder: Path,
    arguments: list[str],
    codes: tuple[int, ...],
    name: str,
) -> None:
    """The command ends soon, in one line that names what is wrong."""
    line = launcher.start(arguments, folder).done(ANSWER_S).refused(*codes)
    assert name in line, line


@pytest.mark.parametrize("thing", THINGS, ids=lambda made: made.__name__[1:])
@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["spec", "validate", "X"], (2, 4)),
        (["spec", "validate", "X.yaml"], (2, 4)),
        (["run", "--model", "demo", "--task", "./X.yaml", "--dry-run"], (2, 3, 4)),
        (["verify", "X"], (2, 3, 6)),
        (["verify", "X.tar"], (2, 3, 6)),
        (["verify", "R", "--against", "X"], (2, 3, 6)),
        (["compare", "R", "X"], (2, 3)),
        (["conformance", "check", "X"], (2, 3)),
        (["submit", "X"], (2, 3, 6)),
        (["data", "verify", "demo-plankton", "--against", "X"], (2, 3)),
        (["data", "fetch", "plankton", "--data", "D", "--from", "X"], (2, 3)),
        (["run", "--model", "hf:./X", "--suite", "demo"], (2, 5)),
        (["run", "--model", "demo", "--data", "X", "--task", "plankton"], (2, 3)),
        (["run", "--model", "demo", "--store", "X", "--suite", "demo"], (2,)),
        (["run", "--model", "demo", "--out", "X", "--suite", "demo"], (2,)),
        (["store", "verify", "--store", "X"], (2, 3)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_path_on_the_command_line(
    arguments: list[str],
    codes: tuple[int, ...],
    thing: Callable[[Path], None],
    launcher: Launcher,
    result: Path,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """Each argument that is a path may be a pipe or a device."""
    name = next(word for word in arguments if word.lstrip("./hf:").startswith("X")).split("/")[-1]
    thing(tmp_path / name)
    (tmp_path / "D").mkdir()
    line = [str(result) if word == "R" else word for word in arguments]
    refused(launcher, tmp_path, line, codes, name)
    tally("pipes and devices in place of a file", 1, 0)


@pytest.mark.parametrize("thing", THINGS, ids=lambda made: made.__name__[1:])
@pytest.mark.parametrize("name", ["results.json", "predictions/classes.parquet"])
@pytest.mark.parametrize("command", ["verify", "compare", "submit"])
def test_a_file_of_a_result(
    command: str,
    name: str,
    thing: Callable[[Path], None],
    launcher: Launcher,
    result: Path,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """A result folder that came from somebody may hold anything."""
    shutil.copytree(result, tmp_path / "result")
    put(tmp_path / "result" / name, thing)
    more = [str(result)] if command == "compare" else []
    line = [command, *more, str(tmp_path / "result")]
    refused(launcher, tmp_path, line, (2, 3, 6), Path(name).name)
    tally("pipes and devices in place of a file", 1, 0)


@pytest.mark.parametrize("thing", THINGS, ids=lambda made: made.__name__[1:])
@pytest.mark.parametrize("name", ["all.csv", "toxic.csv", "train/amphora/train000.png"])
def test_a_file_of_a_data_set(
    name: str,
    thing: Callable[[Path], None],
    launcher: Launcher,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """Tables and images."""
    data = draw_table(tmp_path / "data" / "drawn", train=4, test=4)
    assert HEAD
    shutil.copy(HERE / "small_net.py", tmp_path)
    task = write_task(tmp_path, "observations")
    put(data / name, thing)
    line = [
        *("run", "--model", "py:small_net:SmallNet", "--task", task, "--device", "cpu"),
        *("--data", str(tmp_path / "data"), "--out", "out", "--store", "store"),
    ]
    refused(launcher, tmp_path, line, (3,), Path(name).name)
    assert not (tmp_path / "out").exists()
    tally("pipes and devices in place of a file", 1, 0)


@pytest.mark.parametrize("thing", THINGS, ids=lambda made: made.__name__[1:])
def test_the_annotations_of_a_data_set(
    thing: Callable[[Path], None], launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """The JSON file of beluga."""
    path = tmp_path / "beluga/beluga.coco/annotations/instances_train2022.json"
    path.parent.mkdir(parents=True)
    (tmp_path / "beluga/beluga.coco/images/train2022").mkdir(parents=True)
    thing(path)
    line = ["data", "verify", "beluga", "--data", str(tmp_path)]
    refused(launcher, tmp_path, line, (3,), path.name)
    tally("pipes and devices in place of a file", 1, 0)


@pytest.mark.parametrize("thing", THINGS, ids=lambda made: made.__name__[1:])
@pytest.mark.parametrize(
    ("library", "name"),
    [
        ("timm", "config.json"),
        ("timm", "model.safetensors"),
        ("open_clip", "open_clip_config.json"),
        ("open_clip", "open_clip_model.safetensors"),
    ],
)
def test_a_file_of_a_checkpoint(
    library: str,
    name: str,
    thing: Callable[[Path], None],
    launcher: Launcher,
    tmp_path: Path,
    tally: Tally,
) -> None:
    """Checkpoints are read from folders of others too."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    if library == "timm":
        timm_folder(folder, "test_vit")
    else:
        open_clip_folder(folder)
    found = next(iter(folder.rglob(name)), None)
    if found is None:
        pytest.skip(f"such a checkpoint has no {name}")
    put(found, thing)
    line = ["run", "--model", f"{library}:{folder}", "--suite", "demo", "--out", "out"]
    refused(launcher, tmp_path, line, (5,), name)
    tally("pipes and devices in place of a file", 1, 0)


def test_answers_are_read_from_a_pipe_of_the_shell(
    launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """The counter-check: `<(command)` is no pipe that nobody writes."""
    import subprocess

    (tmp_path / "answers.json").write_text(json.dumps({}))
    script = f'"{sys.executable}" -m biobench conformance check <(cat answers.json)'
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=ANSWER_S,
    )  # fmt: skip
    assert "plain file" not in done.stderr
