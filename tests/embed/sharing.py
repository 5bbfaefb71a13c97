"""A task of a few images and runs of it; stores that one laboratory filled and another pulled."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biobench._common import shared_store
from biobench._common.progress import Progress
from biobench._common.shared_place import SharedPlace
from biobench._common.store import Store
from biobench.data.build import build_manifest
from biobench.data.locate import EMBEDDED
from biobench.data.manifest import Manifest
from biobench.embed import shards
from biobench.embed.features import Embedded, Execution, embed
from biobench.models.base import Backbone
from biobench.spec.load import load_spec

ROWS, MICRO_BATCH = 20, 4
EXECUTION = Execution(
    device="cpu", precision="float32", micro_batch=MICRO_BATCH, workers=2, engine={}
)


def few_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, batches_per_shard: int
) -> Manifest:
    """Images of a demo task, in shards of so many micro-batches."""
    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", batches_per_shard)
    folder = EMBEDDED / "demo-plankton"
    whole = build_manifest(load_spec().task("demo-plankton"), folder)
    rows = whole.rows[:ROWS]
    for row in rows:
        (tmp_path / "data" / row.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / row.path, tmp_path / "data" / row.path)
    return replace(whole, rows=rows, root=tmp_path / "data", tables={})


def run(manifest: Manifest, backbone: Backbone, store: Store, **options: Any) -> Embedded:
    """Features as a new process would make them."""
    options = {"keep_bad": False, "progress": Progress("test", 0, quiet=True), **options}
    return embed(manifest, backbone, Store(store.root), EXECUTION, **options)


def evidence_digests(manifest: Manifest, embedded: Embedded) -> dict[str, str]:
    """The digests by which the evidence of a run is found."""
    ids = [row.id for row in manifest.rows]
    return {
        "manifest": manifest.digest,
        "pixels": embedded.pixels_digest(ids),
        "features": embedded.features_digest(ids),
    }


def shared(source: Store, folder: Path, sample: int) -> Store:
    """A store with what ``source`` pushed."""
    place = SharedPlace(str(folder / "place"))
    shared_store.push(source, place, lambda kind: kind.startswith("features-"), quiet=True)
    store = Store(folder / "b")
    shared_store.pull(store, place, lambda kind: True, sample, quiet=True)
    return store


def forge(store: Store, rows: Sequence[int]) -> None:
    """Change features of the entry in the store, with digests and key that hold."""
    for entry in list(store.entries()):
        key = f"sha256:{entry.path.stem}"
        arrays = store.get(entry.kind, key)
        if arrays is None or "features" not in arrays:
            continue
        for row in rows:
            if row < len(arrays["features"]):
                arrays["features"][row, 0] += 1
        store.put(entry.kind, key, arrays)
