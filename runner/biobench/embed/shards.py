"""Shards: rows whose features are stored together, and the key that decides them.

In: manifest, digests of files, backbone, execution. Out: rows of each shard in manifest order, and
the digest of all that can move a bit of its features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.data.manifest import Manifest
from biobench.embed.embedded import Execution
from biobench.native import build_info
from biobench.repro.torch_state import altered
from biobench.spec.canonical import canonical_json, parse_json, sha256_json

if TYPE_CHECKING:
    from biobench.models.base import Backbone

KIND = "features"
REVISION = 3
"""Version that any change of decoding, resizing or embedding increments if it can move a bit."""

MICRO_BATCHES_PER_SHARD = 8
"""Rows of a shard: the most that an interruption loses; small shards make many files."""

FILES = "files"
"""Array of a shard: SHA-256 of the file of each row, uint8 (rows, 32)."""

ALTERED = "altered"
"""Array of a shard that was computed while torch was altered: :func:`altered_array`."""

Rows = npt.NDArray[np.int64]
Wanted = npt.NDArray[np.bool_] | None


def parts(
    manifest: Manifest, backbone: Backbone, micro_batch: int, wanted: Wanted = None
) -> list[Rows]:
    """Rows of the shards of every split, in manifest order: of wanted rows alone where features are
    found by item, else whole ones that have a wanted row.

    Args:
        manifest: All rows.
        backbone: The model.
        micro_batch: Rows of a micro-batch.
        wanted: bool (rows,); None for all rows.
    """
    size = micro_batch * MICRO_BATCHES_PER_SHARD
    return list(_parts(manifest, size, wanted, wanted_alone=by_item(backbone)))


def whole_parts(manifest: Manifest, micro_batch: int) -> list[Rows]:
    """Rows of the shards of every split, of all rows."""
    return list(_parts(manifest, micro_batch * MICRO_BATCHES_PER_SHARD, None, wanted_alone=False))


def _parts(manifest: Manifest, size: int, wanted: Wanted, *, wanted_alone: bool) -> Iterator[Rows]:
    for split in dict.fromkeys(row.split for row in manifest.rows):
        rows = manifest.indices(split)
        if wanted_alone and wanted is not None:
            rows = rows[wanted[rows]]
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            if wanted is None or wanted[part].any():
                yield part


def groups(shards: Sequence[Rows], micro_batch: int) -> list[list[int]]:
    """Numbers of shards that are read in one go: their rows fill whole micro-batches up to the last
    one of a group."""
    found: list[list[int]] = [[]]
    for number, rows in enumerate(shards):
        found[-1].append(number)
        if len(rows) % micro_batch:
            found.append([])
    return [group for group in found if group]


def by_item(backbone: Backbone) -> bool:
    """True where the features of an image depend on no other image of its shard."""
    return backbone.info.program is not None


def revision() -> list[Any]:
    """The versions of what decodes, resizes and embeds here."""
    from biobench.decode.pillow import versions

    return [REVISION, version("biobench"), build_info()["libjpeg_turbo"], *versions()]


def kind_of(base: Mapping[str, Any]) -> str:
    """The folder of the features whose keys have this base: those of one backbone lie together."""
    return f"{KIND}-{sha256_json(dict(base)).removeprefix('sha256:')[:16]}"


def shard_key(base: Mapping[str, Any], files: Sequence[str]) -> str:
    """The key of the shard whose images were decoded from files with these digests."""
    return sha256_json({**base, "files": list(files)})


class ShardKeys:
    """The store's keys of the features of a backbone; ``base``: all that is in each of them."""

    def __init__(self, backbone: Backbone, execution: Execution) -> None:
        info = backbone.info
        self.base: dict[str, Any] = {
            "kind": KIND,
            "revision": revision(),
            "weights": info.weights,
            "fingerprint": info.fingerprint,
            "model": info.resolved,
            "feature": info.feature,
            "recipe": backbone.recipe.digest,
            "precision": execution.precision,
            "micro_batch": execution.micro_batch,
            # A program gives one value wherever it runs.
            "engine": info.program or execution.engine,
        }
        self.kind = kind_of(self.base)
        self.by_item = by_item(backbone)

    def of_model(self, kind: str) -> str:
        """The key of what is found of the backbone itself, with whatever images."""
        return sha256_json({**self.base, "kind": kind})

    def key(self, files: Sequence[str]) -> str:
        """The key of the shard whose images were decoded from files with these digests."""
        return shard_key(self.base, files)


def altered_array(state: Mapping[str, str]) -> dict[str, npt.NDArray[np.uint8]]:
    """The array by which a shard says how torch was altered, none where it was not.

    A run that takes the shard from the store does not embed, and could not know it.
    """
    changes = altered(state, in_run=True)
    return {ALTERED: np.frombuffer(canonical_json(changes), np.uint8)} if changes else {}


def altered_of(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, str] | None:
    """The altered switches of torch of a shard's arrays, by name; None where its array cannot be
    read."""
    if ALTERED not in arrays:
        return {}
    try:
        found = parse_json(bytes(arrays[ALTERED]))
        return found if altered(found, in_run=True) == found else None
    except (ValueError, TypeError, AttributeError):
        # Whole and not ours: anyone may have written to a shared store.
        return None
