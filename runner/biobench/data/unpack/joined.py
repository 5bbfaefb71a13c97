"""Files that are read as one, joined in order, without a copy of them."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from biobench._common.files import open_regular
from biobench.data.unpack.archive_error import ArchiveError

MOST_AT_ONCE = 1 << 30
"""A directory of an archive that asks for more at once is no honest one."""


class Joined(io.RawIOBase):
    """The bytes of ``paths`` in order; it can seek. ``size`` is their number."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        sizes = [path.stat().st_size for path in paths]
        self._starts = [0, *accumulate(sizes)]
        self.size = self._starts[-1]
        self._at = 0
        self._open: tuple[int, BinaryIO] | None = None
        self._watch: Callable[[int], None] | None = None

    def watch(self, advance: Callable[[int], None]) -> None:
        """Call ``advance`` with the number of bytes of each later read."""
        self._watch = advance

    def readable(self) -> bool:
        """Part of the interface."""
        return True

    def seekable(self) -> bool:
        """Part of the interface."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, counted as files do."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the start")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes, fewer only at the end.

        Raises:
            ArchiveError: The number is absurd.
        """
        left = self.size - self._at if size is None or size < 0 else size
        if min(left, self.size - self._at) > MOST_AT_ONCE:
            raise ArchiveError("its directory is too large")
        found = []
        while left > 0 and self._at < self.size:
            index = bisect_right(self._starts, self._at) - 1
            handle = self._part(index)
            handle.seek(self._at - self._starts[index])
            chunk = handle.read(min(left, self._starts[index + 1] - self._at))
            if not chunk:
                raise OSError(5, "the file has become shorter")
            found.append(chunk)
            self._at += len(chunk)
            left -= len(chunk)
            if self._watch is not None:
                self._watch(len(chunk))
        return b"".join(found)

    def close(self) -> None:
        """Close what is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        super().close()

    def _part(self, index: int) -> BinaryIO:
        if self._open is None or self._open[0] != index:
            if self._open is not None:
                self._open[1].close()
            self._open = (index, open_regular(self._paths[index]))
        return self._open[1]
