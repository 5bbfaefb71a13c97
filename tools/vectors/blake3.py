"""BLAKE3 in plain integers, after the paper of its authors: an independent source for leaves."""

from __future__ import annotations

import struct

IV = (
    0x6A09E667,
    0xBB67AE85,
    0x3C6EF372,
    0xA54FF53A,
    0x510E527F,
    0x9B05688C,
    0x1F83D9AB,
    0x5BE0CD19,
)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
START, END, PARENT, ROOT = 1, 2, 4, 8
CHUNK, BLOCK = 1024, 64


def rotate(word: int, by: int) -> int:
    return (word >> by | word << (32 - by)) & 0xFFFFFFFF


def compress(chaining: tuple[int, ...], block: bytes, counter: int, flags: int) -> tuple[int, ...]:
    m = struct.unpack("<16I", block.ljust(BLOCK, b"\0"))
    v = [*chaining, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, len(block), flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate((*COLUMNS, *DIAGONALS)):
            for word, first, second in ((m[2 * i], 16, 12), (m[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
                v[d] = rotate(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & 0xFFFFFFFF
                v[b] = rotate(v[b] ^ v[c], second)
        m = tuple(m[p] for p in PERMUTATION)
    return tuple(v[i] ^ v[i + 8] for i in range(8))


def chunk(data: bytes, counter: int, flags: int) -> tuple[int, ...]:
    blocks = [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)] or [b""]
    chaining: tuple[int, ...] = IV
    for i, block in enumerate(blocks):
        start = START if i == 0 else 0
        end = END | flags if i == len(blocks) - 1 else 0
        chaining = compress(chaining, block, counter, start | end)
    return chaining


def subtree(data: bytes, counter: int, flags: int) -> tuple[int, ...]:
    if len(data) <= CHUNK:
        return chunk(data, counter, flags)
    left = CHUNK
    while 2 * left < len(data):
        left *= 2
    sides = (
        *subtree(data[:left], counter, 0),
        *subtree(data[left:], counter + left // CHUNK, 0),
    )
    return compress(IV, struct.pack("<16I", *sides), 0, PARENT | flags)


def blake3(data: bytes) -> str:
    """The 32-byte digest, in hexadecimal."""
    return struct.pack("<8I", *subtree(data, 0, ROOT)).hex()
