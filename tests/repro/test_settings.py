"""The settings that fix the bits are in force in every process that computes."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from biobench.repro.settings import SETTINGS, UNWANTED, conflicts

pytestmark = pytest.mark.slow


def _python(code: str, **environment: str) -> str:
    own = {*SETTINGS, *UNWANTED}
    base = {name: value for name, value in os.environ.items() if name not in own}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**base, **environment},
        check=True,
    )
    return done.stdout


RESTART = (
    "from biobench.repro import settings; settings.restart_with_settings(); "
    "import json; print(json.dumps([settings.applied(), settings.recorded()]))"
)


def test_a_restart_sets_every_setting() -> None:
    """After the restart the process's own environment has each value, so libraries see it."""
    applied, recorded = json.loads(_python(RESTART))
    assert applied is True
    assert recorded == SETTINGS


def test_a_value_of_the_user_is_kept_and_reported() -> None:
    """A conflicting value is neither overwritten nor taken for the setting."""
    applied, recorded = json.loads(_python(RESTART, OMP_NUM_THREADS="2"))
    assert applied is False
    assert recorded["OMP_NUM_THREADS"] == "2"
    assert conflicts(recorded) == ["OMP_NUM_THREADS=2"]


@pytest.mark.parametrize("name", list(UNWANTED))
def test_a_variable_that_chooses_other_arithmetic_is_reported(name: str) -> None:
    """With one of them in force no process claims level E2, and the result shows it."""
    value = f"{UNWANTED[name]}1"
    applied, recorded = json.loads(_python(RESTART, **{name: value}))
    assert applied is False
    assert recorded[name] == value
    assert f"{name}={value}" in conflicts(recorded)


def test_a_harmless_tunable_is_no_conflict() -> None:
    """Only the tunables of the processor move bits; clusters set others for their own reasons."""
    assert conflicts({"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384"}) == []
    assert conflicts({"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.cpu.hwcaps=-FMA"})


def test_the_text_names_every_setting(repository: Path) -> None:
    """SPEC.md is what other implementations and images go by."""
    text = (repository / "spec/SPEC.md").read_text()
    text = " ".join(text[text.index("Settings of E2") : text.index("## 16.")].split())
    told = dict(re.findall(r"\b([A-Z0-9_]+)=([\w.]+)", text))
    # NumPy's names of its features are another in each of its versions, and E3's is in a table.
    left_out = {"NPY_DISABLE_CPU_FEATURES", "CUBLAS_WORKSPACE_CONFIG"}
    assert told == {name: value for name, value in SETTINGS.items() if name not in left_out}
    assert all(name in text for name in UNWANTED)


def test_setting_them_late_does_not_count() -> None:
    """Changing os.environ after the start is not taken for a process that had the settings."""
    code = (
        "import os; from biobench.repro import settings; os.environ.update(settings.SETTINGS); "
        "print(settings.applied())"
    )
    assert _python(code) == "False\n"


def test_the_libraries_obey() -> None:
    """torch and NumPy run the code paths that the settings name, on one thread."""
    code = (
        "import torch, numpy; from numpy._core._multiarray_umath import __cpu_features__ as f; "
        "print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(), "
        "f.get('X86_V4', False))"
    )
    if platform.machine() != "x86_64":
        pytest.skip("the settings of level E2 are for x86-64")
    assert _python(code, **SETTINGS) == "AVX2 1 False\n"
