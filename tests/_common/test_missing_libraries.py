"""Without torch and the libraries of models the rest works, as in the image biobench:1.0-slim."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biobench._common.optional_dependencies import LIBRARIES, missing_library

pytestmark = pytest.mark.slow

# Python runs a sitecustomize of its path first: here one that hides what the image does not have.
HIDE = f"""
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] in {LIBRARIES!r}
        return None if hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
"""
NEED_THEM = (
    "biobench.models.",
    "biobench.probe.autograd",
    "biobench.probe.linear_probe.definition",
    "biobench.probe.linear_probe.torch_training",
    "biobench.probe.torch_descent",
    "biobench.probe.traits_mlp.definition",
    "biobench.probe.traits_mlp.torch_training",
)


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that finds none of the libraries."""
    folder = tmp_path_factory.mktemp("hidden")
    (folder / "sitecustomize.py").write_text(HIDE)
    return {**os.environ, "PYTHONPATH": str(folder)}


def biobench(
    environment: dict[str, str], *arguments: str, image: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "biobench", *arguments],
        env=environment | ({"BIOBENCH_IMAGE": image} if image else {}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_every_module_but_those_of_models_can_be_imported(hidden: dict[str, str]) -> None:
    """A heavy import at the head of a module would take its whole command from the slim image."""
    program = (
        "import importlib, pkgutil, biobench\n"
        "for module in pkgutil.walk_packages(biobench.__path__, 'biobench.'):\n"
        f"    if not module.name.startswith({NEED_THEM!r}) and 'main' not in module.name:\n"
        "        importlib.import_module(module.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=hidden, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_trained_probes_need_none_of_them(hidden: dict[str, str]) -> None:
    """The exact engine trains both on the CPU, also in the slim image."""
    program = (
        "import numpy as np\n"
        "from biobench.probe import LinearProbe, TraitsProbe\n"
        "x, y = np.random.default_rng(1).normal(size=(40, 5)), np.arange(40) % 2\n"
        "LinearProbe(2, steps=3).fit(x, y).predict(x)\n"
        "TraitsProbe(hidden=4, steps=3).fit(x, y[:, None]).predict(x)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=hidden, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--model", "demo"], ["run", "--model", "timm:resnet18"]])
def test_run_names_the_full_image(hidden: dict[str, str], arguments: list[str]) -> None:
    """Exit 5 and one line, before any data are read."""
    done = biobench(hidden, *arguments, image="biobench:1.0-slim")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == (
        "biobench: the image biobench:1.0-slim has no torch; use biobench:1.0, which has all "
        "libraries of models\n"
    )


def test_outside_an_image_the_remedy_is_an_installation(hidden: dict[str, str]) -> None:
    """Without torch, removed by hand, the message names what is missing, and no image."""
    done = biobench(hidden, "models", "show", "demo")
    assert (done.returncode, done.stdout) == (5, "")
    assert "is not installed" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_conformance_claims_what_it_can_answer(hidden: dict[str, str], tmp_path: Path) -> None:
    """Cases that need a library are unanswered, not wrong, and their section is not claimed."""
    file = tmp_path / "answers.json"
    done = biobench(
        hidden, "conformance", "run", "--section", "metrics", "--section", "digests",
        "--answers", str(file), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tallies = {tally["section"]: tally for tally in json.loads(done.stdout)["tallies"]}
    assert tallies["metrics"]["claimed"]
    assert tallies["metrics"]["right"] == tallies["metrics"]["cases"]
    assert not tallies["digests"]["claimed"]
    assert tallies["digests"]["unanswered"] > 0
    assert "torch is not installed" in done.stderr
    assert json.loads(file.read_text())["sections"] == ["metrics"]
    assert biobench(hidden, "conformance", "check", str(file)).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["data", "list"],
        ["spec", "show", "demo-plankton"],
        ["models", "list"],
        ["store", "stats"],
        ["run", "--model", "demo", "--task", "demo-plankton", "--dry-run"],
    ],
)
def test_commands_without_a_model_work(hidden: dict[str, str], arguments: list[str]) -> None:
    """Each of them looks at data, documents or results alone."""
    done = biobench(hidden, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'torch.nope'", name="torch.nope"),
        ModuleNotFoundError("No module named 'nope'", name="nope"),
        ImportError("cannot import name 'x' from 'torch'", name="torch"),
        ValueError("torch"),
    ],
)
def test_other_failures_stay_what_they_are(error: Exception) -> None:
    """A library that is there and broken must not be reported as missing."""
    assert missing_library(error) is None
