"""One video to JPEG files in memory, with PyAV (SPEC.md, section "Frames of videos").

In: a file. Out: its chosen frames. The decoder works on one thread; videos are cut side by side.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.data.frames.colour import Plane, Samples, narrowed, to_rgb, turned
from biobench.data.frames.rule import MAX_PIXELS, MAX_SIDE, chosen

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name of the one reader that is allowed: a playlist, called .mp4, would open others."""

QUALITY = 95
SUBSAMPLING = "4:2:0"
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG, and VideoFullRangeFlag of H.273 is set."""

Stopped = Callable[[], bool]


class BadVideo(Exception):
    """The reason why a video has no frames, in a few words."""


class VideoInterrupted(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class Cut:
    """The chosen frames of a video.

    Attributes:
        files: JPEG files in order.
        count: Frames that the video has.
        height: Height of the first chosen frame.
        width: Width of the first chosen frame.
        pixels: ``sha256:`` digest of the chosen frames' RGB, one after another, before they became
            JPEG.
    """

    files: tuple[bytes, ...]
    count: int
    height: int
    width: int
    pixels: str


def made_with() -> dict[str, str]:
    """Versions of the software that decides the bytes of a frame."""
    import av
    import PIL
    from PIL import features

    libraries = {
        name: ".".join(map(str, av.library_versions[name]))
        for name in ("libavcodec", "libavformat")
    }
    turbo = features.version("libjpeg_turbo") or "none"
    return {"av": av.__version__, **libraries, "pillow": PIL.__version__, "libjpeg_turbo": turbo}


def cut_video(path: Path, frames: int, stopped: Stopped = lambda: False) -> Cut:
    """Decode ``frames`` frames of the video in ``path``.

    Raises:
        BadVideo: It is damaged, ends early, has no video or too few frames, or frames that are too
            large or not of luma and chroma.
        Interrupted: ``stopped()`` became true.
    """
    # The file's own count decides which frames are kept while it is decoded; where it proves wrong,
    # the video is decoded again with the count that was found.
    guess = _expected_count(path)
    for _ in range(2):
        kept = _Kept(chosen(guess, frames) if guess >= frames else [])
        count = 0
        for frame in _decoded(path, stopped):
            if count in kept.numbers:
                kept.add(turned(to_rgb(_samples(frame)), frame.rotation))
            count += 1
        if count < frames:
            had = "1 frame" if count == 1 else f"{count} frames"
            raise BadVideo(f"has {had} where {frames} are needed")
        if chosen(count, frames) == kept.numbers:
            return kept.cut(count)
        guess = count
    raise BadVideo("gives another number of frames each time it is decoded")


class _Kept:
    """The frames that are kept, and their digest."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers
        self._files: list[bytes] = []
        self._size = (0, 0)
        self._pixels = hashlib.sha256()

    def add(self, rgb: npt.NDArray[np.uint8]) -> None:
        if not self._files:
            self._size = rgb.shape[0], rgb.shape[1]
        self._pixels.update(np.ascontiguousarray(rgb).data)
        self._files.append(_jpeg(rgb))

    def cut(self, count: int) -> Cut:
        height, width = self._size
        return Cut(tuple(self._files), count, height, width, "sha256:" + self._pixels.hexdigest())


def _jpeg(rgb: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=QUALITY, subsampling=SUBSAMPLING)
    return file.getvalue()


def _opened(path: Path) -> InputContainer:
    import av

    # The limit holds while the streams are probed, too: that decodes frames.
    options = {
        "max_pixels": str(MAX_PIXELS),
        "format_whitelist": CONTAINERS,
        "protocol_whitelist": "file",
    }
    try:
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise BadVideo(f"cannot be opened ({_reason(error)})") from error


def _video(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures; a cover image does not count."""
    import av

    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    raise BadVideo("has no video stream")


def _expected_count(path: Path) -> int:
    """Number of frames that the file states; raises BadVideo where they cannot all be there."""
    with _opened(path) as container:
        entries = list(_video(container).index_entries)
        end = max((entry.pos + entry.size for entry in entries), default=0)
        size = path.stat().st_size
        if end > size:
            raise BadVideo(f"ends early: {size} bytes, and its frames take {end}")
        return sum(not entry.is_discard for entry in entries)


def _decoded(path: Path, stopped: Stopped) -> Iterator[av.VideoFrame]:
    """Every frame in order of presentation."""
    import av

    with _opened(path) as container:
        stream = _video(container)
        codec: Any = stream.codec_context
        if codec is None:
            raise BadVideo("is coded in a way that FFmpeg does not read")
        _check_size(codec.height, codec.width)
        codec.thread_type = "NONE"
        codec.thread_count = 1
        codec.options = {"max_pixels": str(MAX_PIXELS)}
        # MPEG-4's inverse transform is not exact by its standard; this takes the plain one.
        codec.flags |= av.codec.context.Flags.bitexact
        try:
            for packet in container.demux(stream):
                if packet.is_corrupt:
                    raise BadVideo("is damaged, or ends early")
                for frame in packet.decode():
                    if stopped():
                        raise VideoInterrupted
                    if not isinstance(frame, av.VideoFrame):
                        continue
                    if frame.is_corrupt:
                        raise BadVideo("is damaged: a frame cannot be decoded whole")
                    _check_size(frame.height, frame.width)
                    yield frame
        except (av.FFmpegError, ValueError) as error:
            raise BadVideo(f"is damaged ({_reason(error)})") from error


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS or max(height, width) > MAX_SIDE:
        raise BadVideo(f"has frames of {width} x {height}, and {MAX_PIXELS} pixels are the limit")


def _samples(frame: av.VideoFrame) -> Samples:
    form = frame.format
    parts = form.components
    bits = parts[0].bits
    planar = all(part.plane == i and part.bits == bits for i, part in enumerate(parts))
    wide = bits > 8
    if (
        not (planar and 8 <= bits <= 16 and len(parts) in (1, 3, 4))
        or form.is_rgb
        or form.has_palette
        or (wide and form.is_big_endian)
    ):
        raise BadVideo(
            f"has samples in the form {form.name}, which is not luma and chroma in planes"
        )
    planes = [
        _plane(frame.planes[i], part.height, part.width, bits) for i, part in enumerate(parts[:3])
    ]
    shifts = (_shift(form.chroma_width), _shift(form.chroma_height))
    return Samples(
        luma=planes[0],
        chroma=(planes[1], planes[2]) if len(planes) == 3 else None,
        shifts=shifts,
        matrix=int(frame.colorspace),
        full=int(frame.color_range) == FULL_RANGE or form.name.startswith("yuvj"),
    )


def _shift(side: Callable[[int], int]) -> int:
    """Number of halvings between a side of luma and that of chroma."""
    return (1024 // side(1024)).bit_length() - 1


def _plane(plane: Any, height: int, width: int, bits: int) -> Plane:
    if plane.line_size <= 0:
        raise BadVideo("has rows from bottom to top, which are not read")
    size = 2 if bits > 8 else 1
    rows = np.frombuffer(plane, "<u2" if size == 2 else np.uint8).reshape(height, -1)[:, :width]
    return narrowed(rows, bits) if size == 2 else rows.astype(np.uint8, copy=False)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
