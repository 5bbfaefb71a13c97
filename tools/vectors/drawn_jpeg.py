"""Section 8.1: JPEG files of every sampling, with any markers, written here bit by bit.

The quantised coefficients are drawn, so that no transform and no encoder is needed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors.drawn import SEED

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
Block = Sequence[int]
"""64 coefficients in zigzag order."""
Symbols = list[tuple[int, int, int]]
"""Huffman symbols, each with the bits that follow it and their number."""


def adobe(transform: int) -> bytes:
    return b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])


@dataclass(frozen=True)
class Component:
    """``table``: the number of its quantisation table."""

    id: int
    h: int = 1
    v: int = 1
    table: int = 0


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def quantisation(number: int, values: Sequence[int], *, wide: bool = False) -> bytes:
    head = bytes([(16 if wide else 0) + number])
    return segment(0xDB, head + struct.pack(f">64{'H' if wide else 'B'}", *values))


def blocks(name: str, count: int, *, strong: bool = False) -> list[list[int]]:
    """Drawn blocks: a mean, and five more coefficients in drawn places."""
    stream = Stream(SEED, f"vectors/jpeg/{name}")
    means = stream.integers(90 if strong else 50, count) - (45 if strong else 25)
    places = stream.integers(64, 5 * count, count)
    values = stream.integers(13, 5 * count, 6 * count) - 6
    found = np.zeros((count, 64), np.int64)
    for i in range(5 * count):
        found[i // 5, places[i]] = values[i] * (3 if strong else 1)
    found[:, 0] = means
    return [list(map(int, block)) for block in found]


def amplitude(value: int) -> tuple[int, int]:
    """The bits of a coefficient and their number."""
    size = abs(value).bit_length()
    return (value if value >= 0 else value + (1 << size) - 1), size


def of_block(block: Block, before: int) -> tuple[Symbols, Symbols]:
    """Symbols of the mean and of the other coefficients."""
    bits, size = amplitude(block[0] - before)
    first, rest, run = [(size, bits, size)], [], 0
    for value in block[1:]:
        if value == 0:
            run += 1
            continue
        while run > 15:
            rest.append((0xF0, 0, 0))
            run -= 16
        bits, size = amplitude(value)
        rest.append((run << 4 | size, bits, size))
        run = 0
    if run:
        rest.append((0, 0, 0))
    return first, rest


def runs_of(part: Sequence[tuple[Symbols, Symbols]]) -> list[tuple[Symbols, Symbols]]:
    """Blocks of a progressive scan, whose ends are counted over several blocks."""
    found: list[tuple[Symbols, Symbols]] = []
    run = 0

    def ended() -> Symbols:
        bits = run.bit_length() - 1
        return [(bits << 4, run - (1 << bits), bits)] if run else []

    for _, rest in part:
        symbols = rest[:-1] if rest and rest[-1][0] == 0 else rest
        if symbols:
            found.append(([], ended()))
            found.append(([], symbols))
            run = 0
        run += symbols is not rest
    return [*found, ([], ended())]


def code_lengths(symbols: set[int]) -> tuple[bytes, dict[int, tuple[int, int]]]:
    """A table in which all codes have one length and none is all ones; and the code of each."""
    length = max(1, len(symbols).bit_length())
    ordered = sorted(symbols)
    counts = bytes(len(ordered) if n == length else 0 for n in range(1, 17))
    return counts + bytes(ordered), {symbol: (i, length) for i, symbol in enumerate(ordered)}


class Bits:
    """Bits of coded data, with a zero after each byte of ones."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def add(self, value: int, count: int) -> None:
        if count:
            self.text.append(f"{value:0{count}b}")

    def flush(self) -> bytes:
        text = "".join(self.text)
        text += "1" * (-len(text) % 8)
        self.text = []
        data = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        return data.replace(b"\xff", b"\xff\0")


@dataclass(frozen=True)
class Picture:
    """A file to be: size, components, and the options that its markers state."""

    name: str
    height: int
    width: int
    components: tuple[Component, ...]
    markers: bytes = JFIF
    tables: bytes = quantisation(0, [8] + [10] * 63) + quantisation(1, [12] + [9] * 63)
    frame: int = 0xC0
    restart: int = 0
    separate: bool = False
    progressive: bool = False
    between: bytes = b""
    strong: bool = False

    @property
    def units(self) -> tuple[int, int]:
        """Rows and columns of minimum coded units."""
        h, v = max(c.h for c in self.components), max(c.v for c in self.components)
        return -(-self.height // (8 * v)), -(-self.width // (8 * h))

    def planes(self) -> dict[int, np.ndarray[Any, Any]]:
        """The blocks of each component, (rows, columns, 64)."""
        rows, columns = self.units
        found = {}
        for c in self.components:
            shape = (rows * c.v, columns * c.h)
            drawn = blocks(f"{self.name}/{c.id}", shape[0] * shape[1], strong=self.strong)
            found[c.id] = np.array(drawn).reshape(*shape, 64)
            if self.progressive:
                # Runs of blocks without a further coefficient, from which codes of runs come.
                rows_of_many = np.arange(shape[0] * shape[1]).reshape(shape) % 7 < 5
                found[c.id][rows_of_many, 1:] = 0
        return found

    def scan(
        self,
        members: Sequence[Component],
        planes: dict[int, np.ndarray[Any, Any]],
        band: tuple[int, int] = (0, 63),
    ) -> bytes:
        """Tables, header and data of a scan of the coefficients from the first to the last of a
        band."""
        rows, columns = self.units
        single = members[0] if len(members) == 1 else None
        if single:
            h, v = max(c.h for c in self.components), max(c.v for c in self.components)
            rows = ceil(self.height * single.v / v / 8)
            columns = ceil(self.width * single.h / h / 8)
        parts: list[list[tuple[Symbols, Symbols]]] = [[]]
        before = dict.fromkeys((c.id for c in members), 0)
        for unit in range(rows * columns):
            if self.restart and unit and unit % self.restart == 0:
                parts.append([])
                before = dict.fromkeys(before, 0)
            row, column = divmod(unit, columns)
            for c in members:
                high, wide = (1, 1) if single else (c.v, c.h)
                for y in range(high):
                    for x in range(wide):
                        block = planes[c.id][row * high + y, column * wide + x]
                        parts[-1].append(of_block(list(map(int, block)), before[c.id]))
                        before[c.id] = int(block[0])
        if band[0]:
            parts = [runs_of(part) for part in parts]
        elif self.progressive:
            parts = [[(first, []) for first, _ in part] for part in parts]
        means = {s for part in parts for first, _ in part for s, _, _ in first}
        others = {s for part in parts for _, rest in part for s, _, _ in rest}
        (dc, codes_dc), (ac, codes_ac) = code_lengths(means), code_lengths(others)
        data = b""
        for i, part in enumerate(parts):
            bits = Bits()
            for first, rest in part:
                for codes, symbols in ((codes_dc, first), (codes_ac, rest)):
                    for symbol, more, count in symbols:
                        bits.add(*codes[symbol])
                        bits.add(more, count)
            data += (bytes([0xFF, 0xD0 + (i - 1) % 8]) if i else b"") + bits.flush()
        named = b"".join(bytes([c.id, 0]) for c in members)
        head = bytes([len(members)]) + named + bytes([*band, 0])
        tables = segment(0xC4, b"\x00" + dc) if means else b""
        tables += segment(0xC4, b"\x10" + ac) if others else b""
        return tables + segment(0xDA, head) + data

    def file(self, *, end: bool = True) -> bytes:
        found = SOI + self.markers + self.tables
        listed = b"".join(bytes([c.id, c.h << 4 | c.v, c.table]) for c in self.components)
        size = struct.pack(">BHHB", 8, self.height, self.width, len(self.components))
        found += segment(self.frame, size + listed)
        if self.restart:
            found += segment(0xDD, struct.pack(">H", self.restart))
        planes = self.planes()
        if self.progressive:
            found += self.scan(self.components, planes, (0, 0)) + self.between
            for c in self.components:
                found += self.scan([c], planes, (1, 63))
        elif self.separate:
            for i, c in enumerate(self.components):
                found += (self.between if i else b"") + self.scan([c], planes)
        else:
            found += self.scan(self.components, planes)
        return found + (EOI if end else b"")


def three(
    first: tuple[int, int], *others: tuple[int, int], ids: str = "\1\2\3"
) -> tuple[Component, ...]:
    """Luma of these factors and chroma of the others, 1 by 1 where none are given."""
    factors = [first, *(others or ((1, 1), (1, 1)))]
    return tuple(
        Component(ord(id), h, v, int(i > 0))
        for i, (id, (h, v)) in enumerate(zip(ids, factors, strict=True))
    )


def four(first: tuple[int, int] = (1, 1)) -> tuple[Component, ...]:
    factors = [first, (1, 1), (1, 1), first]
    return tuple(Component(i + 1, h, v, int(i in (1, 2))) for i, (h, v) in enumerate(factors))


def joined(file: bytes, marker: int) -> bytes:
    """The file with neighbouring segments of this marker, before its scan, as one segment."""
    found, at, before = file[:2], 2, 0
    while file[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == marker == before:
            start = found.rindex(bytes([0xFF, marker]))
            found = found[:start] + segment(marker, found[start + 4 :] + file[at + 4 : end])
        else:
            found += file[at:end]
        before, at = file[at + 1], end
    return found + file[at:]


def segments() -> Iterator[tuple[str, bytes]]:
    """Files whose segments are grouped in other ways, or say what is ignored."""
    small: dict[str, Any] = {"height": 9, "width": 17, "components": three((1, 1))}
    plain = Picture("segments", **small)
    for name, marker in {"codes": 0xC4, "quantisation": 0xDB}.items():
        yield f"tables-of-{name}-in-one-segment", joined(plain.file(), marker)
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(range(200)))
    yield "profile", replace(plain, markers=JFIF + profile).file()
    note = segment(0xFE, b"a comment") + segment(0xED, b"Photoshop 3.0\0")
    yield "comment", replace(plain, markers=JFIF + note).file()
    for name, components in (("444", three((1, 1))), ("420", three((2, 2)))):
        size = (21, 29) if name == "444" else (41, 43)
        turned = Picture(f"pr{name}", *size, components, frame=0xC2, progressive=True, restart=2)
        yield f"progressive-restart-{name}", turned.file()


def with_scans(count: int) -> bytes:
    """A progressive file of one block, whose mean is written anew in each scan."""
    gray = Picture("scans", 8, 8, (Component(1),), frame=0xC2, progressive=True)
    scan = gray.scan(gray.components, gray.planes(), (0, 0))
    start = scan.index(b"\xff\xda")
    whole = gray.file()
    return whole[: whole.index(scan)] + scan[:start] + count * scan[start:] + EOI


def pictures() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file."""
    yield from segments()
    yield "a-thousand-scans", with_scans(1000)
    yield "refused-more-than-a-thousand-scans", with_scans(1001)
    # Three units by three, the last of each row and column not whole.
    for name, size, components in (
        ("444", (21, 19), three((1, 1))),
        ("422", (21, 42), three((2, 1))),
        ("420", (42, 42), three((2, 2))),
        ("440", (42, 19), three((1, 2))),
        ("411", (21, 83), three((4, 1))),
        ("410", (37, 75), three((4, 2))),
        ("441", (75, 19), three((1, 4))),
        ("unequal-chroma", (41, 43), three((2, 2), (2, 1), (1, 2))),
        ("luma-of-less", (41, 43), three((1, 1), (2, 2), (1, 1))),
        ("gray-of-two-by-two", (21, 19), (Component(1, 2, 2),)),
        ("chroma-of-two-columns", (9, 4), three((2, 1))),
        ("chroma-of-three-columns", (9, 5), three((2, 1))),
        ("chroma-of-two-by-two-columns", (9, 4), three((2, 2))),
    ):
        yield f"drawn-{name}", Picture(name, *size, components).file()
    # More rows and columns than a byte counts, and more restarts than there are marks.
    for name, size in {"row": (1, 601), "column": (601, 1)}.items():
        yield (
            f"restart-long-{name}",
            Picture(f"long-{name}", *size, (Component(1),), restart=1).file(),
        )
    for name, restart, components in (
        ("444", 2, three((1, 1))),
        ("420", 1, three((2, 2))),
        ("422-by-rows", 3, three((2, 1))),
    ):
        size = (41, 43) if name == "420" else (21, 19) if name == "444" else (21, 43)
        yield f"restart-{name}", Picture(f"r{name}", *size, components, restart=restart).file()
    for name, size, components in (
        ("444", (21, 19), three((1, 1))),
        ("420", (41, 43), three((2, 2))),
    ):
        yield (
            f"scan-a-component-{name}",
            Picture(f"s{name}", *size, components, separate=True).file(),
        )
        again = Picture(f"sr{name}", *size, components, separate=True, restart=2)
        yield f"scan-a-component-restart-{name}", again.file()
    small: dict[str, Any] = {"height": 17, "width": 17}
    for name, components in (("444", three((1, 1))), ("420", three((2, 2)))):
        bands = Picture(f"bands{name}", 41, 43, components, frame=0xC2, progressive=True)
        yield f"progressive-runs-{name}", bands.file()
    bands = Picture("turn", **small, components=three((1, 1)), frame=0xC2, progressive=True)
    other = quantisation(0, [3] + [50] * 63) + quantisation(1, [40] + [3] * 63)
    yield "progressive-tables-that-change", replace(bands, between=other).file()
    later = Picture("later", **small, components=three((1, 1)), separate=True, between=other)
    yield "tables-that-change-between-scans", later.file()
    wide = quantisation(0, [300] + [260 + i for i in range(63)], wide=True)
    wide += quantisation(1, [9] + [i + 3 for i in range(63)], wide=True)
    extended = Picture("wide", **small, components=three((1, 1)), tables=wide, frame=0xC1)
    yield "quantisation-of-16-bits", extended.file()
    plain = Picture("extended", **small, components=three((1, 1)), frame=0xC1)
    yield "extended-sequential", plain.file()
    strong = Picture("strong", **small, components=three((1, 1)), strong=True)
    yield "values-beyond-the-range", strong.file()
    rgb = three((1, 1), ids="RGB")
    for name, markers, components in (
        ("adobe-0", adobe(0), three((1, 1))),
        ("adobe-1", adobe(1), three((1, 1))),
        ("adobe-2", adobe(2), three((1, 1))),
        ("jfif-and-adobe-0", JFIF + adobe(0), three((1, 1))),
        ("no-marker", b"", three((1, 1))),
        ("ids-rgb", b"", rgb),
        ("ids-rgb-and-jfif", JFIF, rgb),
        ("ids-rgb-and-adobe-1", adobe(1), rgb),
        ("ids-in-small-letters", b"", three((1, 1), ids="rgb")),
        ("four-without-marker", b"", four()),
        ("four-and-adobe-0", adobe(0), four()),
        ("four-and-adobe-1", adobe(1), four()),
        ("four-and-adobe-2", adobe(2), four()),
        ("four-and-jfif", JFIF, four()),
        ("four-and-jfif-and-adobe-2", JFIF + adobe(2), four()),
        ("four-and-adobe-2-420", adobe(2), four((2, 2))),
    ):
        size = (33, 35) if name.endswith("420") else (17, 17)
        strong_one = name.startswith("four")
        picture = Picture("colours", *size, components, markers=markers, strong=strong_one)
        yield f"colours-{name}", picture.file()
    arithmetic = Picture("arithmetic", **small, components=three((1, 1)), frame=0xC9)
    yield "bad-process", arithmetic.file().replace(b"\xff\xc9", b"\xff\xc3")
    separate = Picture("ends", **small, components=three((1, 1)), separate=True)
    yield "bad-several-scans-without-an-end-mark", separate.file(end=False)
