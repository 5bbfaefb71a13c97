"""The wheels of a release: manylinux, for x86-64 and aarch64, from this machine.

Usage: make_wheels.py [--out DIR] [ARCHITECTURE ...]

Zig compiles C and links against the glibc of the tag, for both architectures; it and maturin come
from the package index by the hashes of requirements/wheels.txt, into target/wheels-venv. Each wheel
is checked: its tag, what it holds, and that its extension asks for no symbol and no library that
the tag does not allow.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "containers"))

from imagebuild.__main__ import DATE  # noqa: E402
from imagebuild.programs import BuildError, logged, output  # noqa: E402
from imagebuild.wheels import build_environment  # noqa: E402

ARCHITECTURES = ("x86_64", "aarch64")
GLIBC = (2, 28)
"""The oldest glibc that the wheels of NumPy and torch support."""
TAG = f"manylinux_{GLIBC[0]}_{GLIBC[1]}"
EXTENSION = "biobench/_native.abi3.so"
LIBRARIES = re.compile(
    r"lib(c|m|dl|rt|pthread)\.so\.\d|libgcc_s\.so\.1|ld-linux-(x86-64|aarch64)\.so\.\d"
)
"""Libraries that the extension may ask for: those of glibc and of gcc, which every tag allows."""
_NUMBER = re.compile(r"\d+(\.\d+)*\Z")
MACHINES = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64"}


def faults(extension: Path, architecture: str, glibc: tuple[int, int] = GLIBC) -> list[str]:
    """Reasons why a shared library does not keep a manylinux tag; none where it does."""
    command = ["readelf", "--wide", "--file-header", "--dynamic", "--version-info", str(extension)]
    text = output(command, f"{extension} cannot be read", {**os.environ, "LC_ALL": "C"})
    found = []
    machine = re.search(r"^ *Machine: +(.*?) *$", text, re.M)
    if machine is None or machine[1] != MACHINES[architecture]:
        found.append(f"it is for {machine[1] if machine else 'an unknown machine'}")
    found += [
        f"it needs {name}"
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text)
        if not LIBRARIES.fullmatch(name)
    ]
    versions = set(re.findall(r"Name: GLIBC_(\S+)", text))
    numbers = {name: tuple(map(int, name.split("."))) for name in versions if _NUMBER.match(name)}
    newest = max(numbers.values(), default=(0,))
    if newest > glibc:
        found.append(f"it needs glibc {'.'.join(map(str, newest))}")
    # GLIBC_ABI_DT_RELR is of glibc 2.36, and GLIBC_PRIVATE of one glibc alone.
    found += [f"it needs GLIBC_{name}" for name in sorted(versions - numbers.keys())]
    if not versions:
        found.append("it asks for no symbol of glibc, so it was not linked as expected")
    return found


def check(wheel: Path, architecture: str) -> None:
    """Raise BuildError for a wheel that is not what its tag says."""
    if not re.fullmatch(rf"biobench-[^-]+-cp311-abi3-{TAG}_{architecture}\.whl", wheel.name):
        raise BuildError(f"{wheel.name} has another tag than cp311-abi3-{TAG}_{architecture}")
    folder = wheel.parent / f"check-{architecture}"
    with zipfile.ZipFile(wheel) as archive:
        own = [name for name in archive.namelist() if re.search(r"\.so(\.|$)", name)]
        if own != [EXTENSION]:
            raise BuildError(f"{wheel.name} holds {own}, and {EXTENSION} alone was expected")
        found = faults(Path(archive.extract(EXTENSION, folder)), architecture)
    shutil.rmtree(folder)
    if found:
        raise BuildError(f"{wheel.name} breaks the rules of {TAG}: {'; '.join(found)}")


def environment(folder: Path) -> Path:
    """The bin folder of a virtual environment with the packages of requirements/wheels.txt."""
    lock = ROOT / "requirements/wheels.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = folder / "lock"
    if not stamp.is_file() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        output(
            [sys.executable, "-m", "venv", "--without-pip", str(folder)],
            "the virtual environment could not be made",
        )
        pip = [
            str(Path(sys.executable).parent / "pip"), "--python", str(folder / "bin/python"),
            "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
            "--requirement", str(lock),
        ]  # fmt: skip
        output(pip, "maturin and zig could not be installed")
        stamp.write_text(digest)
    return folder / "bin"


def require_target(architecture: str) -> None:
    """Raise BuildError where Rust's standard library for the target is not there."""
    target = f"{architecture}-unknown-linux-gnu"
    sysroot = output(["rustc", "--print", "sysroot"], "rustc failed").strip()
    if not (Path(sysroot) / "lib/rustlib" / target).is_dir():
        raise BuildError(f"Rust has no {target}; run: rustup target add {target}")


def build(architecture: str, out: Path) -> Path:
    """Build and check the wheel of one architecture.

    Raises:
        BuildError: Something is missing or fails.
    """
    require_target(architecture)
    work = ROOT / "target" / "manylinux"
    work.mkdir(parents=True, exist_ok=True)
    programs = environment(ROOT / "target" / "wheels-venv")
    variables = build_environment(work / "cargo", work, programs)
    part = work / f"wheel-{architecture}"
    shutil.rmtree(part, ignore_errors=True)
    command = [
        str(programs / "maturin"), "build", "--release", "--locked", "--strip", "--zig",
        f"--target={architecture}-unknown-linux-gnu", f"--compatibility={TAG}", f"--out={part}",
        f"--interpreter={sys.executable}",
    ]  # fmt: skip
    logged(command, work / f"{architecture}.log", f"no wheel for {architecture}", variables)
    (wheel,) = part.glob("biobench-*.whl")
    check(wheel, architecture)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"biobench-*_{architecture}.whl"):
        old.unlink()
    return Path(shutil.move(wheel, out / wheel.name))


def main() -> int:
    """Exit code: 0, 1 with one line on standard error, or 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="make wheels", description="Build the wheels of a release."
    )
    parser.add_argument(
        "architectures", nargs="*", metavar="ARCHITECTURE", help=f"of {', '.join(ARCHITECTURES)}"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR")
    given = parser.parse_args()
    for name in given.architectures:
        if name not in ARCHITECTURES:
            parser.error(f"no architecture {name!r}; use {' or '.join(ARCHITECTURES)}")
    os.chdir(ROOT)  # cargo and maturin look for their project there
    os.environ["SOURCE_DATE_EPOCH"] = str(DATE)
    try:
        for architecture in given.architectures or ARCHITECTURES:
            began = time.monotonic()
            wheel = build(architecture, given.out.resolve())
            size = wheel.stat().st_size / 1e6
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            print(
                f"wheels: {wheel.name}, {size:.1f} MB, {time.monotonic() - began:.0f} s", flush=True
            )
            print(f"wheels: sha256:{digest}", flush=True)
    except (BuildError, OSError, subprocess.SubprocessError) as error:
        print(f"wheels: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
