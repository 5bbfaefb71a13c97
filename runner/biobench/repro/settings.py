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

SETTINGS: dict[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
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

ALLOCATOR: dict[str, str] = {
    # A forward pass takes and returns hundreds of megabytes. glibc would ask the kernel for them,
    # and the kernel clear them, each time: over half of the processor time of a convolutional net.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}
"""Settings of glibc's allocator that keep freed memory for the next pass; they move no bit."""


def process_environment() -> dict[str, str]:
    """The environment that this process was started with, which later changes do not touch."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def conflicts(environment: Mapping[str, str]) -> list[str]:
    """``NAME=value`` of each setting that is present with another value, in a fixed order."""
    return [
        f"{name}={environment[name]}"
        for name, wanted in SETTINGS.items()
        if name in environment and environment[name] != wanted
    ]


def applied() -> bool:
    """Whether the libraries of this process saw every setting when they loaded."""
    environment = process_environment()
    return all(environment.get(name) == value for name, value in SETTINGS.items())


def bits_fixed() -> bool:
    """Whether level E2 holds here: the settings in force, on x86-64 with AVX2 and FMA."""
    if platform.machine() not in {"x86_64", "AMD64"}:
        return False
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return {"avx2", "fma"} <= set(flags) and applied()


def recorded() -> dict[str, str | None]:
    """What this process was started with, for the result's ``environment.settings``."""
    environment = process_environment() or dict(os.environ)
    return {name: environment.get(name) for name in SETTINGS}


def restart_with_settings() -> None:
    """Replace this process by itself with the missing settings; a conflicting value is kept.

    Returns without doing anything when nothing is missing, so it cannot loop.
    """
    wanted = SETTINGS | ALLOCATOR
    missing = {name: value for name, value in wanted.items() if name not in os.environ}
    if not missing or not sys.orig_argv:
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **missing})
