"""Fixtures of the packaging tests: the wheel, built once, and the image, when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from containers import IMAGE, built_image

# The programs that build the images are no part of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "containers"))
# What builds the wheels of a release.
sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
# Small checkpoints are made as in the tests of models.
sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))


@pytest.fixture(scope="session")
def wheel(repository: Path, made_once: Callable[..., Path]) -> Path:
    """The wheel as users get it."""

    def build(folder: Path) -> None:
        maturin = Path(sys.executable).with_name("maturin")
        command = [str(maturin), "build", "--release", "--locked", "--out", str(folder)]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    (built,) = made_once("wheel", build).glob("*.whl")
    return built


@pytest.fixture(scope="session")
def image() -> str:
    """The name of the full image."""
    return built_image(IMAGE, "image")


@pytest.fixture(scope="session")
def slim_image() -> str:
    """The name of the image without torch."""
    return built_image(f"{IMAGE}-slim", "image-slim")
