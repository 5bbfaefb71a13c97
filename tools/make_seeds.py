"""Writes the files that the fuzz targets start from, native/fuzz/seeds/<target>/ (docs/fuzzing.md).

Small files of every kind that a decoder tells apart, and files made by hand to do harm. `--check`
compares with what is there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "native" / "fuzz" / "seeds"
# The images of the parity tests, and the modules beside this file.
sys.path[:0] = [str(ROOT / "tests" / "parity"), str(ROOT / "tools")]

from seeds import Seeds, choices, jpeg, png  # noqa: E402

TARGETS: dict[str, Callable[[], Seeds]] = {
    "jpeg": jpeg.seeds,
    "png": png.seeds,
    "load": choices.load,
    "resize": choices.resize,
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    check = parser.parse_args().check
    made = {
        FOLDER / target / name: data for target, seeds in TARGETS.items() for name, data in seeds()
    }
    found = {path: path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    if check:
        wrong = sorted(
            str(path.relative_to(ROOT))
            for path in made.keys() | found.keys()
            if made.get(path) != found.get(path)
        )
        for name in wrong:
            print(f"{name} differs from what is made: run tools/make_seeds.py", file=sys.stderr)
        return 1 if wrong else 0
    for path in found.keys() - made.keys():
        path.unlink()
    for path, data in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(
        f"{len(made)} files, {sum(map(len, made.values())):,} bytes in {FOLDER.relative_to(ROOT)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
