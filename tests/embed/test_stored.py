"""Features of a program are found by the image, whatever else lies beside it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sharing import MICRO_BATCH, ROWS, evidence_digests, few_images, run

from biobench._common.store import Store
from biobench.data.manifest import Manifest
from biobench.embed import evidence
from biobench.embed.evidence import recall, remember
from biobench.embed.features import Embedded
from biobench.models.base import Backbone

pytestmark = pytest.mark.slow


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Images of a demo task, copied long ago, in shards of one micro-batch."""
    monkeypatch.setattr("biobench.data.file_hashes.SETTLED_NS", -(10**15))
    return few_images(tmp_path, monkeypatch, batches_per_shard=1)


def without(manifest: Manifest, *places: int) -> Manifest:
    kept = [row for place, row in enumerate(manifest.rows) if place not in places]
    return replace(manifest, rows=tuple(kept))


def recalled(store: Store, manifest: Manifest, embedded: Embedded) -> npt.NDArray[np.float32]:
    """Features as the evidence in a store has them."""
    digests = evidence_digests(manifest, embedded)
    remember(store, digests, manifest, embedded, None)
    return recall(store, digests).features


def test_a_deleted_image_costs_nothing(manifest: Manifest, exact: Backbone, tmp_path: Path) -> None:
    """All that follow it move to another place of another shard."""
    whole = run(manifest, exact, Store(tmp_path / "store"))
    assert whole.computed == ROWS
    less = run(without(manifest, 3), exact, Store(tmp_path / "store"))
    assert less.computed == 0
    kept = np.delete(np.arange(ROWS), 3)
    np.testing.assert_array_equal(less.features, whole.features[kept])
    np.testing.assert_array_equal(less.pixels, whole.pixels[kept])


def test_a_new_image_costs_one(manifest: Manifest, exact: Backbone, tmp_path: Path) -> None:
    """At the front, in the middle and at the end; the next run computes none."""
    whole = run(manifest, exact, Store(tmp_path / "other"))
    store = tmp_path / "store"
    run(without(manifest, 0, 9, ROWS - 1), exact, Store(store))
    more = run(manifest, exact, Store(store))
    assert more.computed == 3
    np.testing.assert_array_equal(more.features, whole.features)
    np.testing.assert_array_equal(more.pixels, whole.pixels)
    assert run(manifest, exact, Store(store)).computed == 0


def test_files_that_were_moved_are_hashed_and_not_embedded(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """Under other names, in another order, on a machine that has the store's features alone."""
    whole = run(manifest, exact, Store(tmp_path / "store"))
    (tmp_path / "store/files.sqlite").unlink()
    order = np.roll(np.arange(ROWS), 5)
    rows = []
    for place in order:
        row = manifest.rows[place]
        path = f"moved/{row.path}"
        (manifest.root / path).parent.mkdir(parents=True, exist_ok=True)
        (manifest.root / row.path).rename(manifest.root / path)
        rows.append(replace(row, path=path))
    moved = run(replace(manifest, rows=tuple(rows)), exact, Store(tmp_path / "store"))
    assert moved.computed == 0
    np.testing.assert_array_equal(moved.features, whole.features[order])


def test_a_damaged_shard_costs_its_own_images(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """A shard that says nothing true is taken for absent, also where it is found by an image."""
    whole = run(manifest, exact, Store(tmp_path / "store"))
    paths = sorted((tmp_path / "store").glob("features-*/*/*.safetensors"))
    data = paths[1].read_bytes()
    paths[1].write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    less = run(without(manifest, 0), exact, Store(tmp_path / "store"))
    assert MICRO_BATCH - 1 <= less.computed <= MICRO_BATCH
    np.testing.assert_array_equal(less.features, whole.features[1:])


def test_a_shard_under_the_key_of_another(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """A whole entry whose files are not those of its key gives no feature."""
    whole = run(manifest, exact, Store(tmp_path / "store"))
    store = Store(tmp_path / "store")
    entry = store.get(whole.kind, whole.shards[0])
    assert entry is not None
    store.put(whole.kind, whole.shards[0], {**entry, "files": entry["files"][::-1]})
    again = run(without(manifest, ROWS - 1), exact, Store(tmp_path / "store"))
    np.testing.assert_array_equal(again.features, whole.features[:-1])
    assert again.computed == MICRO_BATCH


def test_a_bad_image_costs_no_other_twice(
    manifest: Manifest, exact: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The good ones of its shard are kept; it is tried again, and once it is whole it alone."""
    path, other = (manifest.root / manifest.rows[row].path for row in (2, 3))
    data, others = path.read_bytes(), other.read_bytes()
    path.write_bytes(b"no image")
    other.write_bytes(b"no image either")
    first = run(manifest, exact, Store(tmp_path / "store"), keep_bad=True)
    assert list(first.bad) == [2, 3]
    again = run(manifest, exact, Store(tmp_path / "store"), keep_bad=True)
    assert (list(again.bad), again.computed) == ([2, 3], 2)
    store = Store(tmp_path / "store")
    np.testing.assert_array_equal(recalled(store, manifest, again), first.features)
    # Nor does it count against the rest that most cannot be read.
    monkeypatch.setattr(evidence, "_COPIES", 1)
    np.testing.assert_array_equal(recalled(store, manifest, again), first.features)
    path.write_bytes(data)
    other.write_bytes(others)
    repaired = run(manifest, exact, Store(tmp_path / "store"))
    assert repaired.computed == 2
    assert run(manifest, exact, Store(tmp_path / "other")).computed == ROWS


def test_wanted_images_alone_are_read(manifest: Manifest, exact: Backbone, tmp_path: Path) -> None:
    """A sample of few-shot training costs its own images, and the whole run the others."""
    wanted = np.zeros(ROWS, np.bool_)
    wanted[::7] = True
    store = tmp_path / "store"
    sample = run(manifest, exact, Store(store), wanted=wanted)
    assert sample.computed == wanted.sum()
    whole = run(manifest, exact, Store(store))
    assert whole.computed == ROWS - wanted.sum()
    np.testing.assert_array_equal(sample.features[wanted], whole.features[wanted])


def test_copies_of_an_image_share_a_place(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """Files of equal bytes have equal features, found once and recalled for each of them."""
    store = Store(tmp_path / "store")
    run(without(manifest, *range(4, ROWS)), exact, store)
    for row in manifest.rows[4:]:
        shutil.copy(manifest.root / manifest.rows[1].path, manifest.root / row.path)
    embedded = run(manifest, exact, Store(tmp_path / "store"))
    assert embedded.computed == 0
    assert (embedded.features[4:] == embedded.features[1]).all()
    np.testing.assert_array_equal(recalled(store, manifest, embedded), embedded.features)


def test_the_evidence_is_found_where_it_was_stored(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """Rows of shards that another run cut are named by their place in them."""
    store = Store(tmp_path / "store")
    run(without(manifest, 0, 9), exact, store)
    embedded = run(manifest, exact, Store(tmp_path / "store"))
    np.testing.assert_array_equal(recalled(store, manifest, embedded), embedded.features)
