"""The process settings behind levels E2 and E3 (SPEC.md, section "Levels").

Numerical libraries read them once, when they load, so they must be in the environment before NumPy
and torch are imported. The command line therefore sets them and starts itself again.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from biobench._common.signals import hold_signals, let_signals_in
from biobench.repro.torch_state import altered, read_state

SETTINGS: dict[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    # torch takes exp, tanh, sqrt and the like from MKL, where MKL_CBWR does not hold them: MKL
    # chooses by processor, and most of its kernels begin with an approximate reciprocal or root,
    # which is another one from each maker. This variable, which MKL does not document, takes the
    # kernels for SSE4.2, which have none.
    "MKL_VML_DEBUG_CPU_TYPE": "1",
    "MKL_DYNAMIC": "FALSE",
    "OMP_DYNAMIC": "FALSE",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "FAISS_OPT_LEVEL": "avx2",
    # NumPy 2.4's names; it ignores those that a processor lacks.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""Every variable and the value that official runs need."""

UNWANTED: dict[str, str] = {
    "DNNL_DEFAULT_FPMATH_MODE": "",
    "ONEDNN_DEFAULT_FPMATH_MODE": "",
    "GLIBC_TUNABLES": "glibc.cpu.",
    "MKL_ENABLE_INSTRUCTIONS": "",
    "NPY_ENABLE_CPU_FEATURES": "",
    "NVIDIA_TF32_OVERRIDE": "",
    "TIMM_FUSED_ATTN": "",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "",
}
"""Variables that choose other arithmetic where their value holds the text given here: official runs
have none of them."""

ALLOCATOR: dict[str, str] = {
    # A forward pass takes and returns hundreds of megabytes. glibc would ask the kernel for them,
    # and the kernel clear them, each time: over half of the processor time of a convolutional net.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}
"""Settings of glibc's allocator that keep freed memory for the next pass; they move no bit."""


def process_environment() -> dict[str, str]:
    """The environment that this process was started with, without later changes."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def conflicts(environment: Mapping[str, str]) -> list[str]:
    """``NAME=value`` of each setting with a wrong value, and of each variable that must not be set,
    in a fixed order."""
    wrong = [n for n, value in SETTINGS.items() if environment.get(n, value) != value]
    return [f"{name}={environment[name]}" for name in (*wrong, *_unwanted(environment))]


def _unwanted(environment: Mapping[str, str]) -> list[str]:
    return [n for n, text in UNWANTED.items() if n in environment and text in environment[n]]


def applied() -> bool:
    """True where the libraries of this process saw every setting when they loaded, and no forbidden
    one."""
    environment = process_environment()
    return not conflicts(environment) and all(name in environment for name in SETTINGS)


def can_fix_bits() -> bool:
    """True where the processor can have level E2: x86-64 with AVX2 and FMA."""
    if platform.machine() not in {"x86_64", "AMD64"}:
        return False
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return {"avx2", "fma"} <= set(flags)


def bits_fixed() -> bool:
    """True where level E2 holds here: the settings are in force, on a processor that can have it,
    and nothing in this process was altered since."""
    return can_fix_bits() and applied() and not altered(read_state(), in_run=False)


def recorded() -> dict[str, str | None]:
    """The settings that this process was started with, for the result's
    ``environment.settings``."""
    environment = process_environment() or dict(os.environ)
    names = (*SETTINGS, *_unwanted(environment))
    return {name: environment.get(name) for name in names}


def restart_with_settings() -> None:
    """Replace this process by itself with the missing settings; a conflicting value is kept.

    Does nothing where no setting is missing, so it cannot loop.
    """
    wanted = SETTINGS | ALLOCATOR
    missing = {name: value for name, value in wanted.items() if name not in os.environ}
    if "NPY_ENABLE_CPU_FEATURES" in os.environ:
        # NumPy does not load with both.
        missing.pop("NPY_DISABLE_CPU_FEATURES", None)
    if not missing or not sys.orig_argv:
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    # A signal that comes before the new program can handle it would end it with Python's traceback.
    hold_signals()
    try:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **missing})
    finally:
        let_signals_in()
