"""The files of a folder that are opened, as the kernel tells."""

from __future__ import annotations

import ctypes
import os
import struct
from collections import Counter
from pathlib import Path

OPENED, IS_FOLDER, LOST = 0x20, 0x40000000, 0x4000
_EVENT = struct.Struct("iIII")


class Opened:
    """Counts openings of files below a folder, by path relative to it, while it is entered."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[int, Path] = {}
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Opened:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
        for folder, _, _ in os.walk(self._root):
            watch = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), OPENED)
            assert watch >= 0, os.strerror(ctypes.get_errno())
            self._folders[watch] = Path(folder)
        return self

    def __exit__(self, *error: object) -> None:
        self.counts()
        os.close(self._descriptor)

    def counts(self) -> dict[str, int]:
        """The number of times that each file was opened so far."""
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return dict(self._counts)
            except OSError:
                # Closed: the counts stay.
                return dict(self._counts)
            place = 0
            while place < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, place)
                place += _EVENT.size
                name = os.fsdecode(data[place : place + length].rstrip(b"\0"))
                place += length
                assert not mask & LOST, "the kernel lost events"
                if name and not mask & IS_FOLDER:
                    path = self._folders[watch] / name
                    self._counts[str(path.relative_to(self._root))] += 1
