"""Sections 21.1 and 21.2: roundings, special values, chains and sums."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from vectors.case import Case, Section, VectorFile
from vectors.exact_tensors import Array, array, bits, close_to, drawn, operation, words

SECTION = Section("exact-arithmetic", "21.1", "F", "exact")

INF, NAN, TINY = math.inf, math.nan, 2.0**-149
LARGEST = 2.0**128 - 2.0**104
LEAST = 2.0**-126


def numpy_check(given: Any, output: Any) -> bool:
    """NumPy's float32 operation, which the processor does."""
    rule = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
    with np.errstate(all="ignore"):
        if given["operation"] == "sqrt":
            found = np.sqrt(array(given["inputs"]["x"]))
        else:
            a, b = (array(given["inputs"][name]) for name in "ab")
            found = rule[given["operation"]](a, b)
    found[np.isnan(found)] = NAN
    return bool(output["bits"] == bits(found))


PAIRS: dict[str, dict[str, list[tuple[float, float]]]] = {
    "add": {
        # Half of the last place of the sum, over an even and an odd last bit, and beside it.
        "ties": [(1, 2**-24), (1 + 2**-23, 2**-24), (1, -(2**-25)), (1 - 2**-24, -(2**-25))],
        "beside-ties": [(1, 2**-24 + 2**-47), (1 + 2**-23, 2**-24 - 2**-48), (2**24, 1 + 2**-23)],
        "signed-zeros": [(0.0, -0.0), (-0.0, -0.0), (-0.0, 0.0), (1, -1), (-1, 1)],
        "subnormals": [(TINY, TINY), (LEAST, -TINY), (-3 * TINY, TINY), (LEAST, TINY)],
        "infinities": [(INF, 1), (INF, INF), (-INF, INF), (LARGEST, LARGEST)],
        "largest": [(LARGEST, 2.0**102), (LARGEST, 2.0**103), (-LARGEST, -(2.0**103))],
        "nan": [(NAN, 1), (1, NAN), (NAN, INF)],
    },
    "sub": {
        "signed-zeros": [(0.0, 0.0), (0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0), (1, 1)],
        "infinities": [(INF, INF), (1, INF), (-INF, INF)],
        "near-values": [(1, 1 - 2**-24), (1 + 2**-23, 1), (16777216, 16777215)],
    },
    "mul": {
        "ties": [(1 + 2**-12, 1 + 2**-12), (1 + 3 * 2**-12, 1 + 2**-12), (3, 1 + 2**-23)],
        "signed-zeros": [(0.0, -1), (-0.0, -1), (-0.0, 0.0)],
        "underflow": [(LEAST, 0.5), (TINY, 0.5), (3 * TINY, 0.5), (TINY, -0.25)],
        "subnormals": [(TINY, 3), (5 * TINY, 2**23), (LEAST - TINY, 1.0), (2.0**-100, 2.0**-40)],
        "infinities": [(INF, 0.0), (-INF, 2), (2.0**127, 2), (2.0**64, -(2.0**64))],
    },
    "div": {
        # a * (1 / b) differs in the last place.
        "thirds": [(1, 3), (2, 3), (5, 3), (7, 5), (9, 7), (11, 13), (15, 11), (37, 41)],
        "zeros": [(1, 0.0), (1, -0.0), (0.0, 0.0), (0.0, -3), (-0.0, -3)],
        "subnormals": [(LEAST, 3), (TINY, 2), (3 * TINY, 2), (5, 2.0**127), (TINY, LEAST)],
        "infinities": [(INF, INF), (1, INF), (-1, INF), (INF, -2), (2.0**100, 2.0**-100)],
    },
}  # fmt: skip


def elements() -> Iterator[Case]:
    for name, families in PAIRS.items():
        for family, pairs in families.items():
            a, b = (np.array(side, np.float32) for side in zip(*pairs, strict=True))
            id = f"exact-arithmetic/{name}/{family}"
            yield operation(id, name, {"a": a, "b": b}, a.shape, numpy_check)
        a, b = drawn(f"{name}/a", 16, scale=3), drawn(f"{name}/b", 16)
        id = f"exact-arithmetic/{name}/drawn"
        yield operation(id, name, {"a": a, "b": b}, a.shape, numpy_check)
    for family, roots in {
        "exact": [0, 1, 4, 2.0**-126, 2.25],
        "inexact": [2, 3, 5, 0.1, 1 + 2**-23, 1 - 2**-24, LARGEST],
        "special": [-0.0, -1, -TINY, INF, -INF, NAN],
        "subnormals": [TINY, 2 * TINY, 3 * TINY, LEAST - TINY],
    }.items():
        x = np.array(roots, np.float32)
        yield operation(f"exact-arithmetic/sqrt/{family}", "sqrt", {"x": x}, x.shape, numpy_check)


def rounded(value: Fraction) -> float:
    """The float32 nearest to a number that is not 0 and within the range, ties to even."""
    exponent = max(-126, math.frexp(float(abs(value)))[1] - 1)
    for e in (exponent, exponent - 1, exponent + 1):  # float() may round up to a power of two
        if e >= -126 and (abs(value) < Fraction(2) ** (e + 1)):
            unit = Fraction(2) ** (e - 23)
            if e == -126 or abs(value) >= Fraction(2) ** e:
                return float(round(value / unit) * unit)
    raise AssertionError(value)


def fma_check(given: Any, output: Any) -> str | None:
    """Fractions, where a step is finite and not 0."""
    a, b = array(given["inputs"]["a"])[:, 0], array(given["inputs"]["b"])[:, :, 0]
    for (c, x), (_, y), found in zip(a.tolist(), b.tolist(), words(output["bits"]), strict=True):
        if not all(map(math.isfinite, (c, x, y))):
            continue
        exact = Fraction(x) * Fraction(y) + Fraction(c)
        if exact and abs(exact) < Fraction(2) ** 127 and found != rounded(exact):
            return f"{x} * {y} + {c}: {found}, not {rounded(exact)}"
    return None


def fused(family: str, triples: list[tuple[float, float, float]]) -> Case:
    """a * b + c of each (a, b, c), as chains of the pairs (c, 1), (a, b)."""
    left = np.array([[[c, a]] for a, _, c in triples], np.float32)
    right = np.array([[[1], [b]] for _, b, _ in triples], np.float32)
    id = f"exact-arithmetic/fma/{family}"
    return operation(id, "matmul", {"a": left, "b": right}, (len(triples), 1, 1), fma_check)


def twice_rounded() -> list[tuple[float, float, float]]:
    """Triples whose sum in float64, rounded to float32, is not the sum rounded once."""
    up, down = 1 + 2.0**-15, 1 - 2.0**-15  # their product is 1 - 2^-30
    found = []
    for scale in (1.0, -1.0, 2.0**-60, -(2.0**60)):
        for odd in (1 + 2.0**-23, 1.5 + 2.0**-23, 2 - 2.0**-23):
            # Below the middle above `odd`, and above the middle below it.
            half = scale * 2.0**-24 * up
            found += [(half, down, scale * odd), (half, -down, scale * odd)]
    return found


def drawn_triples() -> list[tuple[float, float, float]]:
    """Products and sums of one size, and sums that cancel to the error of the product."""
    a, b = drawn("fma/a", 12), drawn("fma/b", 12)
    c = np.where(np.arange(12) < 6, -(a * b), drawn("fma/c", 12))
    return list(zip(a.tolist(), b.tolist(), c.tolist(), strict=True))


def fusions() -> Iterator[Case]:
    yield fused("rounded-once", twice_rounded())
    yield fused("drawn", drawn_triples())
    yield fused("signed-zeros", [(0.0, -1, -0.0), (-1, 0.0, 0.0), (1, 1, -1), (TINY, -TINY, -0.0)])
    yield fused(
        "subnormals",
        [
            (TINY, 0.5, TINY),
            (LEAST, 0.5, -TINY),
            (2.0**-75 * 1.25, 2.0**-75, 3 * TINY),
            (2.0**-80, 2.0**-69, LEAST),
        ],
    )
    yield fused("overflow-between", [(2.0**127, 2, -(2.0**127)), (2.0**100, 2.0**100, -INF)])
    yield fused("nan", [(INF, 0.0, 1), (NAN, 1, 1), (1, 1, NAN), (INF, 1, -INF)])


def chain(family: str, pairs: list[tuple[float, float]]) -> Case:
    """The chain of pairs as the product of a row and a column."""
    x, weight = (np.array([side], np.float32) for side in zip(*pairs, strict=True))
    return operation(
        f"exact-arithmetic/chain/{family}", "linear", {"x": x, "weight": weight}, (1, 1)
    )


def chains() -> Iterator[Case]:
    for length in (2, 3, 16, 17, 40):
        x, w = drawn(f"chain/{length}/x", 2, length), drawn(f"chain/{length}/w", 3, length)
        id = f"exact-arithmetic/chain/length-{length}"
        yield operation(id, "linear", {"x": x, "weight": w}, (2, 3))
    yield chain("large-first", [(1, 1), *[(2**-13, 2**-12)] * 5])
    yield chain("large-last", [*[(2**-13, 2**-12)] * 5, (1, 1)])
    yield chain("underflow-to-minus-zero", [(TINY, -TINY)])
    yield chain("minus-zero-then-a-product-with-zero", [(TINY, -TINY), (0.0, 1)])
    yield chain("minus-zero-then-minus-zero", [(TINY, -TINY), (0.0, -1)])
    yield chain("first-product-is-minus-zero", [(-0.0, 1)])
    yield chain("infinity-by-zero", [(1, 1), (0.0, INF)])
    yield chain("infinities-cancel", [(INF, 1), (1, 1), (-INF, 1)])


def telling_squares() -> Array:
    """Rows (1, 0, ..., 0, x) whose lane 1 + x^2 is another where x^2 is rounded first."""
    rows = []
    for x in drawn("telling-squares", 4000):
        once = rounded(1 + Fraction(float(x)) ** 2)
        if once != float(np.float32(1) + x * x):
            rows.append([1, *[0] * 15, x])
    return np.array(rows[:6], np.float32)


def sums() -> Iterator[Case]:
    mean = close_to(lambda given, _: given["x"].mean(-1))
    squares = close_to(
        lambda given, of: (
            given["x"] / np.sqrt((given["x"] ** 2).mean(-1, keepdims=True) + of["eps"])
        )
    )
    for length in (1, 2, 15, 16, 17, 32, 45):
        x = drawn(f"sum/{length}", 2, length)
        id = f"exact-arithmetic/sum/length-{length}"
        yield operation(id, "mean", {"x": x}, (2,), mean, axes=[1])
    for length in (1, 7, 16, 17, 45):
        x = drawn(f"squares/{length}", 2, length)
        id = f"exact-arithmetic/sum-of-squares/length-{length}"
        yield operation(id, "rms_norm", {"x": x}, x.shape, squares, eps=1e-6)
    yield operation(
        "exact-arithmetic/sum-of-squares/rounded-once", "rms_norm", {"x": telling_squares()},
        (6, 17), squares, eps=1e-6,
    )  # fmt: skip
    lanes = np.zeros((6, 32), np.float32)
    lanes[0, [0, 16]] = 1, 2**-24  # one lane
    lanes[1, [0, 8, 1]] = 1, 2**-24, 2**-24  # lanes 0 and 8 meet first
    lanes[2, [0, 1, 9]] = 1, 2**-24, 2**-24  # lanes 1 and 9 meet before lane 0
    lanes[3, [0, 2, 6]] = 1, 2**-24, 2**-24
    lanes[4, [0, 1, 15]] = 1, 2**-24, 2**-24
    lanes[5, [0, 8, 16]] = 1, 2**-24, -1  # lane 0 is done before it meets lane 8
    yield operation("exact-arithmetic/sum/lanes", "mean", {"x": lanes}, (6,), mean, axes=[1])
    zeros = np.full((1, 3), -0.0, np.float32)
    yield operation("exact-arithmetic/sum/minus-zeros", "mean", {"x": zeros}, (1,), axes=[1])
    zeros = np.full((1, 48), -0.0, np.float32)
    yield operation("exact-arithmetic/sum/many-minus-zeros", "mean", {"x": zeros}, (1,), axes=[1])
    odd = np.array([[INF, 1, -INF], [1, NAN, 2], [3e38, 3e38, -3e38]], np.float32)
    yield operation("exact-arithmetic/sum/special", "mean", {"x": odd}, (3,), axes=[1])


def maxima() -> Iterator[Case]:
    def case(id: str, rows: list[list[float]]) -> Case:
        x = np.array(rows, np.float32)
        return operation(f"exact-arithmetic/maximum/{id}", "amax", {"x": x}, (len(rows),), axes=[1])

    for length in (1, 15, 17, 40):
        x = drawn(f"maximum/{length}", 2, length)
        id = f"exact-arithmetic/maximum/length-{length}"
        rule = close_to(lambda given, _: given["x"].max(-1), 0)
        yield operation(id, "amax", {"x": x}, (2,), rule, axes=[1])
    yield case("signed-zeros", [[0.0, -0.0], [-0.0, 0.0], [-0.0, -0.0]])
    yield case("signed-zeros-in-one-lane", [[0.0, *[-1] * 15, -0.0], [-0.0, *[-1] * 15, 0.0]])
    yield case("minus-infinities", [[-INF, -INF], [-INF, -3]])
    yield case("nan-in-the-last-row-of-lanes", [[*[1.0] * 16, NAN], [*[2.0] * 16, 1.0]])
    yield case("nan-before-another-in-its-lane", [[NAN, *[1.0] * 15, 0.5]])
    yield case("nan-in-the-last-lane-of-a-list-that-is-filled", [[*[1.0] * 15, NAN, 0.5]])
    yield case("nan-in-one-lane", [[NAN, 5, 7], [5, NAN, 7], [5, 7, NAN]])
    yield case("nan-that-fills-a-list", [[NAN] * 16])


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "elements", "Sums, differences, products, quotients and roots of two lists.",
        elements(), operation="operation", source="NumPy",
    )  # fmt: skip
    yield SECTION.file(
        "fusions", "Fused multiply-adds: each the chain of the pairs (c, 1) and (a, b).",
        fusions(), operation="operation", source="fractions",
    )  # fmt: skip
    yield SECTION.file(
        "chains", "Products of a row and a column, chain by chain.",
        chains(), operation="operation", number="21.2",
    )  # fmt: skip
    yield SECTION.file(
        "sums", "Sums and sums of squares in 16 lanes, by the means that divide them.",
        sums(), operation="operation", number="21.2", source="NumPy in float64",
    )  # fmt: skip
    yield SECTION.file(
        "maxima", "The maximum of a list.",
        maxima(), operation="operation", number="21.2", source="NumPy",
    )  # fmt: skip
