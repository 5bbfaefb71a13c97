"""The rules of SPEC.md as plain loops, which the vectors are checked against.

Written from the text, in integers, floats and float64 arrays, and slow. Constants are read from the
documents.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

V1 = Path(__file__).resolve().parents[2] / "spec" / "v1"
MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


@cache
def document(name: str) -> dict[str, Any]:
    """A document of the specification, as any YAML reader reads it."""
    value: dict[str, Any] = yaml.safe_load((V1 / name).read_text(encoding="utf-8"))
    return value


SUITE = document("suite.yaml")
CONFIDENCE = SUITE["association"]["confidence"]


def constants(protocol: str, division: str) -> dict[str, Any]:
    """A protocol's constants in a division."""
    value = document(f"protocols/{protocol}.yaml")
    return {**value["constants"], **(value["compat"] if division == "compat" else {})}


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def epoch(stream: str, rows: int, size: int) -> list[list[int]]:
    """Section 10.1, step 4: the batches of the epoch whose stream this is."""
    if rows <= size:
        return [list(range(rows))]
    order = Words(stream).permutation(rows)
    return [sorted(order[i : i + size]) for i in range(0, rows, size)]


def rate(c: Mapping[str, Any], t: int) -> float:
    """Sections 10.1, step 6, and 10.6, step 7: the learning rate of a step."""
    first = c["learning_rate"]
    final = first * c["final_learning_rate_ratio"]
    value = final + (first - final) * (1 + math.cos(math.pi * t / c["steps"])) / 2
    if c.get("halving_steps"):
        value *= 2.0 ** -(t // c["halving_steps"])
    return value  # type: ignore[no-any-return]


class Words:
    """Section 5: a stream of the suite's seed."""

    def __init__(self, name: str) -> None:
        s = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self.key = mix(mix((SUITE["seed"] + GAMMA) & MASK) ^ s)

    def word(self, i: int) -> int:
        return mix((self.key + (i + 1) * GAMMA) & MASK)

    def below(self, n: int, i: int) -> int:
        return self.word(i) * n >> 64

    def unit(self, i: int) -> float:
        return (self.word(i) >> 40) * 2.0**-24

    def permutation(self, n: int) -> list[int]:
        keys = [self.word(i) for i in range(n)]
        return sorted(range(n), key=lambda i: (keys[i], i))


def left_to_right(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total = total + value
    return total


def macro_f1(truth: Sequence[int], prediction: Sequence[int], division: str) -> float:
    """Section 11.1."""
    ids = sorted(set(truth))
    if division == "compat":
        ids = list(range(max(*truth, *prediction) + 1))
    values = []
    for c in ids:
        t, p = sum(v == c for v in truth), sum(v == c for v in prediction)
        h = sum(a == b == c for a, b in zip(truth, prediction, strict=True))
        values.append((2 * h) / (t + p) if t + p else 0.0)
    return left_to_right(values) / len(values)


def accuracy(truth: Sequence[int], prediction: Sequence[int]) -> float:
    """Section 11.2."""
    return sum(a == b for a, b in zip(truth, prediction, strict=True)) / len(truth)


def top_k(first_hit: Sequence[int], k: int) -> float:
    """Section 11.3."""
    return sum(1 <= rank <= k for rank in first_hit) / len(first_hit)


def average_precision(relevant: Sequence[bool], n_relevant: int) -> float:
    """Section 11.4."""
    total, found = 0.0, 0
    for rank, flag in enumerate(relevant, start=1):
        if flag:
            found += 1
            total = total + found / rank
    return total / n_relevant if n_relevant else 0.0


def metric(name: str, given: dict[str, Any], items: Sequence[int], division: str) -> float:
    """A metric of sections 11.1 to 11.4 on some items, in their order."""
    truth = [given["y_true"][i] for i in items]
    prediction = [given["y_pred"][i] for i in items]
    if name == "macro_f1":
        return macro_f1(truth, prediction, division)
    if name == "accuracy":
        return accuracy(truth, prediction)
    if name in ("top1", "top5"):
        return top_k([given["first_hit"][i] for i in items], int(name[3:]))
    assert name == "mean_average_precision", name
    return left_to_right([given["average_precision"][i] for i in items]) / len(items)


def bounds(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """Section 19: the j-th smallest and the j-th largest."""
    share = (1 - Fraction(repr(confidence))) / 2
    j = max(1, int(len(values) * share))
    ordered = sorted(values)
    return ordered[j - 1], ordered[-j]


class AdamW:
    """Sections 10.1 and 10.6: the update of parameters that are float64 arrays, in place."""

    def __init__(self, constants: dict[str, Any], parameters: dict[str, Any]) -> None:
        self.constants, self.parameters = constants, parameters
        self.first = {name: np.zeros_like(value) for name, value in parameters.items()}
        self.second = {name: np.zeros_like(value) for name, value in parameters.items()}

    def update(self, gradient: dict[str, Any], rate: float, t: int, decayed: Sequence[str]) -> None:
        """Step t, from 0; ``decayed`` are the parameters that weight decay is on."""
        c, p, m, v = self.constants, self.parameters, self.first, self.second
        for name, g in gradient.items():
            if name in decayed:
                p[name] *= 1 - rate * c["weight_decay"]
            m[name] = c["beta1"] * m[name] + (1 - c["beta1"]) * g
            v[name] = c["beta2"] * v[name] + (1 - c["beta2"]) * g * g
            first = m[name] / (1 - c["beta1"] ** (t + 1))
            second = v[name] / (1 - c["beta2"] ** (t + 1))
            p[name] -= rate * first / (np.sqrt(second) + c["epsilon"])
