"""Diagnostics after the images are read, for the owner of the data or the model.

In: a manifest and what was embedded of it. Out: a line each for images that are in train and test,
that are in a gallery twice, or that are under two classes, for features that are all the same, for
a model that mixes the images of a batch, and for pulled features. No line changes a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from biobench.data.duplicates import LEAKED, duplicates, pairs_line
from biobench.data.manifest import Manifest, Row
from biobench.embed.embedded import Embedded
from biobench.errors import shown


def doubts(manifest: Manifest, embedded: Embedded, *, copies_known: bool = False) -> list[str]:
    """One line for each suspicious fact of the rows that were read; ``copies_known``: without that
    on images of train and test, as the plan has said it."""
    rows = np.flatnonzero(embedded.files.any(axis=1)).tolist()
    read = [row for row in rows if row not in embedded.bad]
    found = duplicates(manifest, _same_bytes(manifest, embedded.files, read))
    lines = [] if embedded.pulled is None else [embedded.pulled]
    for what, pairs in (
        (LEAKED, [] if copies_known else found.leaked),
        ("of the gallery {have} the bytes of another one of its class", found.repeated),
        ("{have} the bytes of one of another class", found.mixed),
    ):
        if pairs:
            lines.append(pairs_line(what, [(row.path, other.path) for row, other in pairs]))
    if len(read) > 1 and (embedded.features[read] == embedded.features[read[0]]).all():
        lines.append(
            f"the features of all {len(read)} images are equal: the model tells none from another"
        )
    alone = embedded.batch_independence
    if alone is not None and alone.differs:
        lines.append(
            "the model mixes the images of a batch: the features of "
            f"{shown(alone.path)} alone and among others differ by {alone.distance:.3g}"
        )
    return lines


def _same_bytes(
    manifest: Manifest, files: npt.NDArray[np.uint8], read: Sequence[int]
) -> Iterator[list[Row]]:
    """The rows of each file content that several rows have, in manifest order."""
    # The first bytes tell nearly all apart, so that few of millions of rows are gathered.
    beginning = np.ascontiguousarray(files[read]).view(np.uint64)[:, 0]
    _, inverse, counts = np.unique(beginning, return_inverse=True, return_counts=True)
    groups: dict[bytes, list[Row]] = {}
    for place in np.flatnonzero(counts[inverse] > 1).tolist():
        row = read[place]
        groups.setdefault(files[row].tobytes(), []).append(manifest.rows[row])
    return (rows for rows in groups.values() if len(rows) > 1)
