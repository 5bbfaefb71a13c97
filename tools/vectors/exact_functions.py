"""Section 21.4: functions of one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np

from vectors.case import Case, Section, VectorFile
from vectors.exact_tensors import Array, array, drawn, near, operation, words

SECTION = Section("exact-functions", "21.4", "F", "exact")

INF, NAN, TINY = math.inf, math.nan, 2.0**-149
SPECIAL = np.array([0.0, -0.0, INF, -INF, NAN], np.float32)
SMALL = np.array([TINY, -TINY, 2.0**-126, -(2.0**-126), 1e-20, -1e-20, 1e-6, -1e-6], np.float32)

EXACT: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (mpmath.exp, 0.90),
    "erf": (mpmath.erf, 1.12),
    "tanh": (mpmath.tanh, 1.37),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), 2.41),
}
"""Functions and their largest errors in units in the last place, as section 21.4 states them."""

DEFINED: dict[str, Callable[[Any], Any]] = {
    "gelu": lambda x: x / 2 * mpmath.erfc(-x / mpmath.sqrt(2)),
    "gelu_tanh": lambda x: x / 2 * (
        1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3))
    ),
    "quick_gelu": lambda x: x / (1 + mpmath.exp(-mpmath.mpf("1.702") * x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "relu": lambda x: max(x, 0),
    "relu6": lambda x: min(max(x, 0), 6),
    "hard_sigmoid": lambda x: min(max(x + 3, 0), 6) / 6,
    "hard_swish": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "neg": lambda x: -x,
    "sqrt": mpmath.sqrt,
}  # fmt: skip


def check(given: Any, output: Any) -> str | None:
    """mpmath with 40 digits at finite arguments: the stated units in the last place, or 4e-7 of the
    argument or the value where the text states none."""
    mpmath.mp.dps = 40
    name = given["operation"]
    for x, found in zip(array(given["inputs"]["x"]).tolist(), words(output["bits"]), strict=True):
        if not math.isfinite(x):
            continue
        if name in EXACT:
            rule, units = EXACT[name]
            exact = rule(mpmath.mpf(x))
            with np.errstate(over="ignore"):
                nearest = np.float32(float(exact))
            room = units * float(np.spacing(np.abs(nearest))) if np.isfinite(nearest) else 0
        else:
            exact = DEFINED[name](mpmath.mpf(x))
            nearest = np.float32(float(exact))
            room = 4e-7 * max(abs(x), abs(float(exact))) + TINY
        if not np.isfinite(nearest):
            if found != nearest:
                return f"{name}({x}) is {found}"
        elif abs(mpmath.mpf(float(found)) - exact) > room * (1 + 1e-9):
            return f"{name}({x}) is {found}, not {nearest}"
    return None


def both(values: Array) -> Array:
    """Numbers and their negatives."""
    return np.concatenate([values, -values])


LOG2 = math.log(2)
EDGES: dict[str, dict[str, Array]] = {
    "exp": {
        # n goes from one integer to the next at the halves of log 2.
        "reduction": near(*(n * LOG2 for n in (0.5, -0.5, 1.5, -1.5, 33.5, -60.5))),
        "overflow": near(88.72284, 89.0, 90.0, 91.0, 1e30),
        "last-numbers-below-overflow": words("42b17217 42b17216 42b17218 42b16000"),
        "subnormal-results": near(-87.33655, -88.0, -95.5, -100.25, -103.27893, -103.97208),
        "underflow": near(-104.0, -110.0, -111.0, -1e30),
        "odd-halves-of-the-power": np.array([-1, 1, -3, 3, 127, -125], np.float32)
        * np.float32(LOG2),
    },
    "erf": {
        "change-of-form": both(near(0.927734375)),
        "beyond-four": both(near(3.9, 4.0, 5.0, 1e30)),
        "one": both(np.array([3.5, 3.7, 3.8, 3.83, 3.85, 3.92], np.float32)),
    },
    "tanh": {
        "change-of-form": both(near(0.625)),
        "one": both(np.array([8.0, 8.5, 9.0, 9.01, 9.1, 20, 44, 45, 55, 60, 1e30], np.float32)),
    },
    "sigmoid": {
        "negative": np.array([-0.5, -1, -5, -16, -17, -87, -88, -89, -100, -104, -111], np.float32),
        "one": np.array([0.5, 1, 5, 15, 16, 16.5, 17, 18, 88, 200], np.float32),
    },
    "gelu": {
        "change-of-form": both(near(1.3120144)),
        "tails": both(np.array([3, 4, 5, 5.5, 5.66, 6, 10, 100, 3e38], np.float32)),
    },
    "gelu_tanh": {
        "change-of-form": both(near(0.7485)),
        "tails": both(np.array([3, 4, 5, 5.5, 6, 10, 100, 1e10], np.float32)),
    },
    "quick_gelu": {"tails": both(np.array([3, 5, 10, 30, 52, 60, 70, 100, 1e30], np.float32))},
    "silu": {"tails": both(np.array([3, 5, 17, 30, 88, 100, 104, 111, 1e30], np.float32))},
    "relu": {},
    "relu6": {"six": np.array([5.9999995, 6, 6.0000005, 7], np.float32)},
    "hard_sigmoid": {"ends": near(-3.0, 3.0), "tiny": words("33800000 34000000 b3800000")},
    "hard_swish": {"ends": near(-3.0, 3.0), "tiny": words("33800000 34000000 00000003")},
    "neg": {},
}  # fmt: skip


TELLING = {
    "exp": "c0a6d79b bfe2bd88 3eb23621 3ec831b8 4147987d 4220d1b8 4222324a 428b5295",
    "sigmoid": "c0a6d79b bfe2bd88",
    "erf": (
        "4001b627 3f5f5980 3ff478d2 bf6314fb 3f2a2500 3f87a9c0 3fb16ee0 "
        "3ef8f2bd 3f16aa63 3f6ef925 3f6f0204"
    ),
    "tanh": "bf18056b 3f011e20 3f23db68 3eedf232 3ed5fca3",
    "gelu": "bfe778f0 bf982eef c02d15db 3f91c348 400fda50 bfb239e0 bfa19e8e",
    "gelu_tanh": "bef21558 3ffa58f7 bf36c512 bf455abc 3f17b690",
    "quick_gelu": "bfa62708",
}
"""Arguments at which one unit in the last place of a constant, upwards and downwards, or a rounding
that is left out or added, gives another result; found by trying 60,000 arguments with each such
change, and for constants 3 to 64 million. Of the last coefficient of exp one in 5 million tells."""


def functions() -> Iterator[Case]:
    for name, families in EDGES.items():
        scale = {"exp": 20.0, "erf": 3.0, "tanh": 4.0}.get(name, 5.0)
        everywhere = {
            "drawn": drawn(name, 24, scale=scale),
            "special": SPECIAL,
            "small": SMALL,
        }
        if name in TELLING:
            everywhere["telling"] = words(TELLING[name])
        for family, x in {**everywhere, **families}.items():
            id = f"exact-functions/{name}/{family}"
            yield operation(id, name, {"x": x}, x.shape, check)


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "functions", "Functions of one number.", functions(), operation="operation", source="mpmath"
    )
