"""The evidence of a task in the store, found by the digests that a result states.

In: a task's manifest and what was embedded. Out: an entry under the digests of manifest, pixels and
features, which names the shards that hold them. No array is stored twice, and no model is needed to
find it (SPEC.md, section "Evidence").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.store import Store
from biobench.data.manifest import Manifest
from biobench.embed.embedded import Embedded, features_digest, pixels_digest
from biobench.embed.pool import pool_rows
from biobench.spec.canonical import canonical_json, parse_json, sha256_bytes, sha256_json

KIND = "evidence"
_STAGES = ("manifest", "pixels", "features")


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
    listed = bytes(found["manifest"])
    rows, items = parse_json(listed), tuple(parse_json(bytes(found["items"])))
    kind = bytes(found["kind"]).decode()
    features, pixels = _gather(store, kind, parse_json(bytes(found["shards"])), found["places"])
    rule = bytes(found["rule"]).decode()
    if rule:
        features = pool_rows(features, found["item_of_row"], rule)
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
    wanted = sorted(set(places[:, 0].tolist()))
    for number in wanted:
        here = np.flatnonzero(places[:, 0] == number)
        shard = _get(store, kind, keys[number], stage="features") if number >= 0 else None
        if shard is None:
            lost += 1
            continue
        if features is None:
            features = np.zeros((len(places), shard["features"].shape[1]), np.float32)
        features[here] = shard["features"][places[here, 1]]
        pixels[here] = shard["pixels"][places[here, 1]]
    if lost or features is None:
        raise NotStored(f"the store has lost {lost} of {len(wanted)} shards of them")
    return features, pixels


def _get(store: Store, kind: str, key: str, *, stage: str) -> dict[str, npt.NDArray[Any]] | None:
    """An entry, None where there is none; raises NotStored where it is damaged."""
    found = store.get(kind, key)
    path = store.path(kind, key)
    if found is None and path.exists():
        raise NotStored(f"{path} is damaged", stage)
    return found


def _text(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)
