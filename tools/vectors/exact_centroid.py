"""SPEC.md 10.5 as a reader would type it in: plain floats, one operation at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

Vector = list[float]


def total(values: Vector) -> float:
    """Sum from left to right."""
    result = 0.0
    for value in values:
        result = result + value
    return result


def column_means(rows: list[Vector]) -> Vector:
    return [total([row[j] for row in rows]) / len(rows) for j in range(len(rows[0]))]


def minus(left: Vector, right: Vector) -> Vector:
    return [a - b for a, b in zip(left, right, strict=True)]


def distance(left: Vector, right: Vector) -> float:
    return total([(a - b) * (a - b) for a, b in zip(left, right, strict=True)])


def unit(row: Vector) -> Vector:
    norm = math.sqrt(total([v * v for v in row]))
    return [v / norm for v in row] if norm else row


def class_covariance(rows: list[Vector]) -> tuple[float, list[Vector]]:
    """Shrinkage and covariance of one class."""
    n, d = len(rows), len(rows[0])
    every = range(d)
    centred = [minus(row, column_means(rows)) for row in rows]
    s = [math.sqrt(total([y[j] * y[j] for y in centred]) / n) for j in every]
    s = [1.0 if len({row[j] for row in rows}) == 1 else s[j] for j in every]
    z = [[y[j] / s[j] for j in every] for y in centred]
    scatter = [[total([row[j] * row[k] for row in z]) for k in every] for j in every]
    target = total([scatter[j][j] / n for j in every]) / d
    lengths = [total([v * v for v in row]) for row in z]
    fourth = total([w * w for w in lengths])
    second = total([total([v * v for v in row]) for row in scatter]) / (n * n)
    beta = (fourth / n - second) / (d * n)
    delta = second / d - target * target
    b = min(beta, delta)
    g = b / delta if b > 0 else 0.0
    matrix = [
        [
            ((1.0 - g) * (scatter[j][k] / n) + (g * target if j == k else 0.0)) * (s[j] * s[k])
            for k in every
        ]
        for j in every
    ]
    return g, matrix


def factor_of(matrix: list[Vector]) -> list[Vector]:
    d = len(matrix)
    factor = [[0.0] * d for _ in range(d)]
    for j in range(d):
        for i in range(j, d):
            r = matrix[i][j]
            for k in range(j):
                r = r - factor[i][k] * factor[j][k]
            if i == j:
                if not r > d * 2.0**-40 * matrix[j][j]:
                    raise ArithmeticError(j)
                factor[j][j] = math.sqrt(r)
            else:
                factor[i][j] = r / factor[j][j]
    return factor


def whitened(factor: list[Vector], y: Vector) -> Vector:
    h: Vector = []
    for i in range(len(y)):
        r = y[i]
        for k in range(i):
            r = r - factor[i][k] * h[k]
        h.append(r / factor[i][i])
    return h


@dataclass
class Fitted:
    classes: list[int]
    mean: Vector
    centroids: list[Vector]
    covariance: list[Vector]
    factor: list[Vector]
    class_means: list[Vector]
    threshold: float

    def score(self, row: Vector) -> float:
        h = whitened(self.factor, minus(row, self.mean))
        return min(
            distance(h, whitened(self.factor, minus(mean, self.mean))) for mean in self.class_means
        )

    def predict(self, row: Vector) -> int:
        v = unit(minus(row, self.mean))
        gaps = [distance(v, centroid) for centroid in self.centroids]
        nearest = self.classes[gaps.index(min(gaps))]
        return -1 if self.score(row) > self.threshold else nearest


def fit(rows: list[Vector], labels: list[int], percent: float) -> Fitted:
    """Raises ArithmeticError where the covariance has no factor."""
    classes = sorted(set(labels))
    of = {c: [row for row, label in zip(rows, labels, strict=True) if label == c] for c in classes}
    mean = column_means(rows)
    centroids = [column_means([unit(minus(row, mean)) for row in of[c]]) for c in classes]
    d = len(mean)
    pooled = [[0.0] * d for _ in range(d)]
    for c in classes:
        _, matrix = class_covariance(of[c])
        share = len(of[c]) / len(rows)
        pooled = [[pooled[j][k] + share * matrix[j][k] for k in range(d)] for j in range(d)]
    means = [column_means(of[c]) for c in classes]
    fitted = Fitted(classes, mean, centroids, pooled, factor_of(pooled), means, 0.0)
    e = sorted(fitted.score(row) for row in rows)
    p = (len(e) - 1) * (percent / 100)
    i = math.floor(p)
    f, low, high = p - i, e[i], e[min(i + 1, len(e) - 1)]
    fitted.threshold = low + (high - low) * f if f < 0.5 else high - (high - low) * (1 - f)
    return fitted
