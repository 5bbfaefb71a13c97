"""Sign flips of clusters (SPEC.md, section "Comparison of models").

In: the influences of two models or more on the same clusters. Out: how large a difference they
show where there is none, once for each draw of one sign a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biobench.metric.counts import sequential_sum
from biobench.metric.half_jackknife import Jackknife
from biobench.spec.generator import Stream

FloatArray = npt.NDArray[np.float64]
_WORD = 64


@dataclass(frozen=True, eq=False)
class Flips:
    """Sums over a task's clusters, in ascending order, for each model and each draw of signs s.

    Attributes:
        influence: J_k of each model, float64 (models, K).
        weights: w_k, float64 (K,), of the truth and so of every model.
        plain: Sum of s_k J_k, float64 (models, R).
        weighted: Sum of s_k (w_k J_k / (1 - w_k)), float64 (models, R).
    """

    influence: FloatArray
    weights: FloatArray
    plain: FloatArray
    weighted: FloatArray

    @classmethod
    def of(cls, models: Sequence[Jackknife], stream: Stream, replicates: int) -> Flips:
        """Flip the signs of the models' clusters, the same for all models.

        Args:
            models: Jackknives of equal weights, at least one, with two clusters or more.
            stream: Where the signs are drawn from, as :func:`signs` says.
            replicates: Number R of draws, at least 1.
        """
        weights = models[0].weights
        influence = np.stack([model.influence for model in models])
        terms = np.concatenate([influence, influence * weights / (1.0 - weights)])
        sums = _signed_sums(terms, stream, replicates)
        return cls(influence, weights, sums[: len(models)], sums[len(models) :])

    def pair(self, a: int, b: int) -> tuple[FloatArray, FloatArray]:
        """S_r and V_r of model a less model b, float64 (R,) each.

        The variance is computed anew in each draw: with that of the data the test finds differences
        far too often where clusters are few or unequal.
        """
        rest = 1.0 - self.weights
        between = self.influence[a] - self.influence[b]
        own = sequential_sum(between * between / rest)
        both = sequential_sum(self.weights * self.weights / rest)
        total = self.plain[a] - self.plain[b]
        cross = total * (self.weighted[a] - self.weighted[b])
        return total, own - 2.0 * cross + total * total * both


def signs(stream: Stream, clusters: int, replicates: int) -> Iterator[FloatArray]:
    """Signs of the clusters, +1 or -1, in blocks of 64 clusters, the last one shorter: float64
    (clusters of the block, R).

    That of cluster k in replicate r is bit k mod 64, counted from the lowest, of word(r ceil(K /
    64) + floor(k / 64)): 1 is +1 and 0 is -1.
    """
    words = -(-clusters // _WORD)
    drawn = stream.words(replicates * words).reshape(replicates, words)
    for word in range(words):
        octets = np.ascontiguousarray(drawn[:, word]).astype("<u8").view(np.uint8)
        bits = np.unpackbits(octets.reshape(replicates, 8), axis=1, bitorder="little")
        block = np.ascontiguousarray(bits[:, : clusters - word * _WORD].T)
        yield block.astype(np.float64) * 2.0 - 1.0


def _signed_sums(terms: FloatArray, stream: Stream, replicates: int) -> FloatArray:
    """Sum of s_k x_k over k ascending, float64 (rows, R), of the rows of ``terms`` (rows, K)."""
    rows, clusters = terms.shape
    total, product = np.zeros((rows, replicates)), np.empty((rows, replicates))
    k = 0
    for block in signs(stream, clusters, replicates):
        for sign in block:
            np.multiply(terms[:, k, None], sign, out=product)
            np.add(total, product, out=total)
            k += 1
    return total


def squared_ratios(total: FloatArray, variance: FloatArray) -> FloatArray:
    """S_r^2 / V_r, float64 (R,); where V_r is not above 0 it is 0 if S_r is, else infinite."""
    square = total * total
    out = np.where(square > 0.0, np.inf, 0.0)
    return np.divide(square, variance, out=out, where=variance > 0.0)
