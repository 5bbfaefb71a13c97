"""Small videos made with PyAV, sound and hostile, and a data set of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from biobench.spec.documents import Dataset, Layout

FRAMES = 4
"""Frames of a clip, so that videos can be short."""

LAYOUT = {
    "tables": {"train": "train.csv", "test": "test.csv"},
    "delimiter": " ",
    "columns": ["path", "label"],
    "path": "frames/{path:stem}/frame_{n}.jpg",
    "label": "label",
    "subject": "{path:stem}",
    "frames": {"column": "n", "count": FRAMES, "digits": 2},
}
VIDEOS = {"path": "films/{subject}.mp4", "digest": None}
CLIPS = {"train": ["bear", "fox", "hare"], "test": ["lynx", "wolf"]}
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


def drawn(count: int, height: int = 48, width: int = 64, seed: int = 0) -> list[npt.NDArray[Any]]:
    """Pictures that differ from each other, uint8 (height, width, 3): waves that wander."""
    y, x, channel = np.ogrid[:height, :width, :3]
    waves = 4 * np.sin(y / 9 + seed) + 3 * np.cos(x / 7 - channel) + np.sin((x + 2 * y) / 5)
    whole = (128 + 14 * waves).astype(np.uint8)
    return [np.roll(whole, (i, 3 * i), (0, 1)) for i in range(count)]


def film(
    path: Path,
    pictures: Sequence[npt.NDArray[Any]],
    *,
    codec: str = "libx264",
    form: str = "yuv420p",
    times: Sequence[int] | None = None,
    options: Mapping[str, str] | None = None,
    rotation: int = 0,
    colours: Mapping[str, int] | None = None,
) -> Path:
    """A video of these pictures, at ``times`` in 25ths of a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=25, options=dict(options or {}))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = form
        for name, value in (colours or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=form)
            for name, value in (colours or {}).items():
                setattr(frame, name, value)
            frame.pts = i if times is None else times[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def planes_of(path: Path) -> list[list[npt.NDArray[np.uint8]]]:
    """Luma and chroma of every frame, as PyAV gives them."""
    with av.open(str(path)) as container:
        found = []
        for frame in container.decode(video=0):
            height, width = frame.height, frame.width
            flat = frame.to_ndarray().reshape(-1)
            sizes = [(height, width), *[((height + 1) // 2, (width + 1) // 2)] * 2]
            ends = np.cumsum([h * w for h, w in sizes])
            parts = np.split(flat, ends[:-1])
            found.append([p[: h * w].reshape(h, w) for p, (h, w) in zip(parts, sizes, strict=True)])
        return found


def film_set(root: Path, clips: Mapping[str, Sequence[str]] | None = None) -> Dataset:
    """Tables and videos of a data set ``films`` in ``root``; returns its document."""
    clips = CLIPS if clips is None else clips
    for split, names in clips.items():
        rows = "".join(f"films/{name}.mp4 {i % 2}\n" for i, name in enumerate(names))
        (root / f"{split}.csv").parent.mkdir(parents=True, exist_ok=True)
        (root / f"{split}.csv").write_text(rows)
        for name in names:
            film(root / "films" / f"{name}.mp4", drawn(FRAMES * 3, seed=len(name) + ord(name[0])))
    return film_dataset()


def film_dataset(**changes: Any) -> Dataset:
    """The document of :func:`film_set`."""
    fields: dict[str, Any] = {
        "id": "films",
        "title": "Films",
        "version": "1",
        "status": "ok",
        "licence": "CC0-1.0",
        "citation": "",
        "sources": (),
        "layout": Layout("csv", LAYOUT),
        "unknown": {},
        "files": {"count": None, "bytes": None, "digest": None},
        "videos": VIDEOS,
    }
    return Dataset(**{**fields, **changes})
