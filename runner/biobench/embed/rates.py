"""The measured speed of a model, kept in the store for estimates.

In: what a run embedded, and how long it took. Out: images a second, by the options of a run; no
score depends on it. The newest measurement of more than a few images counts.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biobench._common.store import Store
from biobench.embed.embedded import Embedded, Execution
from biobench.embed.shards import ShardKeys
from biobench.errors import BiobenchError
from biobench.spec.canonical import canonical_json, parse_json, sha256_json

if TYPE_CHECKING:
    from biobench.models.base import Backbone

KIND = "rates"
FEW = 32
"""Images whose measurement does not replace another: the first passes are slower."""


@dataclass(frozen=True)
class Rate:
    """A measurement.

    Attributes:
        images: Images that were embedded.
        seconds: Time of their passes, with the time that these waited for pixels.
        peak_memory_bytes: Of the process.
        workers: Micro-batches side by side.
        hardware: Name of the processor or GPU.
        base: Base of the keys of the features.
        by_item: True where features are found by their image.
    """

    images: int
    seconds: float
    peak_memory_bytes: int
    workers: int
    hardware: str
    base: Mapping[str, Any]
    by_item: bool

    @property
    def images_per_s(self) -> float:
        """Images a second."""
        return self.images / self.seconds


def _key(asked: Mapping[str, str]) -> str:
    return sha256_json({"kind": KIND, **asked})


def remember(
    store: Store,
    asked: Mapping[str, str],
    backbone: Backbone,
    execution: Execution,
    embedded: Embedded,
    peak_memory_bytes: int,
) -> None:
    """Store the speed at which features were computed, where some were; an error of the disk costs
    an estimate alone.

    Args:
        store: The store.
        asked: The options of the run that name the model and how it runs.
        backbone: The model.
        execution: How its forward pass ran.
        embedded: What was embedded, with the seconds that it took.
        peak_memory_bytes: The most memory that the process had.
    """
    seconds = sum(embedded.seconds.values())
    if not embedded.computed or not seconds > 0:
        return
    if embedded.computed < FEW and recall(store, asked) is not None:
        return
    keys = ShardKeys(backbone, execution)
    value = {
        "images": embedded.computed,
        "seconds": seconds,
        "peak_memory_bytes": peak_memory_bytes,
        "workers": execution.workers,
        "hardware": _hardware(execution),
        "base": keys.base,
        "by_item": keys.by_item,
    }
    with contextlib.suppress(BiobenchError):
        store.put(KIND, _key(asked), {"rate": np.frombuffer(canonical_json(value), np.uint8)})


def _hardware(execution: Execution) -> str:
    engine = execution.engine
    return str(engine.get("gpu") or engine["cpu"][0])


def measured_earlier(
    store: Store, asked: Mapping[str, str], backbone: Backbone, execution: Execution
) -> float:
    """Images a second as an earlier run measured them of the same model, on a processor or GPU of
    the same name and with as many workers; 0 where the store has no such measurement."""
    rate = recall(store, asked)
    if rate is None:
        return 0.0
    keys = ShardKeys(backbone, execution)
    ours = [_hardware(execution), execution.workers, sha256_json(keys.base)]
    same = [rate.hardware, rate.workers, sha256_json(rate.base)] == ours
    return rate.images_per_s if same else 0.0


def recall(store: Store, asked: Mapping[str, str]) -> Rate | None:
    """The measurement that the store has for these options of a run."""
    found = store.get(KIND, _key(asked))
    if found is None:
        return None
    # Whole and not ours: anyone may have written to a shared store.
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        rate = Rate(**parse_json(bytes(found["rate"])))
        if rate.images > 0 and math.isfinite(rate.seconds) and rate.seconds > 0:
            return rate
    return None
