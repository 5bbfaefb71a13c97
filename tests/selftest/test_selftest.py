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

import pytest

from biobench.repro import settings
from biobench.repro.settings import ALLOCATOR, SETTINGS, UNWANTED, can_fix_bits
from biobench.selftest.advice import next_steps
from biobench.selftest.golden import read_golden
from biobench.selftest.parts import PARTS
from biobench.selftest.run import DIFFERENT, Report, settings_finding, this_machine

pytestmark = pytest.mark.slow

needs_e2 = pytest.mark.skipif(not can_fix_bits(), reason="level E2 is of x86-64 with AVX2 and FMA")
PACKAGE = Path(__file__).resolve().parents[2] / "runner" / "biobench"


def selftest(**environment: str) -> subprocess.CompletedProcess[str]:
    own = {*SETTINGS, *ALLOCATOR, *UNWANTED}
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.run(
        [sys.executable, "-m", "biobench", "selftest", "--device", "cpu", "--json"],
        capture_output=True,
        text=True,
        env={**kept, **environment},
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


@needs_e2
def test_this_machine_repeats() -> None:
    """All parts are equal, and the report says which levels that makes."""
    done = selftest()
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert set(outcomes(report).values()) == {"equal"}
    assert report["levels"] == {
        "settings": "E2", "pixels": "D", "features": "E2", "predictions": "P", "score": "S",
    }  # fmt: skip
    assert report["next"]


@needs_e2
def test_a_wrong_setting_is_named() -> None:
    """torch's plain kernels give other features; the remedy is to unset what forced them."""
    report = fails_in("settings", selftest(ATEN_CPU_CAPABILITY="default"))
    assert "ATEN_CPU_CAPABILITY=default" in report["next"][0]
    found = outcomes(report)
    assert report["levels"]["predictions"] == "P"
    assert found["features/transformer"] == "within tolerance"
    assert found["predictions/knn"] == "equal"
    assert {found[id] for id in found if id.startswith(("pixels/", "score/"))} == {"equal"}


@needs_e2
@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("MKL_VML_DEBUG_CPU_TYPE", "0", {"features/functions"}),
        ("ONEDNN_MAX_CPU_ISA", "SSE41", {"features/convolution"}),
        ("TIMM_FUSED_ATTN", "0", {"features/transformer"}),
    ],
)
def test_each_library_has_a_part_that_sees_it(name: str, value: str, parts: set[str]) -> None:
    """Whichever library is forced to other kernels, one part differs, and no other stage."""
    report = fails_in("settings", selftest(**{name: value}))
    found = outcomes(report)
    assert parts <= {id for id, outcome in found.items() if outcome != "equal"}
    assert {found[id] for id in found if id.startswith(("pixels/", "score/"))} == {"equal"}


WRONG = {**dict.fromkeys(SETTINGS, "0"), **{name: f"{text}1" for name, text in UNWANTED.items()}}


@pytest.mark.parametrize("name", [None, *WRONG])
def test_settings_are_held_to_the_rule_of_runs(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects a lab whose threads or kernels are set by the environment: even where no part shows
    it, the stage fails, since `run` refuses the same, and no stage has E2."""
    wrong = {} if name is None else {name: WRONG[name]}
    monkeypatch.setattr(settings, "process_environment", lambda: {**SETTINGS, **wrong})
    machine = this_machine("cpu")
    finding = settings_finding(machine)
    report = Report(machine, read_golden(), [finding])
    assert settings.applied() is report.reproduces is (name is None)
    if name is not None:
        assert finding.outcome == DIFFERENT
        assert f"{name}={WRONG[name]}" in finding.detail
        assert report.levels() == {"settings": None}


def test_an_altered_torch_is_no_setting_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a startup file of a cluster does to torch is named like a wrong variable."""
    import torch

    monkeypatch.setattr(settings, "process_environment", lambda: dict(SETTINGS))
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    finding = settings_finding(this_machine("cpu"))
    assert finding.outcome == DIFFERENT
    assert "backends.mkldnn.enabled=False" in finding.detail


def test_another_c_library_is_another_version() -> None:
    """Two functions differ between glibc 2.36 and 2.41: whoever fails in features is told."""
    golden = read_golden()
    machine = replace(this_machine("cpu"), libc="glibc 2.41", packages=golden.packages)
    report = Report(machine, golden, [])
    assert report.other_versions() == [f"glibc 2.41 instead of {golden.libc}"]
    assert Report(replace(machine, libc=golden.libc), golden, []).other_versions() == []
    equal = settings_finding(replace(machine, conflicts=(), can_repeat=True))
    steps = next_steps(replace(report, findings=[equal]))
    assert "share no level E2" in steps[0]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installation of its own, to damage."""
    # The specification of this tree: a copy beside the package may be an older build's.
    ignored = shutil.ignore_patterns("__pycache__", "_spec")
    shutil.copytree(PACKAGE, tmp_path / "biobench", ignore=ignored)
    shutil.copytree(PACKAGE.parents[1] / "spec", tmp_path / "biobench" / "_spec")
    return tmp_path


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
    networks = ("convolution", "transformer", "exact-convolution", "exact-transformer")
    assert left_out == {"features/functions", *(f"features/{name}" for name in networks)}
    assert set(report["levels"]) == {"settings", "pixels", "predictions", "score"}
    assert any("full installation" in step for step in report["next"])
