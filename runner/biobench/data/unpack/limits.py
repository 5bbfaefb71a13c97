"""Limits of what an archive may become: less than the disk has, and no bomb.

Images hardly compress, so the content of an archive is about as large as the archive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from biobench._common.byte_sizes import show_size
from biobench.data.fetch.disk import require_space
from biobench.data.unpack.archive_error import ArchiveError

RATIO = 100
FLOOR = 1 << 30
MOST_ENTRIES = 20_000_000
ASK_DISK_EVERY = 256 << 20


@dataclass
class UnpackLimits:
    """Counts what an archive of ``packed`` bytes promises and gives.

    More than ``ratio`` times its size is refused, unless it is less than ``floor``.
    """

    folder: Path
    packed: int
    ratio: int = RATIO
    floor: int = FLOOR
    most_entries: int = MOST_ENTRIES
    written: int = 0
    _promised: int = field(default=0, init=False)
    _entries: int = field(default=0, init=False)
    _asked: int = field(default=0, init=False)

    def promise(self, size: int) -> None:
        """Count an entry that states ``size`` bytes, before any is read.

        Raises:
            ArchiveError: There are too many entries, or they promise too many bytes.
            BiobenchError: They do not fit on the disk.
        """
        self._entries += 1
        if self._entries > self.most_entries:
            raise ArchiveError(f"it has more than {self.most_entries} entries")
        if size < 0:
            raise ArchiveError("an entry has less than no bytes")
        self._promised += size
        if self._promised > max(self.floor, self.ratio * self.packed):
            raise ArchiveError(
                f"{show_size(self.packed)} would become more than {self.ratio} times as much, "
                "as a decompression bomb does"
            )
        if self._promised - self._asked >= ASK_DISK_EVERY or size >= ASK_DISK_EVERY:
            self._asked = self._promised
            require_space(self.folder, max(0, self._promised - self.written), "unpacking")
