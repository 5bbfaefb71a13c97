"""A loader's worker program: it loads lists of files when asked, and says what that took.

The driver starts a program of this folder with the Python of its environment. A program needs
NumPy and its own library alone. It writes one JSON object a line: first {"versions": {...}}, then
one answer to each line that it reads. A question is {"files": [...], "workers": n, "pixels": path
or null}; an answer {"cpu": seconds, "wall": seconds}, the former of the process and its children.
Pixels go to the path as uint8, (N, 224, 224, 3); without one each batch is dropped, as in use.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np

SIDE = 224
BATCH = 32
Load = Callable[[Sequence[str], int], Iterable[np.ndarray]]


def target(width: int, height: int) -> tuple[int, int]:
    """Width and height after the shorter side is brought to 224, as torchvision rounds."""
    short = min(width, height)
    return SIDE * width // short, SIDE * height // short


def centre(width: int, height: int) -> tuple[int, int]:
    """Left and top of the middle 224 x 224, as torchvision rounds."""
    return round((width - SIDE) / 2), round((height - SIDE) / 2)


def cut(pixels: np.ndarray) -> np.ndarray:
    """The middle 224 x 224 of an image (height, width, 3)."""
    left, top = centre(pixels.shape[1], pixels.shape[0])
    return pixels[top : top + SIDE, left : left + SIDE]


def in_threads(one: Callable[[str], np.ndarray]) -> Load:
    """Load images one by one in threads of this process; batches of them."""

    def load(files: Sequence[str], workers: int) -> Iterator[np.ndarray]:
        with ThreadPoolExecutor(workers) as pool:
            images = pool.map(one, files)
            while batch := list(islice(images, BATCH)):
                yield np.stack(batch)

    return load


def content(path: Path) -> str:
    """Of a system file; nothing where its process or thread has ended, or there is no such file."""
    try:
        return path.read_text()
    except OSError:
        return ""


def cpu_seconds() -> float:
    """CPU time used by this process and its children, those that still run included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in used)
    for path in Path("/proc/self/task").glob("*/children"):
        for child in content(path).split():
            # The fields after the name, which stands in brackets: 11 and 12 are user and system.
            fields = content(Path(f"/proc/{child}/stat")).rpartition(")")[2].split()
            total += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return total


def serve(load: Load, *packages: str, **others: str) -> None:
    """Answer until the driver closes the line; what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    versions = {package: version(package) for package in packages} | others
    answers.write(json.dumps({"versions": versions}) + "\n")
    for line in sys.stdin:
        question = json.loads(line)
        path = question["pixels"]
        with open(path, "wb") if path else nullcontext() as file:
            cpu, wall = cpu_seconds(), time.perf_counter()
            for batch in load(question["files"], question["workers"]):
                if file:
                    file.write(np.ascontiguousarray(batch).tobytes())
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        answers.write(json.dumps({"cpu": cpu, "wall": wall}) + "\n")
