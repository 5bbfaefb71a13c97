"""Fit the polynomials of native/engine/src/functions.rs and print the constants as bits.

Run by hand. Each is a minimax fit by linear programming against mpmath. Coefficients are rounded to
float32 one at a time, from the lowest power on, and the rest is fitted again, so that rounding
costs almost nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import mpmath
import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Array = npt.NDArray[np.float64]
mpmath.mp.dps = 40


def minimax(basis: Array, target: Array, weight: Array) -> tuple[Array, float]:
    """Coefficients c that minimise max |(basis c - target) weight|, and that maximum."""
    a = basis * weight[:, None]
    b = target * weight
    scale = np.abs(a).max(axis=0)
    size = np.abs(b).max()
    ones = np.ones((len(b), 1))
    left = np.vstack([np.hstack([a / scale, -ones]), np.hstack([-a / scale, -ones])])
    right = np.concatenate([b, -b]) / size
    cost = np.zeros(basis.shape[1] + 1)
    cost[-1] = 1
    found = linprog(cost, A_ub=left, b_ub=right, bounds=(None, None), method="highs-ds")
    return found.x[:-1] * size / scale, float(found.x[-1] * size)


def fit(
    name: str,
    f: Callable[[mpmath.mpf], mpmath.mpf],
    weight: Callable[[mpmath.mpf], mpmath.mpf],
    variable: Callable[[float], float],
    span: tuple[float, float],
    degree: int,
) -> None:
    """Print the coefficients of f in powers of variable(x), x over span, lowest first."""
    low, high = span
    nodes = np.cos(np.linspace(0, np.pi, 1200))
    x = (high + low) / 2 + (high - low) / 2 * nodes
    target = np.array([float(f(mpmath.mpf(v))) for v in x])
    w = np.array([float(weight(mpmath.mpf(v))) for v in x])
    basis = np.array([[variable(v) ** k for k in range(degree + 1)] for v in x])
    fixed: list[float] = []
    error = 0.0
    for k in range(degree + 1):
        rest = target - basis[:, :k] @ np.array(fixed)
        c, error = minimax(basis[:, k:], rest, w)
        fixed.append(float(np.float32(c[0])))
    final = float(np.abs((basis @ np.array(fixed) - target) * w).max())
    print(f"{name}: weighted error {error:.3g}, rounded {final:.3g}")
    for value in fixed:
        print(f"    0x{struct.unpack('<I', struct.pack('<f', value))[0]:08x}, // {value!r}")


def main() -> None:
    """Print every table."""
    half = float(mpmath.log(2) / 2) * 1.0001
    # exp(r) = 1 + r (1 + r P(r)); the weight makes the error relative.
    fit(
        "exp",
        lambda r: (mpmath.exp(r) - 1 - r) / r**2 if r else mpmath.mpf("0.5"),
        lambda r: r**2 / mpmath.exp(r),
        lambda r: r,
        (-half, half),
        4,
    )
    # erf(x) = x + x P(x^2)
    fit(
        "erf, small",
        lambda x: mpmath.erf(x) / x - 1,
        lambda x: x / mpmath.erf(x),
        lambda x: x * x,
        (1e-4, 0.9277344),
        5,
    )
    # erf(x) = 1 - exp(-x + x P(x)), x from 475/512 to 4; the weight makes erfc's error absolute.
    fit(
        "erf, large",
        lambda x: mpmath.log(mpmath.erfc(x)) / x + 1,
        lambda x: x * mpmath.erfc(x),
        lambda x: x,
        (0.9277344, 4.0),
        6,
    )
    # tanh(x) = x + x (x^2 P(x^2))
    fit(
        "tanh, small",
        lambda x: (mpmath.tanh(x) / x - 1) / x**2,
        lambda x: x**3 / mpmath.tanh(x),
        lambda x: x * x,
        (1e-4, 0.6250001),
        4,
    )


if __name__ == "__main__":
    main()
