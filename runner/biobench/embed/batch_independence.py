"""The comparison of an image alone with the same image among others, made once for a model.

In: two features of one image. Out: their distance, kept in the store under what can change it, so
that a run that embeds nothing knows it too. No score depends on it.
"""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt

from biobench._common.store import Store
from biobench.embed.embedded import BatchIndependence
from biobench.embed.shards import ShardKeys
from biobench.errors import BiobenchError

KIND = "alone"


def compare(
    path: str, among_others: npt.NDArray[np.float32], alone: npt.NDArray[np.float32]
) -> BatchIndependence:
    """The comparison of two features of an image, float32 (dim,)."""
    distance = np.linalg.norm(among_others.astype(np.float64) - alone)
    return BatchIndependence(path, float(distance), float(np.linalg.norm(alone)))


def remember(store: Store, keys: ShardKeys, made: BatchIndependence) -> None:
    """Store the comparison of a model; an error of the disk costs a later run its line alone."""
    with contextlib.suppress(BiobenchError):
        store.put(
            KIND,
            keys.of_model(KIND),
            {
                "path": np.frombuffer(made.path.encode(), np.uint8),
                "numbers": np.array([made.distance, made.length]),
            },
        )


def recall(store: Store, keys: ShardKeys) -> BatchIndependence | None:
    """The comparison that the store has of a model."""
    arrays = store.get(KIND, keys.of_model(KIND))
    if arrays is None:
        return None
    try:
        distance, length = map(float, arrays["numbers"])
        return BatchIndependence(bytes(arrays["path"]).decode(), distance, length)
    except (KeyError, TypeError, ValueError):
        # Whole and not ours: anyone may have written to a shared store.
        return None
