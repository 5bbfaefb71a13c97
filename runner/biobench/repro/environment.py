"""The record of the machine and software that made a result; none of it enters a digest."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from biobench._common.text import as_text
from biobench.repro.software import PACKAGES, code_digest, libc, record
from biobench.repro.variables import recorded

_CPUINFO = Path("/proc/cpuinfo")
_MODEL = (
    "vendor_id", "cpu family", "model", "model name", "stepping", "cache size",
    "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision",
)  # fmt: skip
"""The kernel's names of a processor's model, on x86-64 and on aarch64."""
_INSTRUCTIONS = re.compile(r"s?sse|avx|fma|f16c|amx|bmi|asimd|fphp|fcma|sve|sme|i8mm|bf16")
"""The flags that numerical libraries choose kernels by; a kernel may list others or not."""


def processor_name() -> str:
    """The processor's model name as the kernel reports it."""
    for processor in _processors(_CPUINFO):
        if "model name" in processor:
            return processor["model name"]
    return platform.processor() or platform.machine()


def processor_type(cpuinfo: Path = _CPUINFO) -> str | None:
    """Model and instructions of the processor, by which libraries choose their kernels: between
    processors of one type torch gives equal bits. None where the system does not tell.

    The name alone is not enough: virtual machines give one to processors that differ.
    """
    found: dict[str, None] = {}
    for processor in _processors(cpuinfo):
        model = [processor[name] for name in _MODEL if name in processor]
        flags = (processor.get("flags") or processor.get("Features") or "").split()
        instructions = sorted(flag for flag in flags if _INSTRUCTIONS.match(flag))
        if model and instructions:
            found[f"{', '.join(model)}: {' '.join(instructions)}"] = None
    return "; ".join(found) or None


def _processors(cpuinfo: Path) -> Iterator[dict[str, str]]:
    """The facts of each processor by name; none where the system does not tell."""
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        return
    for block in text.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        yield {name.strip(): value.strip() for name, _, value in pairs}


def available_cores() -> int:
    """Cores that this process may run on (affinity mask, not the machine's total)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpu_facts() -> dict[str, Any]:
    """Facts that the first visible GPU computes by, beside packages and driver: its name, by
    which a part of a divided one differs from the whole, what its kernels are chosen by, and the
    CUDA and cuDNN that torch itself came with."""
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {
        "gpu": properties.name,
        "capability": [properties.major, properties.minor],
        "multiprocessors": properties.multi_processor_count,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }


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
        "cpu_type": processor_type(),
        "gpu": gpu,
        "threads": workers,
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": versions,
        "builds": builds,
        "variables": recorded(),
        "torch": dict(torch_state),
    }
