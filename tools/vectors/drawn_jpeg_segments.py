"""Section 8.1: JPEG files whose segments are allowed, or are not, before, between and behind scans.

Each is a small file with one segment put in or changed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from vectors.drawn_jpeg import (
    EOI,
    JFIF,
    SOI,
    Component,
    Picture,
    adobe,
    four,
    quantisation,
    segment,
    three,
)

GRAY = Picture("gray", 5, 6, (Component(1),), tables=quantisation(0, [8] + [10] * 63))
COLOUR = Picture("colour", 5, 6, three((1, 1)))
WRONG = {
    "quantisation-table-4": segment(0xDB, b"\4" + bytes([1] * 64)),
    "quantisation-table-too-short": segment(0xDB, b"\1" + bytes([1] * 10)),
    "code-table-4": segment(0xC4, b"\4" + bytes(16)),
    "code-table-of-class-2": segment(0xC4, b"\x20" + bytes(16)),
    "code-table-of-257-codes": segment(0xC4, b"\3\xff\2" + bytes(14 + 257)),
    "code-table-without-its-codes": segment(0xC4, b"\3\x09" + bytes(15 + 3)),
    "code-table-and-more": segment(0xC4, b"\3\1" + bytes(15 + 4)),
    "restarts-of-1-byte": segment(0xDD, b"\0"),
    "restarts-of-3-bytes": segment(0xDD, bytes(3)),
    "conditioning-of-1-byte": segment(0xCC, b"\0"),
    "conditioning-32": segment(0xCC, b"\x20\1"),
    "conditioning-upside-down": segment(0xCC, b"\0\1"),
    "second-start": SOI,
    "marker-02": segment(0x02, b"ab"),
    "marker-bf": segment(0xBF, b"ab"),
    "marker-c8": segment(0xC8, b""),
    "marker-de": segment(0xDE, b"ab"),
    "marker-df": segment(0xDF, b"a"),
    "marker-f0": segment(0xF0, b"ab"),
    "marker-fd": segment(0xFD, b"ab"),
}
"""Segments that make a file bad wherever they stand."""

RIGHT = {
    "code-table-3-of-each-class": segment(0xC4, b"\3" + bytes(16) + b"\x13" + bytes(16)),
    "empty-tables": segment(0xDB, b"") + segment(0xC4, b""),
    "conditioning": segment(0xCC, b"\0\x10\x1f\1"),
    "restart-mark": b"\xff\xd3",
    "number-of-lines": segment(0xDC, b"\0\4"),
    "comment-without-length": b"\xff\xfe\0\0",
    "bytes-of-no-marker": b"\x12\x34\xff\0\x56",
    "fill-bytes": b"\xff\xff\xff",
}
"""Segments, and bytes between segments, that are passed over wherever they stand."""


def split(file: bytes) -> tuple[bytes, bytes, bytes]:
    """The file before its frame, the frame's segment, and what follows."""
    start = next(i for i in range(2, len(file)) if file[i] == 0xFF and file[i + 1] in (0xC0, 0xC2))
    end = start + 2 + int.from_bytes(file[start + 2 : start + 4], "big")
    return file[:start], file[start:end], file[end:]


def before_the_scan(file: bytes, more: bytes) -> bytes:
    at = file.index(b"\xff\xda")
    return file[:at] + more + file[at:]


def behind_the_scan() -> Iterator[tuple[str, bytes]]:
    """Rule 8.1-14."""
    whole = GRAY.file()
    cut = whole[:-2]
    frame = split(whole)[1]
    scan = whole[whole.index(b"\xff\xda") :][:10]
    for name, more in {
        "frame": frame,
        "frame-that-is-cut": frame[:3],
        "frame-of-another-process": segment(0xC3, b""),
        "scan": scan + bytes(10),
        "quantisation-table-4": WRONG["quantisation-table-4"],
        "code-table-of-class-2": WRONG["code-table-of-class-2"],
        "code-table-without-its-codes": WRONG["code-table-without-its-codes"],
        "restarts-of-1-byte": WRONG["restarts-of-1-byte"],
        "conditioning-32": WRONG["conditioning-32"],
        "marker-02": WRONG["marker-02"],
        "quantisation-table-too-short": WRONG["quantisation-table-too-short"] + bytes(60),
    }.items():
        yield f"bad-behind-the-scan-{name}", cut + more + EOI
    for name, more in {
        "code-table": segment(0xC4, b"\0" + bytes(16)),
        "scan-that-is-cut": scan[:7],
        "segment-that-is-cut": b"\xff\xe1\x10\0abcdef",
        "table-that-is-cut": b"\xff\xdb\0\x43\0\1\1",
        "temporary-mark": b"\xff\1",
        **RIGHT,
    }.items():
        yield f"behind-the-scan-{name}", cut + more + EOI
    yield "bad-behind-the-scan-marker-of-a-frame-alone", cut + b"\xff\xc0"
    yield "behind-the-end-mark-a-frame", whole + frame + EOI


def headers() -> Iterator[tuple[str, bytes]]:
    """Rule 8.1-48."""
    whole = GRAY.file()
    separate = replace(COLOUR, separate=True)
    for name, more in WRONG.items():
        yield f"bad-header-{name}", before_the_scan(whole, more)
    for name in ("quantisation-table-4", "code-table-4", "restarts-of-1-byte", "second-start"):
        yield f"bad-between-scans-{name}", replace(separate, between=WRONG[name]).file()
    yield "bad-header-temporary-mark", before_the_scan(whole, b"\xff\1")
    yield "between-scans-temporary-mark", replace(separate, between=b"\xff\1").file()
    yield "header-with-all-that-is-passed", before_the_scan(whole, b"".join(RIGHT.values()))
    every = b"".join(RIGHT.values())
    yield "between-scans-all-that-is-passed", replace(separate, between=every).file()
    twice = segment(0xDD, b"\0\1") + segment(0xDD, b"\0\0")
    wide = replace(GRAY, width=20).file()
    yield "restarts-set-twice", before_the_scan(wide, twice)
    restarted = replace(GRAY, width=20, restart=1).file()
    assert restarted.count(b"\xff\xd0") == 1
    filled = restarted.replace(b"\xff\xd0", b"\xff\xff\xd0")
    yield "fill-byte-before-a-restart-mark", filled
    start, frame, rest = split(whole)
    body = frame[4:]
    for name, changed in {
        "frame-and-a-byte": body + b"\0",
        "frame-and-three-bytes": body + bytes(3),
        "frame-of-no-component": body[:-4] + b"\1",
        "frame-of-12-bits": b"\x0c" + body[1:],
        "factor-0": body[:-2] + b"\x01" + body[-1:],
        "factor-5": body[:-2] + b"\x51" + body[-1:],
        "factor-of-rows-5": body[:-2] + b"\x15" + body[-1:],
    }.items():
        yield f"bad-header-{name}", start + segment(0xC0, changed) + rest
    yield "bad-header-two-frames", before_the_scan(whole, frame)
    at = whole.index(b"\xff\xda")
    scan = whole[at + 4 : at + 10]
    for name, changed in {
        "scan-and-a-byte": segment(0xDA, scan + b"\0"),
        "scan-without-a-byte": segment(0xDA, scan[:-1]),
        "scan-of-another-length": b"\xff\xda\0\7" + scan,
    }.items():
        yield f"bad-header-{name}", whole[:at] + changed + whole[at + 10 :]
    yield "bad-header-scan-of-no-component", whole[:at] + segment(0xDA, b"\0\0\x3f\0") + EOI
    colour = separate.file()
    at = colour.index(b"\xff\xda")
    again = segment(0xDA, b"\2\1\0\1\0\0\x3f\0")
    yield "bad-header-scan-of-a-component-twice", colour[:at] + again + colour[at + 10 :]
    many = Picture("many", 5, 6, three((4, 2), (2, 1), (1, 1)))
    yield "bad-header-eleven-blocks-in-a-unit", many.file()
    yield "header-eleven-blocks-in-several-scans", replace(many, separate=True).file()
    ten = Picture("ten", 5, 6, three((4, 2), (1, 1), (1, 1)))
    yield "header-ten-blocks-in-a-unit", ten.file()
    sixteen = Picture("sixteen", 5, 6, (Component(1, 4, 4),))
    yield "header-sixteen-blocks-of-one-component", sixteen.file()
    for name, factors in {"columns": ((3, 1), (2, 1)), "rows": ((1, 3), (1, 2))}.items():
        uneven = Picture("uneven", 5, 6, three(*factors, (1, 1)))
        yield f"bad-ratio-of-{name}-that-is-no-integer", uneven.file()


def colours() -> Iterator[tuple[str, bytes]]:
    """Rule 8.1-23: what is a JFIF or Adobe marker, and which counts."""
    body = JFIF[4:]
    for name, markers in {
        "jfif-of-13-bytes": segment(0xE0, body[:13]) + adobe(0),
        "jfif-of-15-bytes": segment(0xE0, body + b"x") + adobe(0),
        "jfif-and-jfxx": JFIF + segment(0xE0, b"JFXX\0\x10" + bytes(8)) + adobe(0),
        "jfif-behind-adobe": adobe(0) + JFIF,
        "another-app0": segment(0xE0, b"JFIX\0" + body[5:]) + adobe(0),
        "jfif-and-a-space": segment(0xE0, b"JFIF " + body[5:]) + adobe(0),
        "jfif-in-app1": segment(0xE1, body) + adobe(0),
        "adobe-of-13-bytes": segment(0xEE, b"Adobe\0d" + bytes(5) + b"\1"),
        "another-app14": segment(0xEE, b"Adobf\0d" + bytes(5)),
        "adobe-in-app13": segment(0xED, b"Adobe\0d" + bytes(5)),
        "adobe-1-and-0": adobe(1) + adobe(0),
        "adobe-0-and-1": adobe(0) + adobe(1),
    }.items():
        yield f"colours-{name}", replace(COLOUR, markers=markers).file()
    short = segment(0xEE, b"Adobe\0d" + bytes(4))
    named = replace(COLOUR, components=three((1, 1), ids="RGB"), markers=short)
    yield "colours-adobe-of-11-bytes-and-ids-rgb", named.file()
    plain, marked = replace(COLOUR, markers=b""), replace(COLOUR, markers=adobe(0))
    yield "colours-jfif-behind-the-frame", before_the_scan(marked.file(), JFIF)
    for name, picture, between in (("adobe", plain, adobe(0)), ("jfif", marked, JFIF)):
        later = replace(picture, separate=True, between=between)
        yield f"colours-{name}-between-scans", later.file()


def without_scans() -> Iterator[tuple[str, bytes]]:
    """Rule 8.1-49: files that lack the scan of a component."""
    separate = replace(COLOUR, separate=True)
    for name, picture, kept in (
        ("of-chroma", separate, (0,)),
        ("of-luma", separate, (1, 2)),
        ("of-one-chroma-420", Picture("colour", 17, 5, three((2, 2)), separate=True), (0, 2)),
        ("of-black", replace(separate, components=four(), markers=adobe(2)), (0, 1, 2)),
    ):
        planes = picture.planes()
        scans = [picture.scan([c], planes) for c in picture.components]
        whole = picture.file()
        start = whole[: whole.index(scans[0])]
        yield f"no-scan-{name}", start + b"".join(scans[i] for i in kept) + EOI


def tables_alone() -> Iterator[tuple[str, bytes]]:
    """Rule 8.1-50."""
    start, frame, rest = split(GRAY.file())
    yield "tables-of-a-stream-before", start + EOI + SOI + frame + rest
    yield "tables-of-no-stream-twice", SOI + EOI + SOI + EOI + GRAY.file()
    wide = replace(GRAY, width=20).file()
    yield "tables-and-restarts-that-do-not-count", SOI + segment(0xDD, b"\0\1") + EOI + wide
    marked, plain = replace(COLOUR, markers=adobe(0)).file(), replace(COLOUR, markers=b"").file()
    yield "tables-and-jfif-that-does-not-count", SOI + JFIF + EOI + marked
    yield "tables-and-adobe-that-does-not-count", SOI + adobe(0) + EOI + plain
    yield "bad-tables-without-a-start-behind", start + EOI + frame + rest
    yield "bad-tables-and-bytes-behind", start + EOI + b"ab" + GRAY.file()
    yield "bad-tables-behind-the-frame", start + frame + EOI + SOI + rest


def in_runs(height: int, width: int, scans: int) -> bytes:
    """A gray progressive file without means, whose every scan is runs of blocks without a value."""
    listed = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
    codes = segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    bits, left = "", -(-height // 8) * -(-width // 8)
    while left > 0:
        # 14 bits count from 16,384 blocks to 32,767; the last run may be longer than what is left.
        run = max(min(left, 32_767), 16_384)
        bits += f"0{run - 16_384:014b}"
        left -= run
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(
        b"\xff", b"\xff\0"
    )
    scan = segment(0xDA, b"\1\1\0\1\x3f\0") + data
    return SOI + GRAY.tables + segment(0xC2, listed) + codes + scans * scan + EOI


def large() -> Iterator[tuple[str, bytes]]:
    """Rules 8.1-38 and 8.1-40."""
    yield "refused-scans-times-pixels", in_runs(4295, 5000, 100)
    yield "refused-more-than-178956970-pixels", in_runs(13_378, 13_378, 1)


def signatures() -> Iterator[tuple[str, bytes]]:
    """Rule 8.1-1: what begins like a JPEG."""
    whole = GRAY.file()
    yield "bad-signature-of-two-bytes", whole[:2] + b"\0" + whole[2:]


def pictures() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    yield from behind_the_scan()
    yield from headers()
    yield from colours()
    yield from without_scans()
    yield from tables_alone()
    yield from large()
    yield from signatures()
