"""Small pictures of items, made from the data by the decoder that scores them.

In: a manifest and ids of items. Out: JPEG files in memory, and the ids that cannot be read.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np

from biobench.data.manifest import Manifest
from biobench.decode.headers import more_formats
from biobench.decode.loader import usable_cores
from biobench.decode.native import decode_batch
from biobench.decode.recipe import Recipe

SIDE = 112
"""Height and width in pixels; the whole picture is inside, with grey beside it."""
QUALITY = 72
"""JPEG quality: 2 to 5 kB a picture."""
_BATCH = 64
_GREY = (127, 127, 127)


def thumbnails(manifest: Manifest, ids: Iterable[str]) -> dict[str, bytes]:
    """A JPEG of each item, without those that cannot be read; of several images the middle one."""
    wanted = set(ids)
    paths: dict[str, list[str]] = {}
    for row in manifest.rows:
        id = row.subject or row.id
        if id in wanted:
            paths.setdefault(id, []).append(row.path)
    chosen = [(id, paths[id][len(paths[id]) // 2]) for id in sorted(paths)]
    decoder = more_formats() if manifest.more_formats else None
    found: dict[str, bytes] = {}
    for start in range(0, len(chosen), _BATCH):
        part = chosen[start : start + _BATCH]
        batch = decode_batch(
            [manifest.root / path for _, path in part],
            _recipe(),
            workers=usable_cores(),
            decoder=decoder,
        )
        bad = {failure.index for failure in batch.failures}
        for i, (id, _) in enumerate(part):
            if i not in bad:
                found[id] = _jpeg(batch.pixels[i])
    return found


def _recipe() -> Recipe:
    return Recipe(
        mode="longest",
        size=(SIDE, SIDE),
        long_side="floor",
        filter="bicubic",
        crop=(SIDE, SIDE),
        crop_rounding="floor",
        pad=_GREY,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        table_bytes=np.zeros((3, 256), dtype="<f4").tobytes(),
    )


def _jpeg(pixels: object) -> bytes:
    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", quality=QUALITY, optimize=True)  # type: ignore[arg-type]
    return sink.getvalue()
