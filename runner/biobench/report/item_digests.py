"""The digests of single items beside a result (SPEC.md, section "Evidence").

In: a task's outcome, or a folder. Out: of pixels BLAKE3 of each row, of features SHA-256 of each
item, 32 bytes each in manifest order. With the ids they are what the digests of the stages are
taken of, so a reader needs no other promise about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from biobench._common.files import Unreadable, read_plain
from biobench.errors import DataError
from biobench.report.current import current

FOLDER = "evidence"
Stage = Literal["pixels", "features"]
STAGES: tuple[Stage, ...] = ("pixels", "features")
WIDTH = 32
MOST_BYTES = 128 << 20
"""Four million digests; the largest task has three."""
Leaves = npt.NDArray[np.uint8]
"""uint8 (rows, 32)."""


def place_of(task: str, stage: Stage) -> str:
    """The file of a task and stage, relative to the result."""
    return f"{FOLDER}/{task}.{stage}"


def files_of(task: str, digests: Mapping[Stage, Leaves]) -> dict[str, bytes]:
    """The contents of a task's files by place."""
    return {place_of(task, stage): digests[stage].tobytes() for stage in STAGES}


def leaves_of(data: bytes | memoryview, where: str) -> Leaves:
    """The digests in a file's bytes; raises DataError for a length that is none of theirs."""
    if len(data) % WIDTH or len(data) > MOST_BYTES:
        raise DataError(
            f"has {len(data)} bytes, which are not digests of {WIDTH} bytes each",
            where=where,
            remedy="take the whole folder that `biobench run --out` wrote",
        )
    return np.frombuffer(data, np.uint8).reshape(-1, WIDTH)


def read_leaves(folder: Path, task: str, stage: Stage) -> Leaves:
    """Read the digests of a task at a stage; raises DataError where they cannot be read."""
    path = current(folder) / place_of(task, stage)
    try:
        return leaves_of(read_plain(path, MOST_BYTES), str(path))
    except Unreadable as error:
        raise DataError(error.what, where=str(path), remedy=error.remedy) from error
