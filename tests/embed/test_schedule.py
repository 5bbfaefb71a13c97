"""Features do not depend on how the work was cut, spread or interrupted (level E)."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import timm_folder

from biobench._common.progress import Progress
from biobench._common.store import Store
from biobench.data.build import build_manifest
from biobench.data.locate import EMBEDDED
from biobench.data.manifest import Manifest
from biobench.embed import shards
from biobench.embed.features import Embedded, Execution, embed
from biobench.embed.shards import ShardKeys
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

ROWS = 90


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """A small network of convolutions and normalisations."""
    torch.set_num_threads(1)
    folder = timm_folder(tmp_path_factory.mktemp("model") / "made", "test_resnet")
    return load_model(f"timm:{folder}", {})


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """The first images of a demo task: two splits, each with a partial micro-batch."""
    whole = build_manifest(load_spec().task("demo-plankton"), EMBEDDED / "demo-plankton")
    train = [row for row in whole.rows if row.split == "train"][: ROWS - 20]
    test = [row for row in whole.rows if row.split == "test"][:20]
    return replace(whole, rows=tuple(train + test))


def execution(workers: int) -> Execution:
    return Execution(
        device="cpu", precision="float32", micro_batch=32, workers=workers, engine={"test": 1}
    )


def run(manifest: Manifest, backbone: Backbone, store: Path, workers: int) -> Embedded:
    return embed(
        manifest,
        backbone,
        Store(store),
        execution(workers),
        keep_bad=False,
        progress=Progress("test", 0, quiet=True),
    )


@pytest.fixture(scope="module")
def expected(
    manifest: Manifest, backbone: Backbone, tmp_path_factory: pytest.TempPathFactory
) -> Embedded:
    return run(manifest, backbone, tmp_path_factory.mktemp("alone"), 1)


@pytest.mark.parametrize(("workers", "shard"), [(2, 1), (3, 5), (7, 2)])
def test_workers_and_shards(
    workers: int,
    shard: int,
    expected: Embedded,
    manifest: Manifest,
    backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any number of workers and of micro-batches a shard: the same bits in features and pixels."""
    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", shard)
    found = run(manifest, backbone, tmp_path, workers)
    ids = [row.id for row in manifest.rows]
    assert found.features_digest(ids) == expected.features_digest(ids)
    assert found.pixels_digest(ids) == expected.pixels_digest(ids)


def test_a_lost_shard_is_computed_again(
    expected: Embedded,
    manifest: Manifest,
    backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever part of the store survives, the rest fits to it; nothing known is computed."""
    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", 1)
    run(manifest, backbone, tmp_path, 2)
    stored = sorted(tmp_path.glob("features-*/*/*.safetensors"))
    assert len(stored) == 4
    stored[1].unlink()
    stored[2].write_bytes(stored[2].read_bytes()[:-1])
    again = run(manifest, backbone, tmp_path, 2)
    assert 0 < again.computed <= 64
    np.testing.assert_array_equal(again.features, expected.features)


def test_what_can_change_features_changes_the_key(backbone: Backbone) -> None:
    """Other weights, precision, micro-batch, engine or files: nothing stale is served."""
    files = [f"sha256:{i:064x}" for i in range(5)]

    def key(model: Backbone = backbone, **changes: object) -> str:
        return ShardKeys(model, replace(execution(1), **changes)).key(files)  # type: ignore[arg-type]

    base = key()
    assert key(workers=5) == base
    for changes in ({"precision": "float16"}, {"micro_batch": 64}, {"engine": {"test": 2}}):
        assert key(**changes) != base, changes
    for field in ("weights", "resolved", "feature", "fingerprint"):
        other = copy.copy(backbone)
        other.info = replace(backbone.info, **{field: "another"})
        assert key(other) != base, field
    other = copy.copy(backbone)
    other.recipe = replace(backbone.recipe, crop=(192, 192))
    assert key(other) != base
    keys = ShardKeys(backbone, execution(1))
    for another in (["another", *files[1:]], files[::-1], files[:-1]):
        assert keys.key(another) != base


def test_a_file_with_other_bytes_changes_its_shard_alone(
    manifest: Manifest,
    backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The shards of the other images are found again."""
    monkeypatch.setattr("biobench.data.file_hashes.SETTLED_NS", 0)
    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", 1)
    images = tmp_path / "images"
    manifest = replace(manifest, rows=manifest.rows[:40])
    for row in manifest.rows:
        (images / row.path).parent.mkdir(parents=True, exist_ok=True)
        (images / row.path).write_bytes((manifest.root / row.path).read_bytes())
    copied = replace(manifest, root=images)
    before = run(copied, backbone, tmp_path / "store", 2)
    first, second = (images / row.path for row in manifest.rows[:2])
    first.write_bytes(second.read_bytes())
    after = run(copied, backbone, tmp_path / "store", 2)
    assert after.computed == 32
    assert after.shards[0] != before.shards[0]
    assert after.shards[1:] == before.shards[1:]
    np.testing.assert_array_equal(after.features[0], after.features[1])
