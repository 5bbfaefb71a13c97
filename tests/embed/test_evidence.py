"""A run's evidence is found again by the digests of its result, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench._common.store import Store
from biobench.data.build import build_manifest
from biobench.data.locate import EMBEDDED
from biobench.embed import evidence
from biobench.embed.evidence import KIND, NotStored, _key, recall, remember
from biobench.embed.features import Embedded, features_digest, pixels_digest
from biobench.embed.pool import pool_rows
from biobench.spec.load import load_spec

SHARD = 8
SHARDS = "features-0123456789abcdef"


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
        store.put(SHARDS, key, {"features": features[part], "pixels": pixels[part]})
    embedded = Embedded(features, pixels, {}, 30, SHARDS, shards, places, pixels)
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
        shard = store.get(SHARDS, old)
        assert shard is not None
        store.put(SHARDS, new, shard)
        store.path(SHARDS, old).unlink()
    manifest = build_manifest(load_spec().task("demo-plankton"), EMBEDDED / "demo-plankton", 17)
    remember(store, digests, replace(manifest, rows=manifest.rows[:30]), moved, None)
    assert np.array_equal(recall(store, digests).features, embedded.features)


def test_lost_and_damaged(tmp_path: Path) -> None:
    """A shard that was collected is said to be lost; a byte that changed names the stage, and so
    does a shard that was written anew around another value."""
    store = Store(tmp_path)
    digests, embedded = stored(store, "demo-plankton", None)
    path = store.path(SHARDS, embedded.shards[1])
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
        shard = store.get(SHARDS, embedded.shards[1])
        assert shard is not None
        shard[name] = shard[name].copy()
        shard[name][0, 0] += 1
        store.put(SHARDS, embedded.shards[1], shard)
        with pytest.raises(NotStored, match="another digest") as forged:
            recall(store, digests)
        assert forged.value.stage == stage


def text(value: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(value.encode(), np.uint8)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("manifest", text("{{{")),
        ("manifest", text("5")),
        ("manifest", text('[["a"]]')),
        ("manifest", text('[["a", "/etc/passwd", 0, "train"]]')),
        ("manifest", text('[["a", "../passwd", 0, "train"]]')),
        ("manifest", np.array(5)),
        ("items", text("5")),
        ("items", text("[[]]")),
        ("items", text("[]")),
        ("shards", text("5")),
        ("shards", text('["../../../elsewhere"]')),
        ("shards", text("[]")),
        ("kind", text("../elsewhere")),
        ("kind", text("evidence")),
        ("places", np.zeros((30, 2), np.int64)),
        ("places", np.zeros(60, np.int64)),
        ("places", np.zeros((30, 2))),
        ("places", np.array([[10**9, i] for i in range(30)])),
        ("places", np.array([[-(10**9), i] for i in range(30)])),
        ("places", np.array([[0, 10**9 + i] for i in range(30)])),
        ("places", np.array([[0, -1 - i] for i in range(30)])),
        ("rule", text("median")),
        ("rule", np.array([255], np.uint8)),
        ("rule", text("")),
        ("item_of_row", np.full(30, 10**12)),
        ("item_of_row", np.arange(30)[::-1].copy()),
        ("item_of_row", np.zeros(3, np.int64)),
        ("item_of_row", np.zeros(30, np.int64)),
        *((name, None) for name in ("manifest", "items", "kind", "shards", "places", "rule")),
    ],
)
def test_an_entry_that_no_run_kept(
    name: str,
    array: np.ndarray[Any, Any] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store can come with a result, and its entries have the right digests of any content."""
    monkeypatch.setattr(evidence, "_COPIES", 8)
    store = Store(tmp_path)
    digests, _ = stored(store, "demo-kabr", "max")
    found = store.get(KIND, _key(digests))
    assert found is not None
    forged = (
        {**found, name: array} if array is not None else {k: found[k] for k in found if k != name}
    )
    store.put(KIND, _key(digests), forged)
    with pytest.raises(NotStored, match="is not what a run keeps") as caught:
        recall(store, digests)
    assert caught.value.stage == "features"


@pytest.mark.parametrize(
    "shard",
    [
        {"features": np.zeros(32, np.float32)},
        {"features": np.zeros((8, 4))},
        {"features": np.zeros((8, 5), np.float32)},
        {"features": np.zeros((2, 4), np.float32)},
        {"pixels": np.zeros((8, 31), np.uint8)},
        {"pixels": np.zeros((2, 32), np.uint8)},
        {"pixels": None},
        {"features": None},
    ],
)
def test_a_shard_that_no_run_kept(
    shard: dict[str, np.ndarray[Any, Any] | None], tmp_path: Path
) -> None:
    store = Store(tmp_path)
    digests, embedded = stored(store, "demo-kabr", "max")
    found = store.get(SHARDS, embedded.shards[1])
    assert found is not None
    forged = {name: array for name, array in {**found, **shard}.items() if array is not None}
    store.put(SHARDS, embedded.shards[1], forged)
    with pytest.raises(NotStored, match="is not what a run keeps"):
        recall(store, digests)
