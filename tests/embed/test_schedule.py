"""Features do not depend on how the work was cut, spread or interrupted (level E1)."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from biobench.data.build import build_manifest
from biobench.data.locate import EMBEDDED
from biobench.data.manifest import Manifest
from biobench.embed import features as stage
from biobench.embed.features import Execution, embed
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.progress import Progress
from biobench.spec.load import load_spec
from biobench.store import Store

pytestmark = pytest.mark.slow

ROWS = 90


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.set_num_threads(1)
    return load_model("demo", load_spec().models)


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


def run(manifest: Manifest, backbone: Backbone, store: Path, workers: int) -> stage.Embedded:
    progress = Progress("test", 0, quiet=True)
    contents = stage.content_digests(manifest, Store(store), workers, progress.advance)
    return embed(
        manifest,
        contents,
        backbone,
        Store(store),
        execution(workers),
        keep_bad=False,
        progress=progress,
    )


@pytest.fixture(scope="module")
def expected(
    manifest: Manifest, backbone: Backbone, tmp_path_factory: pytest.TempPathFactory
) -> stage.Embedded:
    return run(manifest, backbone, tmp_path_factory.mktemp("alone"), 1)


@pytest.mark.parametrize(("workers", "shard"), [(2, 1), (3, 5), (7, 2)])
def test_workers_and_shards(
    workers: int,
    shard: int,
    expected: stage.Embedded,
    manifest: Manifest,
    backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any number of workers and of micro-batches a shard: the same bits in features and pixels."""
    monkeypatch.setattr(stage, "MICRO_BATCHES_PER_SHARD", shard)
    found = run(manifest, backbone, tmp_path, workers)
    ids = [row.id for row in manifest.rows]
    assert found.features_digest(ids) == expected.features_digest(ids)
    assert found.pixels_digest(ids) == expected.pixels_digest(ids)


def test_a_lost_shard_is_computed_again(
    expected: stage.Embedded,
    manifest: Manifest,
    backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever part of the store survives, the rest fits to it; nothing known is computed."""
    monkeypatch.setattr(stage, "MICRO_BATCHES_PER_SHARD", 1)
    run(manifest, backbone, tmp_path, 2)
    shards = sorted(tmp_path.glob("features/*/*.safetensors"))
    assert len(shards) == 4
    shards[1].unlink()
    shards[2].write_bytes(shards[2].read_bytes()[:-1])
    again = run(manifest, backbone, tmp_path, 2)
    assert 0 < again.computed <= 64
    np.testing.assert_array_equal(again.features, expected.features)


def test_what_can_change_features_changes_the_key(
    manifest: Manifest, backbone: Backbone, tmp_path: Path
) -> None:
    """Other weights, precision, micro-batch, engine or files: nothing stale is served."""

    def keys(**changes: object) -> list[str]:
        contents = [str(i) for i in range(len(manifest.rows))]
        changed = replace(execution(1), **changes)  # type: ignore[arg-type]
        return [shard.key for shard in stage._shards(manifest, contents, backbone, changed)]

    base = keys()
    assert keys(workers=5) == base
    for changes in ({"precision": "float16"}, {"micro_batch": 64}, {"engine": {"test": 2}}):
        assert not set(keys(**changes)) & set(base), changes

    for field in ("weights", "resolved", "feature", "fingerprint"):
        other = copy.copy(backbone)
        other.info = replace(backbone.info, **{field: "another"})
        assert not {s.key for s in stage._shards(manifest, ["x"] * ROWS, other, execution(1))} & {
            s.key for s in stage._shards(manifest, ["x"] * ROWS, backbone, execution(1))
        }, field
    other = copy.copy(backbone)
    other.recipe = replace(backbone.recipe, crop=(192, 192))
    recipe_keys = {s.key for s in stage._shards(manifest, ["x"] * ROWS, other, execution(1))}
    assert not recipe_keys & {
        s.key for s in stage._shards(manifest, ["x"] * ROWS, backbone, execution(1))
    }
    contents = [str(i) for i in range(ROWS)]
    changed = ["another", *contents[1:]]
    before = [s.key for s in stage._shards(manifest, contents, backbone, execution(1))]
    after = [s.key for s in stage._shards(manifest, changed, backbone, execution(1))]
    assert before[0] != after[0]
    assert before[1:] == after[1:]
