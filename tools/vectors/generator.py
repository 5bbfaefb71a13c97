"""Section 5: words, integers, floats and permutations of named streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from vectors.case import Case, Section, VectorFile
from vectors.plain import GAMMA, MASK, mix

SOURCE = "exact integers and fractions"
# One seed is the suite's; the others need all 64 bits, and a name beyond ASCII needs UTF-8.
STREAMS = [
    ("suite-seed", 17, "vectors/generator"),
    ("zero-seed", 0, "signs/beluga"),
    ("largest-seed", MASK, "linear_probe/plankton/order/0"),
    ("empty-name", 1, ""),
    ("name-that-is-not-composed", 17, "vectors/e\u0301\u212b"),
    ("name-in-utf-8", 0x0123456789ABCDEF, "vectors/Chrysaora f\u00fcscescens \U0001f41a"),
]


def word(given: Any, i: int) -> int:
    name = hashlib.sha256(given["stream"].encode()).digest()
    key = mix(mix((int(given["seed"], 16) + GAMMA) & MASK) ^ int.from_bytes(name[:8], "big"))
    return mix((key + (i + 1) * GAMMA) & MASK)


def drawn(given: Any) -> list[int]:
    return [word(given, given["start"] + i) for i in range(given["count"])]


def mixed(given: Any, output: Any) -> bool:
    return output == {"word": f"{mix(int(given['word'], 16)):016x}"}


def words(given: Any, output: Any) -> bool:
    return output == {"words": [f"{w:016x}" for w in drawn(given)]}


def integers(given: Any, output: Any) -> bool:
    return output == {"integers": [w * given["below"] // (1 << 64) for w in drawn(given)]}


def refused(given: Any, output: Any) -> bool:
    return output == {"error": "value"} and not 1 <= given["below"] <= 1 << 32


def floats(given: Any, output: Any) -> bool:
    return [Fraction(x) for x in output["floats"]] == [
        Fraction(w >> 40, 1 << 24) for w in drawn(given)
    ]


def permutation(given: Any, output: Any) -> bool:
    keys = [word(given, i) for i in range(given["n"])]
    return output == {"permutation": sorted(range(given["n"]), key=keys.__getitem__)}


def stream(seed: int, name: str) -> dict[str, Any]:
    return {"seed": f"{seed:016x}", "stream": name}


file = Section("generator", "5", "S", "generator", SOURCE).file


def files() -> Iterator[VectorFile]:
    values = {"gamma": GAMMA, "two-gamma": 2 * GAMMA & MASK, "three-gamma": 3 * GAMMA & MASK}
    values |= {"zero": 0, "one": 1, "all-bits": MASK, "high-bit": 1 << 63}
    yield file(
        "mix",
        "The finaliser on one word; the first three are the check values of the text.",
        [Case(f"generator/mix/{k}", {"word": f"{v:016x}"}, mixed) for k, v in values.items()],
    )
    yield file(
        "words",
        "Words of a stream from a position on.",
        [
            Case(f"generator/words/{k}", {**stream(seed, name), "start": 0, "count": 4}, words)
            for k, seed, name in STREAMS
        ]
        + [
            Case(f"generator/words/{k}", {**stream(17, "vectors/far"), **place}, words)
            for k, place in {
                "far-position": {"start": 1_234_567, "count": 3},
                "position-beyond-32-bits": {"start": (1 << 32) - 1, "count": 3},
                "none": {"start": 5, "count": 0},
            }.items()
        ],
    )
    bounds = {"one": 1, "two": 2, "three": 3, "thousand": 1000, "prime": 2_147_483_647}
    bounds |= {"two-to-the-31-and-one": (1 << 31) + 1, "largest": 1 << 32}
    at = {**stream(17, "vectors/integers"), "start": 0, "count": 6}
    yield file(
        "integers",
        "Integers below a bound, which is 1 to 2^32.",
        [Case(f"generator/integers/{k}", {**at, "below": n}, integers) for k, n in bounds.items()]
        + [
            Case(f"generator/integers/{k}", {**at, "below": n}, refused)
            for k, n in {"zero": 0, "beyond-the-largest": (1 << 32) + 1}.items()
        ],
    )
    yield file(
        "floats",
        "Floats in [0, 1), exact in float32.",
        [
            Case(f"generator/floats/{k}", {**stream(seed, name), "start": 2, "count": 6}, floats)
            for k, seed, name in STREAMS[:3]
        ],
    )
    yield file(
        "permutation",
        "The indices 0 to n - 1 in the order of the stream's words.",
        [
            Case(f"generator/permutation/{k}", {**stream(17, name), "n": n}, permutation)
            for k, name, n in [
                ("of-none", "vectors/permutation", 0),
                ("of-one", "vectors/permutation", 1),
                ("of-two", "vectors/permutation", 2),
                ("of-seven", "vectors/permutation", 7),
                ("of-a-hundred", "linear_probe/plankton/order/11", 100),
                # The words of 298 and 323 have one upper half.
                ("by-the-lower-half", "vectors/near/26565", 330),
            ]
        ],
    )
