"""The command line as a user meets it: exit codes, one line an error; real processes where a
stream, a signal or the time to begin is the point."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from PIL import Image

from biobench.cli import execute
from processor_time import delay

pytestmark = pytest.mark.slow


def biobench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The exit and output of a command line, in this process: another imports for a second."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = execute(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "biobench", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=280,
        check=False,
    )


def data_folder(folder: Path) -> Path:
    """A plankton data set of two classes, in its official layout."""
    for split in ("train", "val"):
        for name in ("amphora", "balanus"):
            path = folder / "plankton" / split / name / f"{split}-{name}.png"
            path.parent.mkdir(parents=True)
            Image.new("L", (20, 30)).save(path)
    return folder


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in done.stderr


def test_help_answers_at_once() -> None:
    """Heavy imports are lazy: `--help` takes under half a second (the best of three) on
    the machine of the bounds."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        done = process("--help")
        times.append((time.perf_counter() - started) / delay())
        assert done.returncode == 0
    assert "run" in done.stdout
    assert min(times) < 0.5


def test_help_imports_nothing_heavy() -> None:
    """The modules behind `--help` do not pull in the numerical libraries."""
    code = (
        "import sys; from biobench.cli import execute; execute(['--help']); "
        "heavy = {'torch', 'numpy', 'timm', 'transformers', 'faiss', 'pyarrow'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run"], 2, ["--model"]),
        (["--model"], 2, ["--model"]),
        (["run", "--model", ""], 5, ["is empty", "hf:REPO"]),
        (["run", "--model", "demo", "--out", ""], 2, ["--out", "the path is empty"]),
        (["run", "--model", "demo", "--store", " "], 2, ["--store", "the path is empty"]),
        (["run", "--model", "demo", "--data", ""], 2, ["--data", "the path is empty"]),
        (["data", "list", "--data", ""], 2, ["--data", "the path is empty"]),
        (["run", "--model", "demo", "--workers", "0"], 2, ["--workers"]),
        (["run", "--model", "demo", "--device", "tpu"], 2, ["'--device': 'tpu' is not one of"]),
        (["run", "--model", "demo", "--suite", "nine"], 2, ["nine", "biobench"]),
        (["run", "--model", "demo", "--task", "belugas"], 2, ["belugas", "beluga"]),
        (["run", "--model", "demo", "--suite", "demo", "--task", "beluga"], 2, ["--suite"]),
        (["run", "--model", "demo", "--task", "beluga"], 3, ["beluga", "--data"]),
        (["run", "--model", "demo", "--task", "kabr"], 3, ["kabr/", "imageomics/KABR"]),
        (["run", "--model", "demo", "--task", "iwildcam"], 3, ["iwildcam/", "gone"]),
        (
            ["run", "--model", "demo", "--task", "mammalnet"],
            3,
            ["mammalnet/", "mammal-net.github.io"],
        ),
        (["run", "--model", "demo", "--suite", "prior-work"], 3, ["imagenet1k/", "on request"]),
        (["run", "--model", "demo", "--data", "/no/such", "--suite", "demo"], 3, ["/no/such"]),
        (["run", "--model", "demo", "--data", "/no/such"], 3, ["/no/such"]),
        (["run", "--model", "demoo", "--suite", "demo"], 5, ["demoo", "demo"]),
        (["run", "--model", "demo", "--suite", "demo", "--precision", "float16"], 2, ["float16"]),
        (["run", "--model", "demo", "--task", "demo-beluga", "--n-train", "3"], 2, ["demo-beluga"]),
        (["run", "--model", "demo", "--suite", "demo", "--n-train", "0"], 2, ["from 1"]),
        (["run", "--model", "demo", "--suite", "demo", "--n-train", "3,ten"], 2, ["3,ten", "all"]),
        (["run", "--model", "demo", "--suite", "demo", "--n-train", "3,3"], 2, ["3,3", "once"]),
        (["run", "--model", "demo", "--declare", "imagenet1k=0.8"], 2, ["--source"]),
        (["run", "--model", "demo", "--json", "--dry-run"], 2, ["--json"]),
        (
            ["run", "--model", "demo", "--suite", "demo", "--store", "./here", "--out", "here"],
            2,
            ["here: the store and the result", "a folder each"],
        ),
        (["nonsense"], 2, ["nonsense"]),
        (["data", "nonsense"], 2, ["nonsense"]),
        (["store", "gc", "--size", "lots"], 2, ["lots"]),
        (["spec", "show", "belugas"], 2, ["beluga"]),
        (["spec", "show", "belugas", "--croissant"], 2, ["beluga"]),
        (["spec", "show", "biobench", "--croissant"], 2, ["is a suite", "a task or a data set"]),
        (["spec", "show", "knn", "--croissant"], 2, ["is a protocol", "a task or a data set"]),
        (["spec", "export", "--out", "/tmp"], 2, ["/tmp", "is a folder", "name the file"]),
        (["spec", "export", "--spec", "/tmp"], 4, ["/tmp", "v1/suite.yaml"]),
        (["spec", "show", "beluga", "--spec", "/tmp"], 4, ["/tmp", "v1/suite.yaml"]),
    ],
)
def test_bad_arguments(arguments: list[str], code: int, words: list[str]) -> None:
    """Bad input gets one line with what and what to do, and the exit code of its kind."""
    assert_one_line(biobench(*arguments), code, *words)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["nonsense"], 2), (["spec", "export", "--spec", "/tmp"], 4)]
)
def test_a_process_ends_as_a_call_does(arguments: list[str], code: int) -> None:
    """The other tests here may call the command line instead of starting it."""
    called, started = biobench(*arguments), process(*arguments)
    assert_one_line(started, code)
    assert (called.returncode, called.stdout, called.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_an_empty_data_folder_means_the_demo_suite(tmp_path: Path) -> None:
    """Without data the embedded suite is taken and named; a folder of other things is an error."""
    done = biobench("run", "--model", "demo", "--data", str(tmp_path), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "embedded demo suite" in done.stdout
    assert "demo-beluga: 142 images" in done.stdout
    (tmp_path / "holiday.jpg").write_bytes(b"")
    done = biobench("run", "--model", "demo", "--data", str(tmp_path), "--dry-run")
    assert_one_line(done, 3, str(tmp_path), "plankton")


def test_a_dry_run_lists_sizes_and_declared_scores(tmp_path: Path) -> None:
    """One line a task, with the images at each size, and the declared score with its source."""
    arguments = ["--model", "demo", "--dry-run"]
    done = biobench("run", *arguments, "--suite", "demo", "--n-train", "all,10,1")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("demo-plankton")]
    assert re.search(r"; images by size: 1: \d+, 10: \d+, all: \d+$", line), line
    arguments += ["--data", str(data_folder(tmp_path)), "--source", "a paper"]
    done = biobench("run", *arguments, "--declare", "imagenet1k=0.8")
    assert "imagenet1k: declared, 0.8, from a paper" in done.stdout


def test_version_and_lists() -> None:
    """The listing commands work without data, models or network."""
    assert biobench("--version").stdout.startswith("biobench 1.")
    listed = biobench("data", "list").stdout
    assert all(task in listed for task in ("demo-beluga", "mammalnet", "imagenet1k"))
    assert "demo" in biobench("models", "list").stdout
    assert '"knn"' in biobench("spec", "show", "beluga").stdout
    assert "mlcommons.org" in biobench("spec", "show", "beluga", "--croissant").stdout
    assert biobench("spec", "validate").stdout == "valid\n"


def test_without_a_command_the_help_is_shown() -> None:
    """`biobench` and its groups alone show their help, line by line, and exit 2."""
    for arguments in ([], ["data"], ["store"]):
        done = biobench(*arguments)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) > 5


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    """A mistyped folder is not taken for a whole store."""
    assert_one_line(biobench("store", "verify", "--store", str(tmp_path / "no")), 3, "no store")


@pytest.mark.parametrize("command", ["spec export", "spec show kabr", "models list"])
def test_a_closed_pipe_ends_quietly(command: str) -> None:
    """The status is that of a program that SIGPIPE ended, as of any other in a pipeline."""
    line = f"{sys.executable} -m biobench {command} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout == "141\n"
    assert done.stderr == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["spec show kabr", "models list", "--help"])
def test_a_full_output_is_one_line(command: str, unbuffered: str) -> None:
    """A result that went nowhere is no success, whether Python buffers or not."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m biobench {command} > /dev/full"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    assert_one_line(done, 1, "cannot write to standard output (No space left on device)")


def test_an_interrupt_says_only_what_is_true() -> None:
    """`conformance run` keeps nothing; `run` does, and says so (tests/pipeline)."""
    # It waits before its first case until the signal is there, however quick the machine is.
    program = (
        "import sys, time\n"
        "from biobench.conformance import own_answers\n"
        "def wait(*args):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "own_answers.run = wait\n"
        "from biobench.cli import main\n"
        "sys.argv = ['biobench', 'conformance', 'run']\n"
        "main()\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "biobench: interrupted\n")


def test_an_interrupt_at_the_start_is_no_traceback(tmp_path: Path) -> None:
    """Ctrl-C is heard while the libraries of the command line still load."""
    slow = "import time\nprint('loading', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "typer.py").write_text(slow)
    running = subprocess.Popen(
        [sys.executable, "-m", "biobench", "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "loading\n"
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "biobench: interrupted\n")


def test_another_folder_of_documents(tmp_path: Path, repository: Path) -> None:
    """`--spec` shows and exports another specification than the built-in one."""
    shutil.copytree(repository / "spec" / "v1", tmp_path / "v1")
    path = tmp_path / "v1" / "tasks" / "kabr.yaml"
    path.write_text(re.sub("title: .*", "title: Zebras of Kenya", path.read_text(), count=1))
    folder = ("--spec", str(tmp_path))
    assert '"Zebras of Kenya"' in biobench("spec", "show", "kabr", *folder).stdout
    exported, own = (process("spec", "export", *more) for more in (folder, ()))
    assert "Zebras of Kenya" in exported.stdout
    assert exported.stderr != own.stderr


def test_an_unexpected_fault_is_one_line(tmp_path: Path) -> None:
    """A fault of ours ends with exit 1 and names the switch that shows where."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = biobench("run", "--model", "demo", "--suite", "demo", "--store", str(blocked))
    assert_one_line(done, 2, str(blocked))


OWN = """\
task: {id}
dataset:
  id: {id}
  layout: {{id: image-folder, options: {{splits: {{train: train, test: val}}}}}}
split: train-test
protocol: linear_probe
metrics: [{{id: accuracy, higher_is_better: true, interval: null}}]
"""


def test_own_tasks_that_have_no_data(tmp_path: Path) -> None:
    """The remedy depends on how many tasks share the folder; nobody else's notes are named."""
    command = ["run", "--model", "demo", "--dry-run"]
    for id in ("ponds", "lakes"):
        (tmp_path / f"{id}.yaml").write_text(OWN.format(id=id))
    one, two = (("--task", str(tmp_path / f"{id}.yaml")) for id in ("ponds", "lakes"))
    done = biobench(*command, *one)
    assert_one_line(done, 3, "ponds are not there", "or the folder of its images itself")
    assert "notes" not in done.stderr
    data = tmp_path / "data"
    data.mkdir()
    done = biobench(*command, *one, *two, "--data", str(data))
    assert_one_line(done, 3, f"with several tasks the data of ponds must lie in {data}/ponds")
    (data / "train" / "ant").mkdir(parents=True)
    done = biobench(*command, *one, "--data", str(data))
    assert_one_line(done, 3, "2 faults", "repair the folder")
    assert "unpack" not in done.stderr
    official = data_folder(tmp_path / "official")
    (official / "plankton" / "train" / "empty").mkdir()
    done = biobench("run", "--model", "demo", "--dry-run", "--data", str(official))
    assert_one_line(done, 3, "repair the folder, or unpack the data set plankton again")


def test_task_files_that_are_none(tmp_path: Path) -> None:
    """A table, a folder and a file that is not there are usage, not faults of a document."""
    table = tmp_path / "ponds.csv"
    table.write_text("image,species\n")
    command = ["run", "--model", "demo", "--dry-run", "--task"]
    for name in (str(table), str(tmp_path), "ponds.csv"):
        assert_one_line(biobench(*command, name), 2, f"{name}: a task file ends in .yaml")
    absent = str(tmp_path / "absent.yaml")
    assert_one_line(biobench(*command, absent), 2, f"{absent}: the task file is not there")
    assert_one_line(biobench("spec", "validate", absent), 2, f"{absent}: is not there")
    mine = tmp_path / "mine.yaml"
    mine.write_text(OWN.format(id="mine"))
    line = f"{sys.executable} -m biobench run --model demo --dry-run --task <(cat {mine})"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert_one_line(done, 3, "the data of task mine are not there")


def test_forms_are_said_in_words(tmp_path: Path) -> None:
    """Nobody has to read a regular expression."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(OWN.format(id="My_Ponds").replace("train: train", "train: ../train"))
    done = biobench("spec", "validate", str(mine))
    assert done.returncode == 4
    lines = done.stdout.splitlines()
    assert "lower-case letters, digits and single hyphens" in lines[0]
    assert "[a-z" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("export {run} --format csv --out {run}/results.json", "is a result"),
        ("export {run} --format csv --out {run}/predictions/demo-beluga.parquet", "is read by"),
        ("export {run} --format csv --out {run}/report.html", "is read by"),
        ("import {other} --out {run}/results.json", "is a result"),
        ("import {other} --out {other}", "is read by"),
        ("submit {run} --out {run}/results.json", "is a result"),
        ("spec export --out {run}/results.json", "is a result"),
        ("conformance run --answers {run}/results.json", "is a result"),
        (
            "data verify demo-beluga --person me --laboratory mine --record {run}/results.json",
            "is a result",
        ),
        (
            "data verify demo-beluga --person me --laboratory i --against {other} --record {other}",
            "is read by",
        ),
    ],
)
def test_no_command_replaces_a_result_or_what_it_reads(
    arguments: str, words: str, repository: Path, tmp_path: Path
) -> None:
    """The file that is to be written is neither a result nor a file that the command reads."""
    run, other = tmp_path / "run", tmp_path / "other.json"
    (run / "predictions").mkdir(parents=True)
    shutil.copy(repository / "tests/spec/results.json", run)
    for path in (run / "predictions/demo-beluga.parquet", run / "report.html", other):
        path.write_bytes(path.name.encode())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = biobench(*arguments.format(run=run, other=other).split())
    assert_one_line(done, 2, words, "name another file")
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
