"""`biobench selftest` passes where every stage repeats, and names the stage that does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench.selftest import features
from biobench.selftest.golden import read_golden
from biobench.selftest.part import Conditions
from biobench.selftest.parts import PARTS
from biobench.selftest.run import SelftestReport, expected_level, this_machine
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).resolve().parents[2] / "runner" / "biobench"


def selftest(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "biobench", "selftest", "--device", "cpu", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {f"{part['stage']}/{part['part']}": part["outcome"] for part in report["parts"]}


def fails_in(stage: str, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The report of a self test that must end with exit 6 and one line about ``stage``."""
    assert done.returncode == 6, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"biobench: selftest: stage {stage} does not repeat here")
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["reproduces"] is False
    assert report["first_failure"] == stage
    return report


def test_every_part_is_recorded_once() -> None:
    """A part that is not recorded could not be compared, and a digest without a part is dead."""
    assert sorted(part.id for part in PARTS) == sorted(read_golden().parts)


def test_this_machine_repeats() -> None:
    """All parts are equal, and the report says which levels that makes."""
    done = selftest()
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert set(outcomes(report).values()) == {"equal"}
    assert report["levels"] == {"pixels": "D", "features": "F", "predictions": "P", "score": "S"}
    assert report["next"]


@pytest.mark.depth
def test_no_variable_moves_a_part() -> None:
    """Variables that runs record as other arithmetic concern torch alone."""
    done = selftest(
        ATEN_CPU_CAPABILITY="default", OPENBLAS_CORETYPE="Prescott", OMP_NUM_THREADS="3"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(outcomes(json.loads(done.stdout)).values()) == {"equal"}


def test_what_a_gpu_computes_is_compared_with_the_exact_engine() -> None:
    """Networks and the probes that a GPU trains are held to level T there; nothing else is."""
    levels = {part.id: expected_level(part, "cuda") for part in PARTS}
    near = {id for id, level in levels.items() if level == "T"}
    networks = {"features/convolution", "features/transformer"}
    assert near == networks | {"predictions/linear_probe", "predictions/traits_mlp"}
    assert {expected_level(part, "cpu") for part in PARTS} == {"D", "F", "P", "S"}


def test_torch_is_near_the_exact_engine() -> None:
    """Features by torch, with which a GPU is compared, are within level T, here on the CPU."""
    tolerance = load_spec().tolerance["feature_cosine"]
    conditions = Conditions(workers=2, small=True)
    backbone = features.transformer(features.SMALL_SIDE)
    one, other = features.exactly(backbone, conditions), features.by_torch(backbone, conditions)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    assert ((one * other).sum(axis=1) / norms).min() > tolerance


def test_another_c_library_is_another_version() -> None:
    """Two functions differ between glibc 2.36 and 2.41: whoever fails in features is told."""
    golden = read_golden()
    machine = replace(this_machine("cpu"), libc="glibc 2.41", packages=golden.packages)
    report = SelftestReport(machine, golden, [])
    assert report.other_versions() == [f"glibc 2.41 instead of {golden.libc}"]
    assert SelftestReport(replace(machine, libc=golden.libc), golden, []).other_versions() == []


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installation of its own, to damage."""
    # The specification of this tree: a copy beside the package may be an older build's.
    ignored = shutil.ignore_patterns("__pycache__", "_spec")
    shutil.copytree(PACKAGE, tmp_path / "biobench", ignore=ignored)
    shutil.copytree(PACKAGE.parents[1] / "spec", tmp_path / "biobench" / "_spec")
    return tmp_path


@pytest.mark.depth
def test_a_damaged_value_table_fails_in_the_pixels(installed: Path) -> None:
    """One value of the table from pixels to numbers, one unit in the last place away."""
    recipe = installed / "biobench" / "decode" / "recipe.py"
    text = recipe.read_text()
    whole = 'return np.frombuffer(self.table_bytes, dtype="<f4").reshape(3, 256)'
    damaged = (
        'table = np.frombuffer(self.table_bytes, dtype="<f4").reshape(3, 256).copy()\n'
        "        table[1, 77] = np.nextafter(table[1, 77], np.float32(9))\n"
        "        return table"
    )
    assert whole in text
    recipe.write_text(text.replace(whole, damaged))
    report = fails_in("pixels", selftest(PYTHONPATH=str(installed)))
    assert outcomes(report)["pixels/shortest-bicubic"] == "different"
    assert report["levels"]["pixels"] is None


def test_a_damaged_image_fails_in_the_pixels(installed: Path) -> None:
    """Another image under a name that is read, as a bad copy would leave it: the set is named."""
    from biobench.selftest.pixels import images

    path = images()["demo-plankton"][3]
    other = images()["demo-plankton"][4]
    (installed / "biobench" / path.relative_to(PACKAGE)).write_bytes(other.read_bytes())
    report = fails_in("pixels", selftest(PYTHONPATH=str(installed)))
    assert "demo-plankton" in report["verdict"]
    found = outcomes(report)
    assert {found[id] for id in found if id.startswith("predictions/")} == {"equal"}


def test_without_the_libraries_of_models_the_rest_is_tested(installed: Path) -> None:
    """The slim image has no torch: what needs it is left out, and said so, with exit 0."""
    # A finder that knows no torch stands for an environment that has none.
    (installed / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "hidden = ('torch', 'torchvision', 'timm', 'open_clip', 'transformers')\n"
        "class Hidden:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name.partition('.')[0] in hidden:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Hidden)\n"
        "original = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: (\n"
        "    None if name.partition('.')[0] in hidden else original(name, package))\n"
    )
    done = selftest(PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    left_out = {id for id, outcome in outcomes(report).items() if outcome == "left out"}
    assert left_out == {"features/convolution", "features/transformer"}
    assert set(report["levels"]) == {"pixels", "predictions", "score"}
    assert any("full installation" in step for step in report["next"])
