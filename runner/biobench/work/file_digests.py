"""Digests of image files that a worker has read, for the others.

In: the index of a worker. Out: entries of the store, those of a manifest in one folder, with the
identities that the files had: a database on a folder that many hosts share would need its locks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from biobench._common.store import Store
from biobench.data.file_hashes import ContentIndex, FileRead, file_read
from biobench.errors import BiobenchError
from biobench.spec.canonical import sha256_json
from biobench.work.slices import Slice

if TYPE_CHECKING:
    from biobench._common.store import Arrays

KIND = "digests"


def share(
    store: Store, index: ContentIndex, manifest: str, rows: Slice, paths: Sequence[str]
) -> None:
    """Store what ``index`` has of the files of a slice, unless the store has it; an error of the
    disk costs the others a reading of the files alone.

    Args:
        store: The store.
        index: Digests that are known here.
        manifest: Digest of the whole manifest.
        rows: The slice.
        paths: Paths of the slice's files.
    """
    kind = _folder(manifest)
    key = _key(kind, rows)
    if store.path(kind, key).exists():
        return
    found = [(i, file) for i, file in enumerate(index.remembered(paths)) if file is not None]
    if not found:
        return
    digests = b"".join(bytes.fromhex(file.digest.removeprefix("sha256:")) for _, file in found)
    with contextlib.suppress(BiobenchError):
        store.put(
            kind,
            key,
            {
                "rows": np.array([rows.start + i for i, _ in found], np.int64),
                "identities": np.array([file.identity for _, file in found], np.int64),
                "digests": np.frombuffer(digests, np.uint8).reshape(-1, 32),
            },
        )


def import_digests(
    store: Store,
    index: ContentIndex,
    manifest: str,
    paths: Sequence[str],
    known: set[str],
    rows: Slice | None = None,
    *,
    but: Collection[Slice] = (),
) -> None:
    """Remember what the store has of the files of a manifest.

    A file whose identity is another by now is read again by whoever needs it.

    Args:
        store: The store.
        index: Gets the digests.
        manifest: Digest of the manifest.
        paths: Paths of its files, of all rows.
        known: Keys of entries that ``index`` has by now; gets those that are read.
        rows: The slice whose entry alone is read; None for every entry. A look at all of them
            before each part would cost a plan the square of its parts.
        but: Slices whose entries a look at all leaves to their own turn, for the same reason: each
            worker that starts has a first look.
    """
    kind = _folder(manifest)
    keys = store.keys(kind) if rows is None else [_key(kind, rows)]
    left_out = {_key(kind, other) for other in but} if keys else set()
    for key in keys:
        if key in known or key in left_out:
            continue
        arrays = store.get(kind, key)
        if arrays is None:
            continue
        known.add(key)
        # Whole and not ours: anyone may have written to a shared store.
        with contextlib.suppress(KeyError, ValueError, TypeError, IndexError):
            index.add(_files(arrays, paths))


def _files(arrays: Arrays, paths: Sequence[str]) -> list[tuple[str, FileRead]]:
    files: list[tuple[str, FileRead]] = []
    columns = (arrays[name] for name in ("rows", "identities", "digests"))
    for row, identity, digest in zip(*columns, strict=True):
        size, inode, modified, changed = map(int, identity)
        read = file_read(digest.tobytes(), (size, inode, modified, changed))
        files.append((paths[row], read))
    return files


def _key(kind: str, rows: Slice) -> str:
    return sha256_json({"kind": kind, "rows": [rows.start, rows.stop]})


def _folder(manifest: str) -> str:
    return f"{KIND}-{manifest.removeprefix('sha256:')[:16]}"
