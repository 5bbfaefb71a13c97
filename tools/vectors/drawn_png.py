"""Section 8.1: PNG files of every depth, with and without interlace, with every filter.

They are written here byte by byte, without compression, so that they do not depend on an encoder.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors.drawn import SEED

SIDE = 17
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = {"gray": 0, "rgb": 2, "palette": 3, "gray-alpha": 4, "rgba": 6}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Adam7: first column, first row, and the steps between columns and rows."""

Samples = np.ndarray[Any, Any]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks, which any compressor writes alike."""
    blocks = b""
    parts = [data[i : i + 65_535] for i in range(0, len(data), 65_535)] or [b""]
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        blocks += struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF) + part
    return b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(data))


def packed(row: Samples, depth: int) -> bytes:
    """The samples of a row, the first in the highest bits."""
    if depth == 16:
        return bytes(row.astype(">u2").tobytes())
    if depth == 8:
        return bytes(row.astype(np.uint8).tobytes())
    bits = "".join(f"{int(value):0{depth}b}" for value in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a: int, b: int, c: int) -> int:
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """A row as the filter of this kind writes it, without the kind."""
    found = []
    for i, value in enumerate(row):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        up = above[i]
        guess = (0, left, up, (left + up) >> 1, paeth(left, up, corner))[kind]
        found.append((value - guess) & 255)
    return bytes(found)


def scanlines(samples: Samples, depth: int, filters: Sequence[int], *, interlaced: bool) -> bytes:
    """Image data of samples (height, width, channels); filters take turns, row by row."""
    channels = samples.shape[2]
    step = max(1, channels * depth // 8)
    found, turn = b"", 0
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        part = samples[top::down, left::across]
        if not part.size:
            continue
        above = bytes(-(-part.shape[1] * channels * depth // 8))
        for line in part:
            row = packed(line.reshape(-1), depth)
            kind = filters[turn % len(filters)]
            found += bytes([kind]) + filtered(kind, row, above, step)
            above, turn = row, turn + 1
    return found


def png(
    samples: Samples,
    colour: int,
    depth: int,
    filters: Sequence[int] = (1, 2, 3, 4, 0),
    *,
    interlaced: bool = False,
    palette: bytes | None = None,
    data: bytes | None = None,
    pieces: int = 1,
    before: bytes = b"",
    methods: tuple[int, int] = (0, 0),
) -> bytes:
    """A file; ``data``: scanlines in place of the samples', ``pieces``: of the image data,
    ``before``: chunks before it, ``methods``: of compression and filter."""
    height, width = samples.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, depth, colour, *methods, int(interlaced))
    lines = scanlines(samples, depth, filters, interlaced=interlaced) if data is None else data
    body = stored(lines)
    size = -(-len(body) // pieces)
    found = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    if palette is not None:
        found += chunk(b"PLTE", palette)
    found += before
    for i in range(0, len(body), size):
        found += chunk(b"IDAT", body[i : i + size])
    return found + chunk(b"IEND", b"")


def drawn(name: str, channels: int, depth: int, shape: tuple[int, int] = (SIDE, SIDE)) -> Samples:
    """Samples of few values, so that predictors are often equally near, and of all bits."""
    stream = Stream(SEED, f"vectors/png/{name}")
    count = shape[0] * shape[1] * channels
    if depth == 16:
        return stream.integers(1 << 16, count).reshape(*shape, channels)
    few = np.array([0, 1, 3, 5, 6, 7])[stream.integers(6, count)] * ((1 << depth) - 1) // 7
    return few.reshape(*shape, channels)


def colours(count: int) -> bytes:
    """A palette whose entries all differ."""
    return bytes(
        v for i in range(count) for v in ((37 * i) % 256, (91 * i + 5) % 256, 255 - i % 256)
    )


def pictures() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    for name, colour in KINDS.items():
        for depth in DEPTHS[colour]:
            samples = drawn(f"{name}-{depth}", CHANNELS[colour], depth)
            palette = colours(1 << depth) if colour == 3 else None
            for interlaced in (False, True):
                form = "interlaced-" if interlaced else ""
                content = png(samples, colour, depth, interlaced=interlaced, palette=palette)
                yield f"{form}{name}-{depth}-bit", content
    for kind, name in enumerate(("none", "sub", "up", "average", "paeth")):
        samples = drawn(f"filter-{name}", 3, 8, (9, 9))
        yield f"filter-{name}", png(samples, 2, 8, (kind,))
    narrow = drawn("narrow", 1, 8, (9, 1))
    yield "interlaced-one-column", png(narrow, 0, 8, interlaced=True)
    # More rows and columns than a byte counts.
    for name, shape in {"row": (1, 601), "column": (601, 1)}.items():
        yield f"long-{name}", png(drawn(f"long-{name}", 1, 2, shape), 0, 2)
    small = drawn("small", 3, 8, (5, 5))
    yield "several-pieces", png(small, 2, 8, pieces=3)
    lines = scanlines(small, 8, (0,), interlaced=False)
    yield "bad-filter", png(small, 2, 8, data=b"\5" + lines[1:])
    yield "bad-too-little-data", png(small, 2, 8, data=lines[:-20])
    yield "bad-depth", png(small, 2, 4, data=bytes(len(lines)))
    yield "bad-no-size", png(small[:, :0], 2, 8, data=lines)
    yield from pieces_of_data()
    yield from frames()
    yield from without_effect()
    yield from refused()


def pieces_of_data() -> Iterator[tuple[str, bytes]]:
    """Chunks between and behind those of image data, or before them in place of data."""
    samples = drawn("pieces", 3, 8, (2, 3))
    whole = png(samples, 2, 8)
    head, end = whole[:33], whole[-12:]
    body = stored(scanlines(samples, 8, (0,), interlaced=False))
    first, second = chunk(b"IDAT", body[:12]), chunk(b"IDAT", body[12:])
    for name, between in {
        "text": chunk(b"tEXt", b"a\0b"),
        "an-unknown-chunk": chunk(b"ABCD", b""),
        "an-end": end,
    }.items():
        yield f"bad-data-with-{name}-between", head + first + between + second + end
    yield "data-with-an-empty-piece-between", head + first + chunk(b"IDAT", b"") + second + end
    yield "bad-data-behind-an-end", head + end + first + second + end
    yield "bad-data-behind-the-end-alone", head + end + chunk(b"IDAT", body) + end
    late = chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", b"no data")
    yield "data-and-later-pieces", head + first + second + late + end
    yield "data-and-a-cut-chunk-behind-the-end", whole + chunk(b"tEXt", b"a\0b")[:10]
    yield "bad-signature-of-four-bytes", b"\x89PNG\r\n\x1a\0" + whole[8:]
    two = chunk(b"acTL", struct.pack(">II", 2, 0)) + frame(0, 3, 2)
    drawn_twice = head + two + first + second
    data = chunk(b"fdAT", struct.pack(">I", 2) + body)
    yield "data-and-a-control-that-is-cut", drawn_twice + frame(1, 3, 2)[:20]
    yield "data-and-a-frame-that-is-cut", drawn_twice + frame(1, 3, 2) + data[:20]


def frame(number: int, *place: int, ways: tuple[int, int] = (0, 0), more: bytes = b"") -> bytes:
    """The control of a frame; place: width and height, and left and top where they are not 0."""
    body = struct.pack(">5I2H2B", number, *place, *[0] * (4 - len(place)), 1, 1, *ways)
    return chunk(b"fcTL", body + more)


def frames() -> Iterator[tuple[str, bytes]]:
    """Controls of frames before the image data."""
    samples = drawn("frames", 3, 8, (2, 3))
    two = chunk(b"acTL", struct.pack(">II", 2, 0))
    for name, before in {
        "frame": frame(0, 3, 2),
        "frame-and-a-second-control": frame(0, 3, 2) + frame(1, 3, 2),
        "bad-frame-that-is-wider": frame(0, 4, 2),
        "bad-frame-that-is-higher": frame(0, 3, 3),
        "bad-frame-that-is-narrower": frame(0, 2, 2),
        "bad-frame-further-right": frame(0, 3, 2, 1),
        "bad-frame-further-down": frame(0, 3, 2, 0, 1),
        "bad-frame-number-1-first": frame(1, 3, 2),
        "bad-frame-number-0-twice": 2 * frame(0, 3, 2),
        "bad-frame-control-of-25-bytes": chunk(b"fcTL", frame(0, 3, 2)[8:-5]),
        "refused-frame-control-of-27-bytes": frame(0, 3, 2, more=b"x"),
        "refused-frame-disposed-in-way-3": frame(0, 3, 2, ways=(3, 0)),
        "refused-frame-blended-in-way-2": frame(0, 3, 2, ways=(0, 2)),
        "refused-frame-data-before-the-image": frame(0, 3, 2) + chunk(b"fdAT", b"\0\0\0\1"),
    }.items():
        yield name, png(samples, 2, 8, before=two + before)


def without_effect() -> Iterator[tuple[str, bytes]]:
    """Chunks of profiles, gamma, opacity and ground, which no pixel depends on."""
    kinds = {"gray-8-bit": (0, 8), "rgb-16-bit": (2, 16), "rgb-8-bit": (2, 8)}
    samples = {n: drawn(f"chunk-{n}", CHANNELS[c], d, (4, 4)) for n, (c, d) in kinds.items()}
    profile = b"profile\0\0" + stored(b"no profile at all")
    turned = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    for kind, name, body in (
        ("rgb-8-bit", b"iCCP", profile),
        ("rgb-8-bit", b"gAMA", struct.pack(">I", 100_000)),
        ("rgb-8-bit", b"sRGB", b"\0"),
        ("rgb-8-bit", b"eXIf", turned),
        ("gray-8-bit", b"tRNS", struct.pack(">H", int(samples["gray-8-bit"][0, 0, 0]))),
        ("rgb-16-bit", b"tRNS", struct.pack(">3H", *map(int, samples["rgb-16-bit"][0, 0]))),
        ("gray-8-bit", b"bKGD", struct.pack(">H", 77)),
    ):
        colour, depth = kinds[kind]
        content = png(samples[kind], colour, depth, before=chunk(name, body))
        yield f"{kind}-with-{name.decode().lower()}", content
    clear = chunk(b"tRNS", b"\0\x80\xff") + chunk(b"bKGD", b"\1")
    few = drawn("chunk-palette", 1, 2, (4, 4))
    yield "palette-with-trns-and-bkgd", png(few, 3, 2, palette=colours(4), before=clear)
    yield "rgb-with-a-palette", png(samples["rgb-8-bit"], 2, 8, palette=colours(4))
    yield "palette-of-256-colours", png(few, 3, 8, palette=colours(256))
    yield "palette-that-ends-within-a-colour", png(few, 3, 2, palette=colours(4)[:-1])


def refused() -> Iterator[tuple[str, bytes]]:
    """Files of another structure, some of which Pillow reads."""
    small = drawn("refused", 1, 8, (2, 3)) % 4
    head = struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)
    four = colours(4)
    late = png(small, 3, 8)
    yield "refused-palette-behind-the-data", late[:-12] + chunk(b"PLTE", four) + late[-12:]
    two = chunk(b"PLTE", four)
    yield "refused-two-palettes", png(small, 3, 8, palette=four, before=two)
    yield "refused-no-palette", late
    yield "refused-empty-palette", png(small, 3, 8, palette=b"")
    yield "refused-palette-of-257-colours", png(small, 3, 8, palette=four + bytes(3 * 253))
    yield "refused-unknown-critical-chunk", png(small, 0, 8, before=chunk(b"ABCD", b"x"))
    yield "refused-compression-method", png(small, 0, 8, methods=(1, 0))
    yield "refused-filter-method", png(small, 0, 8, methods=(0, 1))
    yield "refused-two-headers", png(small, 0, 8, before=chunk(b"IHDR", head))
    plain = png(small, 0, 8)
    for length in (12, 14):
        longer = chunk(b"IHDR", (head + b"\0")[:length])
        yield f"refused-header-of-{length}-bytes", plain[:8] + longer + plain[33:]
    yield "refused-chunk-before-the-header", plain[:8] + chunk(b"tEXt", b"a\0b") + plain[8:]
    for length in (0, 2, 769):
        body = (four * 65)[:length]
        yield f"refused-gray-with-a-palette-of-{length}-bytes", png(small, 0, 8, palette=body)
    yield "gray-with-a-palette-of-11-bytes", png(small, 0, 8, palette=four[:11])
    yield "refused-palette-of-769-bytes", png(small, 3, 8, palette=(four * 65)[:769])
    yield "refused-palette-behind-an-empty-one", png(small, 3, 8, palette=b"", before=two)
    for name, (width, height) in {"width": (1_000_001, 1), "height": (1, 1_000_001)}.items():
        size = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        lines = (bytes(1 + -(-width // 8))) * height
        body = zlib.compress(lines, 9)
        content = plain[:8] + chunk(b"IHDR", size) + chunk(b"IDAT", body) + plain[-12:]
        yield f"refused-{name}-beyond-a-million", content
