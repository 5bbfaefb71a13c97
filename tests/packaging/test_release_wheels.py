"""The wheels of a release in clean environments: x86-64 here, aarch64 on an emulated processor."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from biobench.spec.load import load_spec
from make_wheels import ARCHITECTURES, TAG

pytestmark = [pytest.mark.slow, pytest.mark.wheels, pytest.mark.timeout(900)]

PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")
"""Tags of wheels for the aarch64 environment; its glibc is Debian 12's."""
IMAGE = "demo-herbarium19"
PIXELS = "ead1386f5f4040d9a28d388e6771d7953bb45df04c4f8cc26316c66b55850c05"
"""SHA-256 of the pixels of the first JPEG of that data set at the defaults of load_batch."""


@dataclass(frozen=True)
class Installed:
    """A clean environment: the words that start its Python, and its variables."""

    python: tuple[str, ...]
    variables: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Standard output of its Python."""
        done = subprocess.run(
            [*self.python, *arguments], env=self.variables, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def here(wheel: Path, lock: Path, folder: Path) -> Installed:
    """A virtual environment of this machine."""
    if platform.machine() != "x86_64":
        pytest.skip(f"this machine is {platform.machine()}")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin/python")
    into = ("install", "--no-deps", "--only-binary=:all:")
    pip("--python", python, *into, "--require-hashes", "--requirement", str(lock))
    pip("--python", python, *into, "--no-index", str(wheel))
    return Installed((python,), {"PATH": os.environ["PATH"], "HOME": str(folder)})


def emulated(wheel: Path, lock: Path, folder: Path) -> Installed:
    """Debian's Python for aarch64, unpacked and not installed: nothing of it runs on this machine
    but by the emulator. pip, on this machine, chooses the files for that platform."""
    for program in ("qemu-aarch64", "mmdebstrap"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    root, site = folder / "root", folder / "site"
    archive = folder / "root.tar"
    command = [
        "mmdebstrap", "--variant=extract", "--architectures=arm64",
        "--include=python3,libstdc++6", "bookworm",
    ]  # fmt: skip
    done = subprocess.run([*command, str(archive)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    root.mkdir()
    untar = ["tar", "--extract", f"--file={archive}", f"--directory={root}", "--exclude=./dev/*"]
    subprocess.run(untar, check=True)
    into = [
        "install", "--no-deps", "--only-binary=:all:", "--implementation=cp",
        "--python-version=3.11", "--abi=cp311", "--abi=abi3", "--abi=none", f"--target={site}",
        *(f"--platform={name}_aarch64" for name in PLATFORMS),
    ]  # fmt: skip
    pip(*into, "--require-hashes", "--requirement", str(lock))
    pip(*into, "--no-index", "--upgrade", str(wheel))
    python = ("qemu-aarch64", "-L", str(root), str(root / "usr/bin/python3.11"))
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(site)}
    return Installed(python, variables)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def installed(
    request: pytest.FixtureRequest, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Installed]:
    """The architecture, and the wheel without extras in an environment of it."""
    architecture: str = request.param
    wheels = sorted((repository / "dist").glob(f"biobench-*-cp311-abi3-{TAG}_{architecture}.whl"))
    if len(wheels) != 1:
        pytest.fail(f"{len(wheels)} wheels for {architecture} in dist/; run `make wheels`")
    make: Callable[[Path, Path, Path], Installed] = here if architecture == "x86_64" else emulated
    folder = tmp_path_factory.mktemp(architecture)
    return architecture, make(wheels[0], repository / "requirements/base.txt", folder)


def test_the_extension_is_of_that_architecture(installed: tuple[str, Installed]) -> None:
    """It is imported there, with libjpeg-turbo's code for the processor's vector instructions."""
    architecture, environment = installed
    program = (
        "import platform, biobench.native as native\n"
        "facts = native.build_info()\n"
        "print(platform.machine(), facts['target'], facts['libjpeg_turbo_simd'])"
    )
    found = environment.run("-c", program).split()
    assert found == [architecture, f"{architecture}-unknown-linux-gnu", "True"]


def test_a_photograph_has_its_recorded_pixels(installed: tuple[str, Installed]) -> None:
    """The bits of every other machine."""
    program = (
        "import hashlib\nfrom pathlib import Path\nimport biobench\n"
        "from biobench.native import load_batch\n"
        f"demo = Path(biobench.__file__).parent / '_demo' / '{IMAGE}'\n"
        "pixels = load_batch([min(demo.rglob('*.jpg'))])\n"
        "print(pixels.shape, hashlib.sha256(pixels.tobytes()).hexdigest())"
    )
    assert installed[1].run("-c", program) == f"(1, 224, 224, 3) {PIXELS}\n"


def test_the_specification_is_valid_there(installed: tuple[str, Installed], tmp_path: Path) -> None:
    """The documents came along, and are exported with the checkout's digest."""
    environment = installed[1]
    assert environment.run("-m", "biobench", "spec", "validate") == "valid\n"
    bundle = tmp_path / "bundle.json"
    environment.run("-m", "biobench", "spec", "export", "--out", str(bundle))
    digest = f"sha256:{hashlib.sha256(bundle.read_bytes()).hexdigest()}"
    assert digest == load_spec().digest, "the wheel is of an earlier checkout; run `make wheels`"


def test_the_engine_has_its_recorded_bits(installed: tuple[str, Installed]) -> None:
    """Conformance of the exact arithmetic, by the instructions of that processor."""
    installed[1].run("-m", "biobench", "conformance", "run", "--section", "model-constants")
