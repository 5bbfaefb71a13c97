"""An environment of its own for each library beside which ours is measured.

Nothing of them reaches the package's environment: pillow-simd, for one, cannot stand beside
Pillow. They lie in `.cache/environments` beside this file and are made once, with exact versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parent / ".cache"


@dataclass(frozen=True)
class Environment:
    """Packages with their versions, all that are needed; what building them asks of the shell."""

    name: str
    packages: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


NUMPY = "numpy==2.4.6"
PILLOW = Environment("pillow", ("pillow==13.0.0", NUMPY))
SIMPLEJPEG = Environment("simplejpeg", ("simplejpeg==1.9.0", "pillow==13.0.0", NUMPY))
KORNIA = Environment("kornia-rs", ("kornia-rs==0.2.0", NUMPY))
# Published as sources alone, which need a C compiler and the headers of zlib and libjpeg.
PILLOW_SIMD = Environment(
    "pillow-simd", ("pillow-simd==12.1.1.post0", NUMPY), (("CC", "cc -mavx2"),)
)
DALI = Environment(
    "dali",
    (
        "nvidia-dali-cuda120==2.4.0",
        "nvidia-libnvcomp-cu12==5.3.0.16",
        "nvidia-nvimgcodec-cu12==0.9.0.20",
        "nvidia-nvjpeg-cu12==12.4.0.76",
        "nvidia-nvjpeg2k-cu12==0.11.0.51",
        "nvidia-nvtiff-cu12==0.8.0.82",
        "astunparse==1.6.3",
        "gast==0.7.0",
        "libcst==1.9.0",
        "makefun==1.16.0",
        "nvtx==0.2.17",
        "optree==0.20.0",
        "packaging==26.3",
        "PyYAML==6.0.4",
        "six==1.17.0",
        "typing_extensions==4.16.0",
        "wheel==0.48.0",
        NUMPY,
    ),
)


def prepare(environment: Environment) -> Path | None:
    """Its Python, or None and a line that names it where it cannot be made here."""
    folder = CACHE / "environments" / environment.name
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = f"{sys.version}\n{environment}\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"preparing the environment of {environment.name}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps"]
    if environment.variables:  # a wheel in pip's cache may have been built with others
        options.append("--no-cache-dir")
    commands: list[list[str]] = [
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", *options, *environment.packages],
    ]
    variables = os.environ | dict(environment.variables)
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        reason = next((line for line in said if line.startswith("ERROR:")), *said[-1:])
        left_out(environment.name, reason)
        return None
    stamp.write_text(wanted)
    return python


def left_out(name: str, reason: object) -> None:
    """Say in a line what is not measured, and why."""
    print(f"{name} is left out: {reason}", file=sys.stderr, flush=True)
