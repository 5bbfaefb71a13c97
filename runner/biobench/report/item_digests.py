"""The digests of single items beside a result (SPEC.md, section "Evidence").

In: a task's outcome, or a folder. Out: of pixels BLAKE3 of each row, of features SHA-256 of each
item, 32 bytes each in manifest order. The digests of the stages are computed from
them and the ids alone.
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
ItemDigests = npt.NDArray[np.uint8]
"""uint8 (rows, 32)."""


def place_of(task: str, stage: Stage) -> str:
    """The file of a task and stage, relative to the result."""
    return f"{FOLDER}/{task}.{stage}"


def files_of(task: str, digests: Mapping[Stage, ItemDigests]) -> dict[str, bytes]:
    """The contents of a task's files by place."""
    return {place_of(task, stage): digests[stage].tobytes() for stage in STAGES}


def parse_item_digests(data: bytes | memoryview, where: str) -> ItemDigests:
    """The digests in a file's bytes.

    Raises:
        DataError: The length is not a multiple of 32 or exceeds 128 MiB.
    """
    if len(data) % WIDTH or len(data) > MOST_BYTES:
        raise DataError(
            f"has {len(data)} bytes, which are not digests of {WIDTH} bytes each",
            where=where,
            remedy="take the whole folder that `biobench run --out` wrote",
        )
    return np.frombuffer(data, np.uint8).reshape(-1, WIDTH)


def read_item_digests(folder: Path, task: str, stage: Stage) -> ItemDigests:
    """Read the digests of a task at a stage.

    Raises:
        DataError: They cannot be read.
    """
    path = current(folder) / place_of(task, stage)
    try:
        return parse_item_digests(read_plain(path, MOST_BYTES), str(path))
    except Unreadable as error:
        raise DataError(error.what, where=str(path), remedy=error.remedy) from error
