"""The record of the machine and software that made a result; none of it enters a digest."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biobench._common.text import as_text
from biobench.repro.settings import recorded
from biobench.repro.software import PACKAGES, code_digest, libc, record


def processor_name() -> str:
    """The processor's model name as the kernel reports it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def available_cores() -> int:
    """Cores that this process may run on (affinity mask, not the machine's total)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _system() -> str:
    """``platform.platform()`` without the program that it starts on Linux."""
    if platform.system() != "Linux":
        return platform.platform()
    kernel, name = os.uname(), libc()
    library = f"-with-{name.replace(' ', '')}" if name else ""
    return f"{kernel.sysname}-{kernel.release}-{kernel.machine}{library}"


def _digest(variable: str) -> str | None:
    """The digest that an image put into its environment; None for a value of another form."""
    value = os.environ.get(variable, "")
    return value if re.fullmatch("sha256:[0-9a-f]{64}", value) else None


def describe(device: str, workers: int, torch_state: Mapping[str, str]) -> dict[str, Any]:
    """The result's ``environment`` object.

    Args:
        device: ``cpu`` or ``cuda``.
        workers: Micro-batches side by side.
        torch_state: The state of torch while the run embedded.
    """
    gpu: str | None = None
    if device.startswith("cuda"):
        import torch

        gpu = torch.cuda.get_device_name(0)
    image = os.environ.get("BIOBENCH_IMAGE")
    versions, builds = record(device, PACKAGES)
    return {
        "image": (image and as_text(image)) or None,
        "base": _digest("BIOBENCH_BASE"),
        "layers": _digest("BIOBENCH_LAYERS"),
        "code": code_digest(),
        "libc": libc(),
        "os": _system(),
        "cpu": processor_name(),
        "gpu": gpu,
        "threads": workers,
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": versions,
        "builds": builds,
        "settings": recorded(),
        "torch": dict(torch_state),
    }
