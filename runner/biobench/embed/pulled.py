"""Features that were pulled from others: a sample of them is embedded again before they are used.

In: what a task found in the store. Out: the same, where the sample holds, with a statement of what
it proves; where it does not, the pulled entries of the model are deleted, to be computed here.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from biobench._common.store import Store
from biobench.data.manifest import Manifest
from biobench.embed.embedded import Embedded, Execution
from biobench.embed.recomputed import recompute_rows, refuted
from biobench.embed.shards import by_item
from biobench.errors import BiobenchError, DataError, counted, shown
from biobench.models.base import Backbone
from biobench.spec.generator import Stream

SAMPLE = 32
"""Images of a task that are embedded again, where the mark of an entry says no other number: of
fewer a share of a tenth would often not be seen."""
MAX_NAMED = 3
"""Images that the statement names."""


def count_found(result: Embedded) -> int:
    """Count the rows that have features."""
    return int((result.places[:, 0] != -1).sum())


def check_sample(
    result: Embedded, manifest: Manifest, backbone: Backbone, execution: Execution, store: Store
) -> bool:
    """Embed a sample of the pulled features of a task again, and say in ``result.pulled`` what it
    shows.

    Where all are equal, entries whose rows were all open to the draw are from then on as if they
    had been computed here. Where one differs, every pulled entry of the model that was not yet
    looked at is deleted. There, and where nothing could be compared, the rows have to be found
    again without pulled entries.

    By torch the sample is of whole micro-batches, whose images may depend on each other.

    Returns:
        False where the features cannot be used.

    Raises:
        DataError: They differ and cannot be deleted.
    """
    keys = [key for key in result.shards if key in result.marks]
    if not keys:
        return True
    numbers = [result.shards.index(key) for key in keys]
    rows = np.flatnonzero(np.isin(result.places[:, 0], numbers))
    wanted = max(result.marks[key].sample or SAMPLE for key in keys)
    units = _units(result, rows, None if by_item(backbone) else execution.micro_batch)
    count = min(len(units), -(-wanted // max(map(len, units))))
    seed = secrets.randbits(53)  # whoever made the features must not have known it
    drawn = [
        units[i] for i in sorted(Stream(seed, "verify/sample").permutation(len(units))[:count])
    ]
    together = [np.concatenate(drawn)] if by_item(backbone) else drawn
    compared, differing = 0, list[str]()
    for chosen in together:
        again = recompute_rows(manifest, chosen, backbone, execution)
        # An image that cannot be read now, or is another one, is for the run to report. What was
        # found without its file, and what was decoded of bytes that give no image, is forged.
        nameless = ~result.files[chosen].any(axis=1)
        same_file = (again.files == result.files[chosen]).all(axis=1)
        for i in np.flatnonzero(same_file | nameless).tolist():
            compared += 1
            row = int(chosen[i])
            if (
                nameless[i]
                or i in again.bad
                or again.pixels[i].tobytes() != result.pixels[row].tobytes()
                or again.features[i].tobytes() != result.features[row].tobytes()
            ):
                differing.append(manifest.rows[row].path)
    if differing:
        result.pulled = _delete(store, result.kind, compared, differing)
        return False
    if not compared:
        result.pulled = (
            f"none of {counted(len(rows), 'image')} with pulled features could be compared; the "
            "features are not used"
        )
        return False
    result.pulled = _statement(len(rows), compared, count, len(units))
    _release(result, store, keys)
    return True


def _units(
    result: Embedded, rows: npt.NDArray[np.int64], micro_batch: int | None
) -> list[npt.NDArray[np.int64]]:
    """The parts that are drawn: rows, or micro-batches in the order of their places."""
    if micro_batch is None:
        return list(rows.reshape(-1, 1))
    ordered = rows[np.lexsort((result.places[rows, 1], result.places[rows, 0]))]
    shard, place = result.places[ordered].T
    ends = np.flatnonzero((np.diff(shard) != 0) | (np.diff(place // micro_batch) != 0)) + 1
    return np.split(ordered, ends)


def _statement(pulled: int, compared: int, drawn: int, of: int) -> str:
    text = f"{compared} of {counted(pulled, 'image')} with pulled features embedded again, equal"
    return text + refuted(drawn, of)


def _release(result: Embedded, store: Store, keys: Sequence[str]) -> None:
    """Remove the marks of entries whose rows could all have been drawn."""
    for key in keys:
        shard = store.get(result.kind, key, pulled=True)
        number = result.shards.index(key)
        used = np.unique(result.places[result.places[:, 0] == number, 1])
        if shard is not None and len(used) == len(shard["features"]):
            # A store that is only read keeps them, and each run looks again.
            with contextlib.suppress(BiobenchError):
                store.release(result.kind, key, result.marks[key])


def _delete(store: Store, kind: str, compared: int, differing: Sequence[str]) -> str:
    """Delete all pulled entries of a kind, and say so."""
    count = 0
    for key in store.keys(kind):
        if not store.is_pulled(kind, key):
            continue
        path = store.path(kind, key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(
                f"pulled features differ from those of this machine, for {shown(differing[0])}, "
                f"and cannot be deleted ({error.strerror})",
                where=str(path),
                remedy="delete them, or name another --store",
            ) from error
        count += 1
    listed = ", ".join(map(shown, differing[:MAX_NAMED])) + (
        ", ..." if len(differing) > MAX_NAMED else ""
    )
    return (
        f"{len(differing)} of {compared} pulled features differ from those of this machine: "
        f"{listed}; {counted(count, 'pulled entry', 'pulled entries')} of the model deleted, their "
        "images are embedded here"
    )
