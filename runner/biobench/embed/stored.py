"""Features that the store has: whole shards, and single images of shards that were cut otherwise.

In: rows of each shard, digests of their files. Out: features and pixel digests of the rows that are
known, and the shards that are left to compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.embed.changed_files import FileChangeDetector
from biobench.embed.embedded import Embedded
from biobench.embed.shards import FILES, Rows, ShardKeys, altered_of

_OPEN = 4
"""Shards whose arrays are kept while rows are looked up: an image that was removed or added shifts
the others, and each new shard then takes its rows from two old ones."""

_Digests = npt.NDArray[np.void]


def find(
    shards: Sequence[Rows],
    watch: FileChangeDetector,
    keys: ShardKeys,
    store: Store,
    result: Embedded,
    progress: Progress,
    items: StoredItems | None = None,
    *,
    pulled: bool = True,
) -> dict[int, Rows]:
    """Fill in the features that the store has, and return the shards to compute by number.

    Where the features of an image depend on no other (SPEC.md, section "Micro-batches"), an image
    is found in whichever shard it was stored, and what is left of several shards makes new ones.

    Args:
        shards: Rows of the manifest, by shard.
        watch: The digests of the files, as far as they are known.
        keys: The keys of shards in the store.
        store: Where features are looked for.
        result: Takes the features that are found.
        progress: Counts the rows that are found.
        items: What the store has by image, looked up before; whole shards are found in any case.
        pulled: Take features that came from elsewhere, too; their marks are in ``result.marks``.
    """
    search = _Search(watch, keys, store, result, items or StoredItems(), pulled=pulled)
    missing: dict[int, Rows] = {}
    scattered: list[Rows] = []
    size, found, lost = max(map(len, shards), default=0), 0, 0
    # In a store that was empty there is nothing that a digest would find.
    hopeful = store.began_with(keys.kind)
    for rows in shards:
        if hopeful:
            watch.read(rows)
        left = search.take(rows)
        progress.skip(len(rows) - len(left))
        found, lost = found + len(rows) - len(left), lost + len(left)
        # Hashed in vain are at most two shards more than were found.
        hopeful = hopeful and lost <= found + size
        if len(left) == len(rows):
            missing[search.new_shard()] = rows
        elif len(left):
            scattered.append(left)
    if scattered:
        rows = np.concatenate(scattered)
        for start in range(0, len(rows), size):
            missing[search.new_shard()] = rows[start : start + size]
    return missing


class _Search:
    """Looks up rows, and notes in the result where each was found."""

    def __init__(
        self,
        watch: FileChangeDetector,
        keys: ShardKeys,
        store: Store,
        result: Embedded,
        items: StoredItems,
        *,
        pulled: bool,
    ) -> None:
        self._watch = watch
        self._keys = keys
        self._store = store
        self._result = result
        self._numbers: dict[str, int] = {}
        self._items = items
        self._pulled = pulled
        self._shard = lru_cache(_OPEN)(self._read)

    def new_shard(self) -> int:
        """The number of a shard whose key is not known yet."""
        self._result.shards.append("")
        return len(self._result.shards) - 1

    def take(self, rows: Rows) -> Rows:
        """Fill in what is known of ``rows``; returns the others."""
        if self._watch.knows(rows):
            key = self._keys.key(self._watch.contents(rows))
            if self._fill(key, rows, np.arange(len(rows))):
                return rows[:0]
        if not self._keys.by_item:
            return rows
        items = self._items.of(self._store, self._keys.kind)
        found = np.zeros(len(rows), np.bool_)
        # The digest of a file that is not known is zero, which somebody may have stored.
        known = np.flatnonzero(self._watch.known(rows))
        for key, here, places in items.look_up(self._watch.digests[rows[known]]):
            found[known[here]] = self._fill(key, rows[known[here]], places)
        return rows[~found]

    def _fill(self, key: str, rows: Rows, places: npt.NDArray[np.int64]) -> bool:
        """Take rows from the places of a stored shard; False where it is not what it should be."""
        shard = self._shard(key)
        changes = None if shard is None else altered_of(shard)
        if shard is None or changes is None:
            return False
        result = self._result
        result.features[rows] = shard["features"][places]
        result.pixels[rows] = shard["pixels"][places]
        result.torch_state |= changes
        if key not in self._numbers:
            self._numbers[key] = self.new_shard()
            result.shards[-1] = key
        result.places[rows, 0] = self._numbers[key]
        result.places[rows, 1] = places
        return True

    def _read(self, key: str) -> Mapping[str, npt.NDArray[Any]] | None:
        """The arrays of a shard; None where it is absent, damaged, or another model's."""
        found = self._store.find(self._keys.kind, key)
        if found is None or (found.mark is not None and not self._pulled):
            return None
        shard = found.arrays
        # Whole and perhaps not ours: anyone may have written to a shared store.
        if not _is_shard(shard, self._result.features.shape[1]):
            return None
        files = [f"sha256:{row.tobytes().hex()}" for row in shard[FILES]]
        if self._keys.key(files) != key:
            return None
        if found.mark is not None:
            # Of the reading, since another process may release or delete the entry at any time.
            before = self._result.marks.setdefault(key, found.mark)
            if before.content != found.mark.content:
                # Rows of two entries: a look at them is a look at neither.
                self._result.marks[key] = replace(before, content="")
        return shard


def _is_shard(arrays: Mapping[str, npt.NDArray[Any]], dim: int) -> bool:
    """True where arrays have the form of a shard: float32 (n, dim) without NaN and infinity, uint8
    (n, 32) and the digest of a file for each."""
    if not {FILES, "features", "pixels"} <= arrays.keys():
        return False
    features, pixels, files = arrays["features"], arrays["pixels"], arrays[FILES]
    return (
        features.dtype == np.float32
        and features.ndim == 2
        and features.shape[1] == dim
        and pixels.dtype == files.dtype == np.uint8
        and pixels.shape == files.shape == (len(features), 32)
        and bool(files.any(axis=1).all())
        and bool(np.isfinite(features).all())
    )


class StoredItems:
    """The images of a backbone that a store has, looked up when first asked for."""

    def __init__(self) -> None:
        self._found: dict[tuple[Path, str], _Items] = {}

    def of(self, store: Store, kind: str) -> _Items:
        """Those of one folder of a store."""
        place = store.root, kind
        if place not in self._found:
            self._found[place] = _Items(store, kind)
        return self._found[place]


class _Items:
    """The place of every image in the shards of a backbone, by the digest of its file."""

    def __init__(self, store: Store, kind: str) -> None:
        self._keys: list[str] = []
        digests, places = [np.zeros((0, 32), np.uint8)], [np.zeros((0, 2), np.int64)]
        for number, (key, files) in enumerate(store.rows_of_bytes(kind, FILES, 32)):
            self._keys.append(key)
            # Zero is the digest of no file.
            here = np.flatnonzero(files.any(axis=1))
            digests.append(files[here])
            places.append(np.stack([np.full(len(here), number), here], axis=1))
        joined = _comparable(np.concatenate(digests))
        order = np.argsort(joined, kind="stable")
        self._digests, self._places = joined[order], np.concatenate(places)[order]

    def look_up(
        self, digests: npt.NDArray[np.uint8]
    ) -> list[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """The shards that have some of ``digests``, uint8 (rows, 32): key, the rows that are in
        it, and their places there."""
        if not len(self._digests):
            return []
        wanted = _comparable(digests)
        at = np.minimum(np.searchsorted(self._digests, wanted), len(self._digests) - 1)
        rows = np.flatnonzero(self._digests[at] == wanted)
        places = self._places[at[rows]]
        return [
            (self._keys[number], rows[chosen], places[chosen, 1])
            for number in np.unique(places[:, 0]).tolist()
            for chosen in [places[:, 0] == number]
        ]


def _comparable(digests: npt.NDArray[np.uint8]) -> _Digests:
    """Each row of uint8 (rows, 32) as one value of 32 bytes."""
    return np.ascontiguousarray(digests).view("V32").reshape(-1)
