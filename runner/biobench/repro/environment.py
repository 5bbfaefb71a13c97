"""What a result says about the machine and software that made it; none enters a digest."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from biobench.repro.settings import recorded
from biobench.streams import as_text

PACKAGES = (
    "torch", "torchvision", "timm", "open_clip_torch", "transformers", "numpy", "scipy",
    "scikit-learn", "faiss-cpu", "pyarrow", "pillow", "safetensors", "huggingface_hub",
)  # fmt: skip

MOVE_FEATURES = (*PACKAGES[:9], "pillow")
"""Those whose version can move a feature or a prediction; the others only read and write files."""


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


def package_versions(names: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of the installed packages among ``names``, in their order."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe(device: str, workers: int) -> dict[str, Any]:
    """The result's ``environment`` object."""
    gpu: str | None = None
    if device.startswith("cuda"):
        import torch

        gpu = torch.cuda.get_device_name(0)
    image = os.environ.get("BIOBENCH_IMAGE")
    return {
        "image": image and as_text(image),
        "os": platform.platform(),
        "cpu": processor_name(),
        "gpu": gpu,
        "threads": workers,
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": package_versions(),
        "settings": recorded(),
    }
