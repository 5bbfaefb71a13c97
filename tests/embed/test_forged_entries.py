"""Pulled entries that a hostile place made never reach a score: not by their form, not by digests
of no file, and not while other processes pull and delete."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sharing import EXECUTION, ROWS, few_images, forge, run, shared

from biobench._common import shared_store
from biobench._common.shared_place import SharedPlace
from biobench._common.store import Store
from biobench.data.file_hashes import ContentIndex, read_files
from biobench.data.manifest import Manifest
from biobench.embed import features
from biobench.embed.embedded import Embedded
from biobench.embed.shards import FILES, ShardKeys
from biobench.models.base import Backbone

pytestmark = pytest.mark.slow

Arrays = dict[str, npt.NDArray[np.generic]]


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    return few_images(tmp_path, monkeypatch, batches_per_shard=2)


def put(store: Store, backbone: Backbone, arrays: Arrays) -> str:
    """Store an entry under the key that its files give it; returns the key."""
    keys = ShardKeys(backbone, EXECUTION)
    key = keys.key([f"sha256:{row.tobytes().hex()}" for row in arrays[FILES]])
    store.put(keys.kind, key, arrays)
    return key


def test_an_entry_of_no_file_gives_no_image_its_features(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """A digest of zeros is that of no file, and images whose files were not read yet have none."""
    own = run(manifest, exact, Store(tmp_path / "own"))
    forger = Store(tmp_path / "forger")
    put(
        forger,
        exact,
        {
            "features": np.ones((1, exact.info.dim), np.float32),
            "pixels": np.zeros((1, 32), np.uint8),
            FILES: np.zeros((1, 32), np.uint8),
        },
    )
    found = run(manifest, exact, shared(forger, tmp_path, ROWS))
    assert found.computed == ROWS
    np.testing.assert_array_equal(found.features, own.features)


def test_an_entry_of_a_file_that_is_no_image(
    manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """No run stores features of such a file, so whoever did forged them: the entry is refused, and
    the run names the image as one that cannot be read."""
    store = Store(tmp_path / "a")
    own = run(manifest, exact, store)
    broken = manifest.root / manifest.rows[3].path
    broken.write_bytes(b"no image")
    arrays = store.get(own.kind, own.shards[0])
    assert arrays is not None
    arrays[FILES][3] = np.frombuffer(hashlib.sha256(b"no image").digest(), np.uint8)
    forger = Store(tmp_path / "forger")
    put(forger, exact, dict(arrays))
    found = run(manifest, exact, shared(forger, tmp_path, ROWS), keep_bad=True)
    assert list(found.bad) == [3]
    assert not found.features[3].any()
    assert found.pulled is not None
    assert found.pulled.startswith("1 of 8 pulled features differ")


def test_features_that_cannot_be_compared_are_not_used(
    manifest: Manifest, exact: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing holds the features to the image where its file has other bytes, once read again, than
    the known ones."""
    monkeypatch.setattr("biobench.data.file_hashes.SETTLED_NS", -(10**15))
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    store = shared(source, tmp_path, ROWS)
    # An index that took each file for the one after it.
    paths = [str(manifest.root / row.path) for row in manifest.rows]
    files = read_files(paths, 1)
    index = ContentIndex(store.root / "files.sqlite")
    mixed = [
        (path, file._replace(digest=after.digest))
        for path, file, after in zip(paths, files, files[1:] + files[:1], strict=True)
    ]
    index.remember(mixed, time.time_ns())
    index.close()
    found = run(manifest, exact, store)
    np.testing.assert_array_equal(found.features, own.features)
    assert found.computed == ROWS
    assert found.pulled is not None
    assert found.pulled.startswith(f"none of {ROWS} images with pulled features")


def before_and_after(
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> None:
    """Have others do something once, before or after the first look at a sample."""
    whole, begun = features.check_sample, []

    def check_sample(result: Embedded, *given: object) -> bool:
        first = not begun
        begun.append(True)
        if first:
            before()
        held = whole(result, *given)  # type: ignore[arg-type]
        if first:
            after()
        return held

    monkeypatch.setattr(features, "check_sample", check_sample)


def test_another_run_deletes_the_entries_first(
    manifest: Manifest, exact: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features that were read while marked are looked at, whatever became of the entry since."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    forge(source, range(8))
    store = shared(source, tmp_path, 4)
    others: list[str | None] = []
    before_and_after(monkeypatch, before=lambda: others.append(run(manifest, exact, store).pulled))
    found = run(manifest, exact, store)
    assert "differ" in str(others[0])
    assert "differ" in str(found.pulled)
    np.testing.assert_array_equal(found.features, own.features)


def test_another_process_pulls_again(
    manifest: Manifest, exact: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries that arrive once a forgery was found are not used unseen by that run."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    forge(source, range(8))
    store, place = shared(source, tmp_path, 4), SharedPlace(str(tmp_path / "place"))

    def pull() -> None:
        moved = shared_store.pull(store, place, lambda kind: True, 4, quiet=True)
        assert moved.entries == len(own.shards)

    before_and_after(monkeypatch, after=pull)
    found = run(manifest, exact, store)
    assert found.computed == ROWS
    np.testing.assert_array_equal(found.features, own.features)


def wider(arrays: Arrays) -> None:
    arrays["features"] = np.concatenate([arrays["features"], arrays["features"]], axis=1)


def narrow(arrays: Arrays) -> None:
    arrays["features"] = arrays["features"][:, :1].copy()


def flat(arrays: Arrays) -> None:
    arrays["features"] = arrays["features"][:, 0].copy()


def infinite(arrays: Arrays) -> None:
    arrays["features"][:, 0] = np.inf  # type: ignore[call-overload]


def doubled(arrays: Arrays) -> None:
    arrays["features"] = arrays["features"].astype(np.float64)


def long_pixels(arrays: Arrays) -> None:
    arrays["pixels"] = np.concatenate([arrays["pixels"], arrays["pixels"]], axis=1)


@pytest.mark.parametrize("change", [wider, narrow, flat, infinite, doubled, long_pixels])
def test_an_entry_of_another_form_counts_as_absent(
    change: Callable[[Arrays], None], manifest: Manifest, exact: Backbone, tmp_path: Path
) -> None:
    """It stops no run, and what the run computes takes its place."""
    source = Store(tmp_path / "a")
    own = run(manifest, exact, source)
    for key in own.shards:
        arrays = source.get(own.kind, key)
        assert arrays is not None
        change(dict_of := dict(arrays))
        source.put(own.kind, key, dict_of)
    store = shared(source, tmp_path, ROWS)
    found = run(manifest, exact, store)
    assert (found.computed, found.pulled) == (ROWS, None)
    np.testing.assert_array_equal(found.features, own.features)
    assert run(manifest, exact, store).computed == 0
