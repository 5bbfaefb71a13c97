"""What a run computed is found again by the digests of its result, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biobench._common.store import Store
from biobench.data.build import build_manifest
from biobench.data.locate import EMBEDDED
from biobench.embed.evidence import NotStored, recall, remember
from biobench.embed.features import Embedded, features_digest, pixels_digest
from biobench.embed.pool import pool_rows
from biobench.spec.load import load_spec

SHARD = 8
KIND = "features-of-a-model"


def stored(store: Store, task: str, rule: str | None) -> tuple[dict[str, str], Embedded]:
    """Thirty rows of a demo task with features of no model, in shards of eight."""
    whole = build_manifest(load_spec().task(task), EMBEDDED / task, 17)
    manifest = replace(whole, rows=whole.rows[:30])
    rows = np.arange(30)
    features = np.sin(rows[:, None] * np.arange(1, 5)).astype(np.float32)
    pixels = (rows[:, None] * np.arange(32) % 251).astype(np.uint8)
    shards = [f"sha256:{i:064x}" for i in range(4)]
    places = np.stack([rows // SHARD, rows % SHARD], axis=1)
    for i, key in enumerate(shards):
        part = slice(SHARD * i, SHARD * (i + 1))
        store.put(KIND, key, {"features": features[part], "pixels": pixels[part]})
    embedded = Embedded(features, pixels, {}, 30, KIND, shards, places, pixels)
    items = manifest.items
    pooled = features if rule is None else pool_rows(features, manifest.item_of_row, rule)
    digests = {
        "manifest": manifest.digest,
        "pixels": pixels_digest([row.id for row in manifest.rows], pixels),
        "features": features_digest([row.id for row in items.rows], pooled),
    }
    remember(store, digests, manifest, embedded, rule)
    return digests, embedded


@pytest.mark.parametrize(("task", "rule"), [("demo-plankton", None), ("demo-kabr", "max")])
def test_found_again(task: str, rule: str | None, tmp_path: Path) -> None:
    """Rows, pixels and pooled features are those that were embedded; no array lies there twice."""
    store = Store(tmp_path)
    digests, embedded = stored(store, task, rule)
    found = recall(store, digests)
    assert np.array_equal(found.pixels, embedded.pixels)
    assert len(found.rows) == 30
    assert len(found.items) == len(found.features)
    assert (len(found.items) < 30) == (rule is not None)
    with pytest.raises(NotStored, match="does not have them") as absent:
        recall(store, {**digests, "pixels": "sha256:" + "0" * 64})
    assert absent.value.stage is None


def test_written_where_it_differs(tmp_path: Path) -> None:
    """A second run leaves the entry as it lies; features in other shards are noted anew."""
    store = Store(tmp_path)
    digests, embedded = stored(store, "demo-plankton", None)
    (path,) = (tmp_path / "evidence").rglob("*.safetensors")
    before = path.stat().st_ino
    stored(store, "demo-plankton", None)
    assert path.stat().st_ino == before
    moved = replace(embedded, shards=tuple(f"sha256:{i:064x}" for i in range(4, 8)))
    for old, new in zip(embedded.shards, moved.shards, strict=True):
        shard = store.get(KIND, old)
        assert shard is not None
        store.put(KIND, new, shard)
        store.path(KIND, old).unlink()
    manifest = build_manifest(load_spec().task("demo-plankton"), EMBEDDED / "demo-plankton", 17)
    remember(store, digests, replace(manifest, rows=manifest.rows[:30]), moved, None)
    assert np.array_equal(recall(store, digests).features, embedded.features)


def test_lost_and_damaged(tmp_path: Path) -> None:
    """A shard that was collected is said to be lost; a byte that changed names the stage, and so
    does a shard that was written anew around another value."""
    store = Store(tmp_path)
    digests, embedded = stored(store, "demo-plankton", None)
    path = store.path(KIND, embedded.shards[1])
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(NotStored, match="lost 1 of 4 shards") as lost:
        recall(store, digests)
    assert lost.value.stage is None
    for at in (len(whole) - 1, len(whole) // 2, 9):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(NotStored, match="is damaged") as damaged:
            recall(store, digests)
        assert damaged.value.stage == "features"
    for name, stage in (("pixels", "pixels"), ("features", "features")):
        path.write_bytes(whole)
        shard = store.get(KIND, embedded.shards[1])
        assert shard is not None
        shard[name] = shard[name].copy()
        shard[name][0, 0] += 1
        store.put(KIND, embedded.shards[1], shard)
        with pytest.raises(NotStored, match="another digest") as forged:
            recall(store, digests)
        assert forged.value.stage == stage
