"""SHA-256 of many files, as every run and ``biobench data verify`` need it.

    python tests/benchmarks/files.py [FOLDER ...] [--workers N] [--rounds N] [--quick]

Beside the native code: Python's own hashlib, which hashes as fast and frees the interpreter
meanwhile, in as many threads. Without FOLDER files are drawn: small ones as of plankton, and
photographs. They are in the system's cache, so that the disk does not count.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from side_by_side import Way, alternate, ratio, table, versions

from biobench.data.file_hashes import file_digests
from biobench.repro.environment import available_cores


def by_hashlib(paths: Sequence[str], workers: int) -> list[str]:
    """One file a task of a pool of threads."""

    def digest(path: str) -> str:
        with open(path, "rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(digest, paths))


def drawn(folder: Path, count: int, size: int) -> Path:
    """A folder of files of ``size`` bytes."""
    folder.mkdir()
    random = np.random.Generator(np.random.PCG64(6))
    for index in range(count):
        (folder / f"{index:04}").write_bytes(random.bytes(size))
    return folder


def measure(folder: Path, workers: int, rounds: int) -> list[list[str]]:
    """The rows of a folder's files."""
    paths = [str(path) for path in sorted(folder.rglob("*")) if path.is_file()]
    size = statistics.mean(Path(path).stat().st_size for path in paths) / 1e3
    ways = [
        Way.here("hashlib, threads", lambda: by_hashlib(paths, workers)),
        Way.here("biobench", lambda: file_digests(paths, workers)),
    ]
    theirs, ours = alternate(ways, rounds + 1)
    assert theirs == ours
    for way in ways:
        del way.cpu[0], way.wall[0]  # it warmed the file cache
    return [
        [
            f"{len(paths)} of {size:.0f} kB",
            way.name,
            f"{statistics.median(way.cpu) / len(paths) * 1e6:.0f}",
            f"{ratio(ways[0].cpu, way.cpu):.2f}",
            f"{ratio(ways[0].wall, way.wall):.2f}",
        ]
        for way in ways
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="*", type=Path)
    parser.add_argument("--workers", type=int, default=available_cores())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="one round")
    arguments = parser.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    print(f"{arguments.workers} workers, {rounds} rounds; {versions('numpy')}", end="\n\n")
    with tempfile.TemporaryDirectory() as scratch:
        folders = arguments.folder or [
            drawn(Path(scratch, "small"), 2000, 4_000),
            drawn(Path(scratch, "photographs"), 200, 290_000),
        ]
        lines = [line for folder in folders for line in measure(folder, arguments.workers, rounds)]
    table(["files", "way", "CPU µs a file", "CPU ratio", "wall ratio"], lines)


if __name__ == "__main__":
    main()
