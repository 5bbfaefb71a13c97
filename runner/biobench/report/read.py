"""Reading a file of predictions that a result names (SPEC.md, section "Results").

In: a folder and the name of a file in it. Out: predictions, or the file's metadata. A damaged or
malicious file gives an error of one line: another process decodes it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from biobench._common.files import Unreadable, read_plain
from biobench.data.predictions import Predictions
from biobench.errors import DataError
from biobench.report.current import current
from biobench.report.parquet import MOST_BYTES, MOST_ROWS
from biobench.report.parquet_process import canonical_of, metadata_of
from biobench.report.rows import RowLimits, Unsound, predictions_of

MOST_COLUMNS = 1 << 30
T = TypeVar("T")


def read_predictions(folder: Path, name: str, task: str) -> Predictions:
    """Read the predictions of a task without checking their digest.

    Raises:
        DataError: The predictions cannot be read.
    """
    limits = RowLimits(MOST_ROWS, MOST_COLUMNS)
    return _read(folder, name, lambda data: predictions_of(task, canonical_of(data), limits))


def read_metadata(folder: Path, name: str) -> dict[str, str]:
    """Read the metadata of a file, such as the names of the classes.

    Raises:
        DataError: The file cannot be read.
    """
    return _read(folder, name, metadata_of)


def _read(folder: Path, name: str, read: Callable[[bytes], T]) -> T:
    # The folder may be another one by now than when the result was read, with the same files.
    path = str(current(folder) / name)
    try:
        return read(read_plain(Path(path), MOST_BYTES))
    except Unreadable as error:
        raise DataError(error.what, where=path, remedy=error.remedy) from error
    except Unsound as error:
        raise DataError(
            str(error), where=path, remedy="take the whole folder that `biobench run --out` wrote"
        ) from error
