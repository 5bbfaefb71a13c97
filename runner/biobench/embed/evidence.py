"""The evidence of a task in the store, found by the digests that a result states.

In: a task's manifest and what was embedded. Out: an entry under the digests of manifest, pixels and
features, which names the shards that hold them. No array is stored twice, and no model is needed to
find it (SPEC.md, section "Evidence").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.store import Store
from biobench.data.layouts.options import path_fault
from biobench.data.manifest import Manifest
from biobench.embed.embedded import Embedded, features_digest, pixels_digest
from biobench.embed.pool import pool_rows
from biobench.embed.shards import KIND as SHARDS
from biobench.errors import SpecError, shown
from biobench.spec.canonical import canonical_json, parse_json, sha256_bytes, sha256_json

KIND = "evidence"
_KEY = re.compile("sha256:[0-9a-f]{64}")
_STAGES = ("manifest", "pixels", "features")
_FOLDER = re.compile(rf"{SHARDS}-[0-9a-f]{{16}}")
_COPIES = 64
"""Rows on average that one image of a shard may be: files of equal bytes share a place."""


class NotStored(Exception):
    """The store lacks evidence, or its evidence is damaged; the text says which.

    Attributes:
        stage: The stage that is damaged, None where the evidence is only absent.
    """

    def __init__(self, what: str, stage: str | None = None) -> None:
        self.stage = stage
        super().__init__(what)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Manifest, pixels and features of one task as they were scored.

    Attributes:
        rows: The manifest's value, a list a row.
        pixels: BLAKE3 of each row's crop, uint8 (rows, 32).
        items: Ids of the items in manifest order.
        features: float32 (items, dim), pooled.
    """

    rows: Sequence[Sequence[Any]]
    pixels: npt.NDArray[np.uint8]
    items: tuple[str, ...]
    features: npt.NDArray[np.float32]


def _key(digests: Mapping[str, str]) -> str:
    return sha256_json({"kind": KIND, **{stage: digests[stage] for stage in _STAGES}})


def remember(
    store: Store,
    digests: Mapping[str, str],
    manifest: Manifest,
    embedded: Embedded,
    rule: str | None,
) -> None:
    """Store the manifest of a task's evidence, with the keys of its shards.

    Args:
        store: The store that holds its shards.
        digests: Digests of manifest, pixels and features.
        manifest: The rows that were scored.
        embedded: Their features, and the shards that hold them.
        rule: How rows are pooled, None where they are not.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "manifest": _text(canonical_json(manifest.value())),
        "items": _text(canonical_json([row.id for row in manifest.items.rows])),
        "item_of_row": manifest.item_of_row,
        "rule": _text((rule or "").encode() if manifest.pooled else b""),
        "kind": _text(embedded.kind.encode()),
        "shards": _text(canonical_json(embedded.shards)),
        "places": embedded.places,
    }
    key = _key(digests)
    known = store.get(KIND, key)
    if known is None or not _equal(known, arrays):
        store.put(KIND, key, arrays)


def _equal(known: Mapping[str, npt.NDArray[Any]], arrays: Mapping[str, npt.NDArray[Any]]) -> bool:
    names = known.keys() == arrays.keys()
    return names and all(np.array_equal(known[name], arrays[name]) for name in arrays)


def recall(store: Store, digests: Mapping[str, str]) -> Evidence:
    """Read the evidence of a task and compare it with its digests.

    Raises:
        NotStored: The evidence is absent, incomplete or damaged.
    """
    found = _get(store, KIND, _key(digests), stage="features")
    if found is None:
        raise NotStored("the store does not have them")
    try:
        listed = bytes(_array(found, "manifest", np.uint8, 1))
        rows, items = _rows(listed), _texts(found, "items")
        places = _array(found, "places", np.int64, 2)
        if places.shape != (len(rows), 2):
            raise ValueError("places is not (rows, 2)")
        kind = bytes(_array(found, "kind", np.uint8, 1)).decode()
        if not _FOLDER.fullmatch(kind):
            raise ValueError("kind is not the name of a folder of shards")
        features, pixels = _gather(store, kind, _texts(found, "shards"), places)
        rule = bytes(_array(found, "rule", np.uint8, 1)).decode()
        if rule:
            features = pool_rows(features, _item_of_row(found, len(rows), len(items)), rule)
        if len(features) != len(items):
            raise ValueError("the number of features differs from the number of items")
    except (ValueError, SpecError) as error:
        # A store can come with a result, from anyone.
        path = store.path(KIND, _key(digests))
        raise NotStored(
            f"{path} is not what a run keeps ({shown(str(error))[:120]})", "features"
        ) from error
    for stage, digest in (
        ("manifest", sha256_bytes(listed)),
        ("pixels", pixels_digest([row[0] for row in rows], pixels)),
        ("features", features_digest(items, features)),
    ):
        if digest != digests[stage]:
            raise NotStored(f"the store's {stage} have another digest", stage)
    return Evidence(rows, pixels, items, features)


def _gather(
    store: Store, kind: str, keys: Sequence[str], places: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Features and pixels of the rows at ``places``; raises NotStored where a shard is missing."""
    features: npt.NDArray[np.float32] | None = None
    pixels = np.zeros((len(places), 32), np.uint8)
    lost = 0
    # Features and digest of an image that cannot be read are zero.
    there = places[places[:, 0] != -1]
    if len(there) > _COPIES * len(np.unique(there, axis=0)):
        # A short list could otherwise ask for any number of rows of a wide shard.
        raise ValueError("too many rows share one place")
    wanted = sorted(set(there[:, 0].tolist()))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < len(keys):
        raise ValueError("a place names a shard that is not listed")
    for number in wanted:
        here = np.flatnonzero(places[:, 0] == number)
        shard = _get(store, kind, keys[number], stage="features")
        if shard is None:
            lost += 1
            continue
        wide, crops = _array(shard, "features", np.float32, 2), _array(shard, "pixels", np.uint8, 2)
        if features is None:
            features = np.zeros((len(places), wide.shape[1]), np.float32)
        of = places[here, 1]
        most = min(len(wide), len(crops))
        if wide.shape[1] != features.shape[1] or crops.shape[1] != 32 or not _within(of, most):
            raise ValueError("a shard has another shape")
        features[here] = wide[of]
        pixels[here] = crops[of]
    if lost or features is None:
        raise NotStored(f"the store has lost {lost} of {len(wanted)} shards of them")
    return features, pixels


def _array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, kind: type, ndim: int
) -> npt.NDArray[Any]:
    """An array of an entry; raises ValueError where there is none of that type and dimension."""
    array = arrays.get(name)
    if array is None or array.dtype != kind or array.ndim != ndim:
        raise ValueError(f"array {name} is missing, or has another type or dimension")
    return array


def _rows(data: bytes) -> list[list[Any]]:
    """The rows of a manifest's text; raises ValueError where it is none."""
    rows = parse_json(data)
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise ValueError("manifest is not a list of rows")
    return rows


def _is_row(row: Any) -> bool:
    if not isinstance(row, list) or len(row) < 4:
        return False
    # The path is read below the folder of the data.
    return isinstance(row[0], str) and isinstance(row[1], str) and path_fault(row[1]) is None


def _texts(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> tuple[str, ...]:
    """A list of texts in an entry; raises ValueError where there is none."""
    texts = parse_json(bytes(_array(arrays, name, np.uint8, 1)))
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} is not a list of strings")
    return tuple(texts)


def _item_of_row(
    arrays: Mapping[str, npt.NDArray[Any]], rows: int, items: int
) -> npt.NDArray[np.int64]:
    """The number of each row's item; raises ValueError where they do not ascend from 0 to the last
    item without a gap."""
    numbers = _array(arrays, "item_of_row", np.int64, 1)
    steps = np.diff(numbers, prepend=-1)
    if len(numbers) != rows or not np.isin(steps[1:], (0, 1)).all() or steps[:1].tolist() != [1]:
        raise ValueError("item_of_row does not ascend from 0 without a gap, one entry a row")
    if int(numbers[-1]) != items - 1:
        raise ValueError("item_of_row has another number of items")
    return numbers


def _within(numbers: npt.NDArray[np.int64], count: int) -> bool:
    return bool(((numbers >= 0) & (numbers < count)).all())


def _get(store: Store, kind: str, key: str, *, stage: str) -> dict[str, npt.NDArray[Any]] | None:
    """An entry, None where there is none; raises NotStored where it is damaged, and ValueError for
    a key that would name a file elsewhere."""
    if not _KEY.fullmatch(key):
        raise ValueError("a key is not a digest")
    found = store.get(kind, key)
    path = store.path(kind, key)
    # What was pulled and never looked at proves nothing, so it counts as absent.
    if found is None and path.exists() and not store.is_pulled(kind, key):
        raise NotStored(f"{path} is damaged", stage)
    return found


def _text(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)
