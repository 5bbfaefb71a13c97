"""The state of a probe that is still training, so that an interrupted run does not start again.

In: a store, the digest of all that decides a probe, and named arrays now and then. Out: the arrays
again, in the next process that trains the same probe. When a state is written depends on the clock;
its contents do not.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.store import Store
from biobench.errors import BiobenchError
from biobench.spec.canonical import sha256_json

KIND = "training"
EVERY_S = 60.0
"""Seconds of training between two states."""
LEAST_RATIO = 20.0
"""Training between two states takes at least this many times as long as the last write."""

Arrays = Mapping[str, npt.NDArray[Any]]


class Checkpoint:
    """The stored state of one probe.

    Args:
        store: Where states are kept; one that cannot be written keeps none.
        probe: Digest of everything that decides the probe.
        resumed: Called with the units of work that an earlier process has done.
    """

    def __init__(
        self, store: Store, probe: str, *, resumed: Callable[[int], None] | None = None
    ) -> None:
        self._store = store
        self._key = sha256_json({"kind": KIND, "probe": probe})
        self._resumed = resumed
        self._next = time.monotonic() + EVERY_S

    def load(self) -> dict[str, npt.NDArray[Any]] | None:
        """The last state, or None where there is none or it is damaged."""
        return self._store.get(KIND, self._key)

    def resume(self, units: int) -> None:
        """Report the units of work that a loaded state stands for."""
        if self._resumed is not None and units:
            self._resumed(units)

    def due(self) -> bool:
        """True where it is time to save."""
        return time.monotonic() >= self._next

    def save(self, state: Arrays) -> None:
        """Write a state in place of the last one; a store that is read-only or full is not an
        error."""
        began = time.monotonic()
        with contextlib.suppress(BiobenchError):
            self._store.put(KIND, self._key, state)
        ended = time.monotonic()
        self._next = ended + max(EVERY_S, LEAST_RATIO * (ended - began))

    def remove(self) -> None:
        """Delete the state, once its outcome is stored."""
        with contextlib.suppress(OSError):
            self._store.path(KIND, self._key).unlink(missing_ok=True)


def fits(state: Arrays, like: Arrays) -> bool:
    """True where a state has the names, types and shapes of ``like``."""
    return state.keys() == like.keys() and all(
        state[name].dtype == np.asarray(value).dtype and state[name].shape == np.shape(value)
        for name, value in like.items()
    )
