"""The wheels of an image: the locked ones, fetched by hash, and biobench's own.

Everything is fetched on the host; the containers in which wheels are installed have no network.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagebuild.base import CONTAINERS, GLIBC_MINOR, NATIVE
from imagebuild.programs import BuildError, logged, output, say

ROOT = CONTAINERS.parent
BIN = Path(sys.executable).parent
OLDER_PLATFORMS = ("linux", "manylinux1", "manylinux2010", "manylinux2014")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fetch(lines: Sequence[str], folder: Path, architecture: str, keep: Sequence[str] = ()) -> None:
    """Have every wheel of the ``lines`` of locks in ``folder``.

    Args:
        lines: Requirements, one a line.
        folder: What neither ``lines`` nor ``keep`` allows is deleted there. A lock allows the files
            of every architecture, so each has a folder of its own.
        architecture: As wheels call it.
        keep: Requirements of another image, whose wheels stay if they are there.

    Raises:
        BuildError: A wheel cannot be had.
    """
    folder.mkdir(exist_ok=True)
    wanted = {digest: line for line in (*keep, *lines) for digest in hashes(line)}
    there = set()
    for path in sorted(folder.glob("*.whl")):
        digest = file_digest(path)
        if digest in wanted:
            there.add(wanted[digest])
        else:
            path.unlink()
    missing = [line for line in lines if line not in there]
    if missing:
        say(f"fetching {len(missing)} wheels by hash")
        download(missing, folder, architecture)


def download(
    lines: Sequence[str],
    folder: Path,
    architecture: str,
    pauses: Sequence[float] = (5, 20),
) -> None:
    """Let pip put the wheels of ``lines`` of a lock for ``architecture`` into ``folder``.

    pauses: seconds before each further attempt. pip keeps nothing of a call that fails, so that
    after one broken connection each wheel is asked for alone. Raises BuildError where a wheel
    cannot be had.
    """
    try:
        return _download(lines, folder, architecture)
    except BuildError as error:
        say(f"note: {error}; one wheel at a time now")
    for line in lines:
        for pause in pauses:
            try:
                _download([line], folder, architecture)
                break
            except BuildError:
                time.sleep(pause)
        else:
            _download([line], folder, architecture)


def _download(lines: Sequence[str], folder: Path, architecture: str) -> None:
    listed = folder / "missing.txt"
    listed.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    platforms = [*OLDER_PLATFORMS, *(f"manylinux_2_{n}" for n in range(5, GLIBC_MINOR + 1))]
    command = [
        str(BIN / "pip"), "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11",
        "--abi=cp311", "--abi=abi3", "--abi=none",
        *(f"--platform={name}_{architecture}" for name in platforms),
        f"--dest={folder}", f"--requirement={listed}",
    ]  # fmt: skip
    what = "the wheels" if len(lines) > 1 else lines[0].split()[0]
    logged(command, folder / "fetch.log", f"{what} could not be fetched")
    listed.unlink()


def requirements(lock: Path) -> list[str]:
    """Return the requirements of a hashed lock, one a line.

    Raises:
        BuildError: The lock cannot be read, or a requirement is not pinned by ``==`` and a hash.
    """
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{lock} cannot be read ({error})") from error
    joined = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    lines = [line for line in joined if line and not line.startswith("#")]
    for line in lines:
        if not re.fullmatch(r"[\w.-]+==[^\s*;,]+(\s+--hash=sha256:[0-9a-f]{64})+", line):
            raise BuildError(
                f"{lock}: not pinned by version and hash for one platform: {line[:80]}"
            )
    return lines


def hashes(line: str) -> Iterator[str]:
    """The SHA-256 of each file that a line of a lock allows."""
    return (match[1] for match in re.finditer(r"--hash=sha256:([0-9a-f]{64})", line))


def build_own(work: Path, architecture: str) -> Path:
    """biobench's wheel, built by maturin from this checkout; for another architecture than this
    machine's by the cross compiler that builds the wheels of a release."""
    folder = work / "own"
    shutil.rmtree(folder, ignore_errors=True)
    if architecture != NATIVE:
        command = [
            sys.executable,
            str(ROOT / "tools/make_wheels.py"),
            architecture,
            f"--out={folder}",
        ]
        logged(command, work / "own.log", f"no wheel of biobench for {architecture}")
        return next(folder.glob("biobench-*.whl"))
    logged(
        [str(BIN / "maturin"), "build", "--release", "--locked", "--strip", "--quiet",
         f"--out={folder}"],
        work / "own.log", "the wheel of biobench could not be built",
        build_environment(work / "target", work),
    )  # fmt: skip
    (wheel,) = folder.glob("biobench-*.whl")
    return wheel


def build_environment(target: Path, work: Path, programs: Path = BIN) -> dict[str, str]:
    """Variables under which maturin builds a wheel whose bytes do not depend on where the checkout
    lies: paths of this machine are mapped to names.

    Args:
        target: cargo's folder.
        work: A folder of the build, mapped as well.
        programs: The folder of maturin and what it calls.
    """
    crates = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry" / "src"
    output(["cargo", "fetch", "--locked", "--quiet"], "the crates could not be fetched")
    places = {str(folder): "/crates" for folder in sorted(crates.glob("*"))}
    places |= {str(work): "/build", str(ROOT): "/biobench"}
    # A later mapping wins, and the work folder lies in the checkout.
    ordered = sorted(places.items(), key=lambda place: len(place[0]))
    for_c = " ".join(f"-ffile-prefix-map={place}={name}" for place, name in ordered)
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CARGO_TARGET_DIR": str(target),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(
            f"--remap-path-prefix={place}={name}" for place, name in ordered
        ),
        "CFLAGS": for_c,
        "CXXFLAGS": for_c,
    }


def check_own(wheel: Path, architecture: str) -> str:
    """The version of biobench's wheel. Raises BuildError where it cannot run in the image."""
    match = re.fullmatch(r"biobench-([^-]+)-cp311-abi3-(.*)\.whl", wheel.name)
    if match is None:
        raise BuildError(f"{wheel} is no wheel of biobench for CPython 3.11 and later")
    minors = re.findall(rf"manylinux_2_(\d+)_{architecture}", match[2])
    if not any(int(minor) <= GLIBC_MINOR for minor in minors):
        raise BuildError(
            f"{wheel.name} is for {match[2]}, and the image has glibc 2.{GLIBC_MINOR} on "
            f"{architecture}; build on Debian 12 or another system as old"
        )
    return match[1]


def spec_digest(wheel: Path, work: Path) -> str:
    """The digest of the specification that biobench's wheel holds, by its own code."""
    site = work / "site"
    shutil.rmtree(site, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = "from biobench.spec.load import load_spec; print(load_spec().digest)"
    command = ["env", f"PYTHONPATH={site}", sys.executable, "-c", program]
    digest = output(command, f"{wheel.name} has no specification").strip()
    shutil.rmtree(site)
    return digest
