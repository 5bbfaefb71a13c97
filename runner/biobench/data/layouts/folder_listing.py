"""The files of a data folder, asked by path and answered from one listing a folder.

In: a data folder. Out: whether a path below it is a file. One listing is far cheaper than one
question a file, and it tells upper from lower case on every file system.
"""

from __future__ import annotations

import os


class FolderListing:
    """The plain files below ``base``, links followed."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._folders: dict[str, set[str]] = {}

    def __call__(self, path: str) -> bool:
        """Return whether ``base/path`` is a file; ``path`` has ``/`` between its parts."""
        folder, _, name = path.rpartition("/")
        names = self._folders.get(folder)
        if names is None:
            names = self._folders[folder] = _files(os.path.join(self._base, folder))
        return name in names


def _files(folder: str) -> set[str]:
    try:
        with os.scandir(folder) as scanned:
            return {entry.name for entry in scanned if _is_file(entry)}
    except OSError:
        return set()


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
