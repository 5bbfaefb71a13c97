"""Copies: files of one folder with equal bytes.

In: paths. Out: the paths of each content that several have. Few files are read: those alone whose
size and first bytes others have too.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from biobench._common.files import open_regular
from biobench.data.file_hashes import file_digests

HEAD = 4096
"""Bytes that tell nearly all files of one size apart: scans without compression have one size."""


def copies(root: Path, paths: Sequence[str], workers: int) -> list[list[str]]:
    """The paths that share a content, in the order given, each content once.

    A file that cannot be read has no copies.

    Raises:
        DataError: A file becomes unreadable meanwhile.
    """
    found = [list(paths)]
    for key in (_size, _head):
        found = _parted(root, found, key)
    alike = [path for group in found for path in group]
    digests = file_digests([str(root / path) for path in alike], workers)
    contents: dict[str, list[str]] = defaultdict(list)
    for path, digest in zip(alike, digests, strict=True):
        contents[digest].append(path)
    return [group for group in contents.values() if len(group) > 1]


def _parted(
    root: Path, groups: Sequence[list[str]], key: Callable[[Path], Hashable]
) -> list[list[str]]:
    """The parts of groups whose members share a key, without members of one alone."""
    parts: dict[Hashable, list[str]] = defaultdict(list)
    for number, group in enumerate(groups):
        for path in group:
            try:
                parts[number, key(root / path)].append(path)
            except OSError:
                continue
    return [part for part in parts.values() if len(part) > 1]


def _size(path: Path) -> int:
    return os.stat(path).st_size


def _head(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(HEAD)
