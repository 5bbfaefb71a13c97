"""Pulled features are used after a sample of them was embedded again, and not before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sharing import ROWS, evidence_digests, few_images, forge, run, shared

from biobench._common.store import Store, _with_mark
from biobench.data.manifest import Manifest
from biobench.embed.diagnostics import doubts
from biobench.embed.evidence import NotStored, recall, remember
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow


def marked(store: Store) -> list[str]:
    """Keys of the entries that are marked."""
    return [
        f"sha256:{entry.path.stem}"
        for entry in store.entries()
        if store.is_pulled(entry.kind, entry.path.stem)
    ]


@pytest.fixture(params=["exact", "torch"])
def backbone(request: pytest.FixtureRequest, exact: Backbone) -> Backbone:
    return exact if request.param == "exact" else load_model("demo", load_spec().models)


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    return few_images(tmp_path, monkeypatch, batches_per_shard=2)


def test_honest_features_are_used(manifest: Manifest, backbone: Backbone, tmp_path: Path) -> None:
    """Nothing is computed for the run but the sample; afterwards the entries are as own ones."""
    source = Store(tmp_path / "a")
    own = run(manifest, backbone, source)
    store = shared(source, tmp_path, 6)
    found = run(manifest, backbone, store)
    assert found.computed == 0
    np.testing.assert_array_equal(found.features, own.features)
    (line,) = [line for line in doubts(manifest, found) if "pulled" in line]
    # By torch two whole micro-batches.
    drawn = "6" if backbone.info.program is not None else "8"
    assert line.startswith(f"{drawn} of {ROWS} images with pulled features embedded again, equal")
    if backbone.info.program is not None:
        assert line.endswith("a forged share above 50.00% is refuted at 95 %")
    assert not marked(store)
    assert run(manifest, backbone, store).pulled is None


def test_forged_features_are_found(
    manifest: Manifest, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forged row of the sample is named, and every pulled entry of the model computed again."""
    source = Store(tmp_path / "a")
    own = run(manifest, backbone, source)
    forge(source, range(8))
    found = run(manifest, backbone, shared(source, tmp_path, 4))
    assert found.computed == ROWS
    np.testing.assert_array_equal(found.features, own.features)
    assert found.pulled is not None
    assert found.pulled.startswith("4 of 4 pulled features differ from those of this machine: ")
    assert f"; {len(own.shards)} pulled entries of the model deleted" in found.pulled


def test_one_forged_row_of_all(manifest: Manifest, exact: Backbone, tmp_path: Path) -> None:
    """A sample of all finds one forged row."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    forge(source, [7])
    found = run(manifest, exact, shared(source, tmp_path, ROWS))
    assert found.pulled is not None
    assert found.pulled.startswith(f"2 of {ROWS} pulled features differ")
    np.testing.assert_array_equal(found.features, own.features)


def test_one_image_at_least(manifest: Manifest, exact: Backbone, tmp_path: Path) -> None:
    """Marks that cannot be read, and a number below one, do not turn the look off."""
    source = Store(tmp_path / "a")
    run(manifest, exact, source)
    forge(source, range(8))
    store = shared(source, tmp_path, 4)
    keys = marked(store)
    for key, text in zip(keys, ("", '{"sample": 0}', "[]"), strict=True):
        (path,) = store.root.glob(f"*/*/{key.removeprefix('sha256:')}.safetensors")
        path.write_bytes(_with_mark(path.read_bytes(), text))
    assert marked(store) == keys
    found = run(manifest, exact, store)
    assert found.computed == ROWS


def test_rows_that_no_draw_could_reach_stay_marked(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """A run over some images of an entry says nothing of the others."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    store = shared(source, tmp_path, ROWS)
    fewer = replace(manifest, rows=manifest.rows[1:])
    found = run(fewer, exact, store)
    assert found.computed == 0
    assert found.pulled is not None
    assert marked(store) == [own.shards[0]]


def test_own_and_pulled_features_together(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """The draw is of the pulled rows alone: the others were computed here."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    store = shared(source, tmp_path, ROWS)
    found = store.find(own.kind, own.shards[0])
    assert found is not None
    assert found.mark is not None
    store.release(own.kind, own.shards[0], found.mark)
    assert (
        run(manifest, exact, store).pulled
        == "12 of 12 images with pulled features embedded again, equal"
    )


def test_pulled_features_are_no_evidence(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """verify does not take what was pulled and never looked at for what was computed here."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    digests = evidence_digests(manifest, own)
    remember(source, digests, manifest, own, None)
    recall(source, digests)
    store = shared(source, tmp_path, 4)
    remember(store, digests, manifest, own, None)
    with pytest.raises(NotStored) as caught:
        recall(store, digests)
    assert caught.value.stage is None
