"""The settings that fix the bits are in force in every process that computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from biobench.repro.settings import SETTINGS, conflicts


def _python(code: str, **environment: str) -> str:
    base = {name: value for name, value in os.environ.items() if name not in SETTINGS}
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
    import platform

    import pytest

    if platform.machine() != "x86_64":
        pytest.skip("the settings of level E2 are for x86-64")
    assert _python(code, **SETTINGS) == "AVX2 1 False\n"
