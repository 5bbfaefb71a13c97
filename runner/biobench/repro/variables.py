"""Variables of the environment that choose other arithmetic for torch (SPEC.md, section "Levels").

Out: those of this process. The exact engine reads none of them; what torch computes under one
claims level T.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_LIBRARIES = re.compile(
    r"(ATEN|BLIS|CUBLAS|CUBLASLT|CUDNN|DNNL|MKL|NPY|ONEDNN|OPENBLAS|TIMM)_"
    r"|NVIDIA_TF32_OVERRIDE$"
    r"|TORCH_(ALLOW_TF32|BLAS|CUDNN|LINALG|LINEAR|MKLDNN)_"
)
"""The names of torch and of what it calls. Libraries have many such variables and get new ones, so
all count but :data:`_NO_ARITHMETIC`."""
_NO_ARITHMETIC = re.compile(
    r".*_(NUM_THREADS|DYNAMIC|VERBOSE)$"
    r"|MKL_(THREADING_LAYER|INTERFACE_LAYER|SERVICE_FORCE_INTEL)$"
    r"|CUBLAS_WORKSPACE_CONFIG$"
)
"""A run computes a micro-batch on one thread, and sets the workspace itself."""
_TUNABLES, _OF_THE_PROCESSOR = "GLIBC_TUNABLES", "glibc.cpu."


def chooses_arithmetic(name: str, value: str) -> bool:
    """Return whether a variable may choose other kernels or numbers for torch."""
    if name == _TUNABLES:
        return _OF_THE_PROCESSOR in value
    return bool(_LIBRARIES.match(name)) and not _NO_ARITHMETIC.match(name)


def recorded() -> dict[str, str]:
    """The variables that choose other arithmetic, by name, for the result's
    ``environment.variables``: those that the process was started with, whether or not they were
    removed since, and those that were set later."""
    found = {**_at_start(), **os.environ}
    return {name: found[name] for name in sorted(found) if chooses_arithmetic(name, found[name])}


def _at_start() -> dict[str, str]:
    """The environment that this process was started with, empty where the system does not tell."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
