"""The same checkpoints give the same programs under the oldest supported libraries: `make
test-versions`.

An environment of its own, in target/versions, gets the oldest versions that pyproject.toml allows
(``--newest``: the newest that the package index has, whatever the locks say). Small checkpoints
are written with the locked versions and read with both; weights, recipe and program have to be
equal, the programs of the families the recorded ones, and `biobench selftest` has to find every
digest. It needs 3 GB of the package index once; where that cannot be reached it says
``skipped:`` and why.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "versions"
CHECKPOINTS = TARGET / "checkpoints"
PROGRAMS = ROOT / "tests" / "models" / "library_programs.py"
FAMILIES = ROOT / "tests" / "golden" / "families.json"
UV = str(Path(sys.executable).with_name("uv"))
NAMED = ("torch", "torchvision", "timm", "transformers", "open-clip-torch", "numpy", "scipy")
NOT_NEEDED = ("triton", "biobench")
"""triton serves torch.compile alone: 1 GB."""


class Skipped(Exception):
    """The environment cannot be made here; the text says why."""


def resolved(newest: bool) -> str:
    """The versions as requirements, one a line."""
    resolution = "highest" if newest else "lowest-direct"
    done = subprocess.run(
        [UV, "pip", "compile", "--quiet", "--no-annotate", "--no-header",
         "--python", sys.executable, "--resolution", resolution,
         "--extra", "run", "--extra", "onnx", "pyproject.toml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise unavailable(done.stderr)
    lines = done.stdout.splitlines()
    return "\n".join(x for x in lines if x.partition("==")[0] not in NOT_NEEDED) + "\n"


def environment(name: str, requirements: str) -> Path:
    """The Python of an environment with exactly these versions; one that is there is taken."""
    folder, stamp = TARGET / name, TARGET / f"{name}.txt"
    python = folder / "bin" / "python"
    if not stamp.is_file() or stamp.read_text() != requirements or not python.exists():
        stamp.unlink(missing_ok=True)
        TARGET.mkdir(parents=True, exist_ok=True)
        wanted = TARGET / f"{name}.wanted.txt"
        wanted.write_text(requirements)
        subprocess.run(
            [UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True
        )
        # What was fetched is not kept a second time.
        install(python, wanted)
        install_biobench(python)
        wanted.rename(stamp)
    return python


def install(python: Path, requirements: Path) -> None:
    """Install what a file names, asked for three times, since a connection may break half-way."""
    for _ in range(3):
        done = subprocess.run(
            [UV, "pip", "install", "--quiet", "--no-deps", "--no-cache",
             "--python", python, "-r", requirements],
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
    raise unavailable(done.stderr)


def unavailable(said: str) -> BaseException:
    """Why the index gives no environment: it cannot be reached, or what is asked for is wrong."""
    if any(word in said for word in ("connect", "dns", "timed out", "fetch", "download")):
        return Skipped(
            f"the package index cannot be reached ({said.strip().splitlines()[-1].strip()})"
        )
    return SystemExit(said)


def install_biobench(python: Path) -> None:
    """This checkout with its extension, which serves every Python and NumPy."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    (packages / "biobench.pth").write_text(f"{ROOT / 'runner'}\n")
    installed = importlib.metadata.distribution("biobench")
    for file in installed.files or ():
        if ".dist-info" in str(file):
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed.locate_file(file), packages / file)


def programs(python: Path | str) -> dict[str, dict[str, Any]]:
    """Weights, recipe and program that a Python makes of each checkpoint, by name."""
    done = subprocess.run(
        [python, PROGRAMS, "read", CHECKPOINTS], stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    found = map(json.loads, done.stdout.splitlines())
    return {one.pop("name"): one for one in found}


def differences(ours: dict[str, Any], theirs: dict[str, Any], recorded: str | None) -> list[str]:
    """Differences of one checkpoint under two versions; ``recorded``: the program's digest."""
    for one in (ours, theirs):
        if "error" in one:
            return [one["error"]]
    found = [f"other {key}" for key in ("weights", "recipe") if ours.get(key) != theirs.get(key)]
    pairs = zip(ours["lines"], theirs["lines"], strict=False)
    apart = [f"line {n}: {a!r}, then {b!r}" for n, (a, b) in enumerate(pairs, 1) if a != b]
    if apart or len(ours["lines"]) != len(theirs["lines"]):
        found.append(f"another program, {[*apart, 'more lines'][0]}")
    elif recorded is not None and theirs["program"] != recorded:
        found.append("another program than the recorded one")
    return found


def main() -> None:
    """Compare, and exit with 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--newest", action="store_true", help="the newest on the package index")
    newest = parser.parse_args().newest
    try:
        requirements = resolved(newest)
        named = [x for x in requirements.splitlines() if x.partition("==")[0] in NAMED]
        print(f"{'newest' if newest else 'oldest'}: {', '.join(named)}", flush=True)
        python = environment("newest" if newest else "oldest", requirements)
    except Skipped as reason:
        print(f"skipped: programs under other versions of libraries: {reason}")
        return
    shutil.rmtree(CHECKPOINTS, ignore_errors=True)
    CHECKPOINTS.mkdir(parents=True)
    subprocess.run([sys.executable, PROGRAMS, "write", CHECKPOINTS], check=True)
    ours, theirs = programs(sys.executable), programs(python)
    recorded = json.loads(FAMILIES.read_text())["families"]
    faults = 0
    for name in ours:
        family = recorded.get(name.removeprefix("timm, "))
        found = differences(ours[name], theirs[name], family["program"] if family else None)
        faults += bool(found)
        print(
            f"{'DIFFERS' if found else 'equal':8} {name}{': ' if found else ''}{'; '.join(found)}"
        )
    tested = subprocess.run([python, "-m", "biobench", "selftest"], check=False)
    equal = len(ours) - faults
    print(f"{equal} of {len(ours)} programs are equal; selftest exits with {tested.returncode}")
    if faults or tested.returncode:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
