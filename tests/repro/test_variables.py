"""Variables that choose other arithmetic for torch are seen, recorded, and move nothing exact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biobench.repro.variables import chooses_arithmetic, recorded

ARITHMETIC = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_DEFAULT_FPMATH_MODE": "BF16",
    "GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.cpu.hwcaps=-FMA",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_DEBUG_CPU_TYPE": "5",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    "NVIDIA_TF32_OVERRIDE": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Prescott",
    "TIMM_FUSED_ATTN": "0",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
    "TORCH_BLAS_PREFER_CUBLASLT": "1",
}
OTHERS = {
    "CUBLAS_WORKSPACE_CONFIG": ":16:8",
    "GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384",
    "MKL_NUM_THREADS": "3",
    "MKL_THREADING_LAYER": "GNU",
    "NVIDIA_TF32_OVERRIDES": "1",
    "OMP_NUM_THREADS": "3",
    "OPENBLAS_NUM_THREADS": "3",
    "TORCH_HOME": "/models",
}


@pytest.mark.parametrize(("name", "value"), ARITHMETIC.items())
def test_a_variable_that_chooses_arithmetic_is_recorded(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that the process got later count too: a library may not have been loaded yet."""
    assert chooses_arithmetic(name, value)
    monkeypatch.setenv(name, value)
    assert recorded()[name] == value


@pytest.mark.parametrize(("name", "value"), OTHERS.items())
def test_another_variable_is_not(name: str, value: str) -> None:
    """Threads are the run's own choice, and clusters set others for their own reasons."""
    assert not chooses_arithmetic(name, value)


@pytest.mark.slow
def test_a_variable_that_was_removed_later_is_recorded() -> None:
    """A library that was loaded before had read it."""
    code = (
        "import json, os; from biobench.repro.variables import recorded; "
        "del os.environ['MKL_CBWR']; print(json.dumps(recorded()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "MKL_CBWR": "AVX2"},
        check=True,
    )
    if not Path("/proc/self/environ").exists():
        pytest.skip("the system does not tell with which environment a process was started")
    assert json.loads(done.stdout)["MKL_CBWR"] == "AVX2"


def test_the_text_names_what_counts(repository: Path) -> None:
    """SPEC.md is what other implementations go by."""
    text = (repository / "spec/SPEC.md").read_text()
    start = text.index("`environment.variables` has")
    words = text[start : text.index("Levels S, D, F and P depend")].replace("`", " ").split()
    for name, value in ARITHMETIC.items():
        starts = [word for word in words if word.endswith("_") and not word.startswith("_")]
        assert name in words or any(name.startswith(word) for word in starts), name
        assert chooses_arithmetic(name, value)
    for prefix in (word for word in words if word.endswith("_") and word[0] != "_"):
        assert chooses_arithmetic(f"{prefix}X", "1"), prefix
    for name in ("MKL_THREADING_LAYER", "MKL_INTERFACE_LAYER", "MKL_SERVICE_FORCE_INTEL"):
        assert name in words
        assert not chooses_arithmetic(name, "1")
    for end in ("_NUM_THREADS", "_DYNAMIC", "_VERBOSE"):
        assert end in words
        assert not chooses_arithmetic(f"MKL{end}", "1")
