#!/usr/bin/env python3
"""Draw the demo suite into runner/biobench/_demo, or check what is there.

usage: make_demo.py [--check] [--only PREFIX ...] [--out DIR]

Exit 0 where done or equal, 1 where --check finds a difference. The bytes of a drawing depend on
Pillow's encoders, so --check also accepts a file whose pixels are close to the drawing's and says
so.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "runner")]

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from demo.suite import suite  # noqa: E402

TARGET = HERE.parent / "runner" / "biobench" / "_demo"
KEPT = {"README.md"}
"""Files of the target folder that are written by hand."""
CLOSE = 1.0
"""Mean difference of pixel values, on a scale of 255, that another encoder may cause."""


def check(path: Path, data: bytes) -> str | None:
    """Compare the file at ``path`` with ``data``: None (equal), ``close``, or the difference."""
    if not path.is_file():
        return "missing"
    found = path.read_bytes()
    if found == data:
        return None
    if path.suffix == ".json":
        return "differs"
    with Image.open(io.BytesIO(found)) as ours, Image.open(io.BytesIO(data)) as drawn:
        if (ours.mode, ours.size, ours.format) != (drawn.mode, drawn.size, drawn.format):
            return "has another mode, size or format"
        first = np.asarray(ours.convert("RGB"), dtype=np.float32)
        second = np.asarray(drawn.convert("RGB"), dtype=np.float32)
    distance = float(np.abs(first - second).mean())
    return "close" if distance <= CLOSE else f"differs by {distance:.2f} a pixel value"


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw the demo suite, or check it.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--only", nargs="+", default=[""], help="only files whose path starts so")
    parser.add_argument("--out", type=Path, default=TARGET, help="the demo folder")
    arguments = parser.parse_args()
    only = tuple(arguments.only)
    expected: set[str] = set()
    differing = close = total = 0
    for file in suite():
        if not file.path.startswith(only):
            continue
        expected.add(file.path)
        data = file.draw()
        total += len(data)
        path = arguments.out / file.path
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            continue
        difference = check(path, data)
        if difference == "close":
            close += 1
        elif difference:
            differing += 1
            print(f"{file.path}: {difference}", file=sys.stderr)
    for path in sorted(arguments.out.rglob("*")):
        name = path.relative_to(arguments.out).as_posix()
        if path.is_dir() or name in expected | KEPT or not name.startswith(only):
            continue
        if arguments.check:
            differing += 1
            print(f"{name}: no drawing has this name", file=sys.stderr)
        else:
            path.unlink()
    verb = "checked" if arguments.check else "wrote"
    print(f"{verb} {len(expected)} files, {total / 1e6:.2f} MB; {close} close, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
