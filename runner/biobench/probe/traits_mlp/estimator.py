"""The traits network: two linear layers, a logit for each trait (SPEC.md, "Traits network").

In: frozen features and 0 or 1 for each trait. Out: 0 or 1 for each trait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import as_array, one_of, real_number, whole_number
from biobench.errors import ArgumentError
from biobench.probe.constants import read_constants
from biobench.probe.estimator import Estimator
from biobench.probe.rows import finite_decisions
from biobench.probe.training_plan import Progress, check_plan, learning_rate, uniform_values
from biobench.probe.traits_mlp.training import logits, train

FIXED: Mapping[str, Any] = {
    "standardisation": "none",
    "bias": True,
    "initial_distribution": "uniform",
    "initial_bound": "inverse-sqrt-inputs",
    "loss": "binary-cross-entropy-mean",
    "optimiser": "adamw",
    "weight_decay_on": ["hidden.weight", "output.weight"],
    "schedule": "cosine-and-halving",
    "warm_up_steps": 0,
    "last_batch": "keep",
    "order": "permutation-each-epoch",
    "precision": "float32",
}
"""Constants of the protocol that this probe embodies."""
FREE: Mapping[str, Any] = {
    "hidden": 512,
    "activation": "relu",
    "dropout": 0.0,
    "learning_rate": 3e-4,
    "final_learning_rate_ratio": 0.01,
    "halving_steps": 0,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 1e-2,
    "steps": 10_000,
    "batch_size": 1024,
    "threshold": 0.0,
}
"""Constants that the protocol document sets, with their official values."""

Float32 = npt.NDArray[np.float32]


def initial_layers(
    seed: int, prefix: str, features: int, hidden: int, traits: int
) -> tuple[Float32, Float32, Float32, Float32]:
    """Weight (hidden, features) and bias (hidden,) of the first layer, then weight (traits, hidden)
    and bias (traits,) of the second; float32.

    From the streams ``<prefix>/hidden/weight``, ``/hidden/bias``, ``/output/weight`` and
    ``/output/bias``.
    """
    return (
        uniform_values(seed, f"{prefix}/hidden/weight", (hidden, features), features),
        uniform_values(seed, f"{prefix}/hidden/bias", (hidden,), features),
        uniform_values(seed, f"{prefix}/output/weight", (traits, hidden), hidden),
        uniform_values(seed, f"{prefix}/output/bias", (traits,), hidden),
    )


class TraitsProbe(Estimator):
    """Network of two linear layers for traits that are present or absent, trained by AdamW.

    Arguments that are not listed are the protocol's constants.

    Args:
        seed: Seed of the portable random numbers.
        stream: Prefix of their streams ``<stream>/hidden/weight``, ``/hidden/bias``,
            ``/output/weight``, ``/output/bias``, ``/order/<epoch>`` and, with dropout,
            ``/dropout/<step>``.
        device: ``cpu`` or ``cuda``.
        threads: Threads on the CPU; the result does not depend on it.
        progress: Called now and then with the number of further steps done.

    Raises:
        ArgumentError: An argument has a value that is not allowed.
    """

    _learned = "hidden_weight_"
    _largest = float(np.finfo(np.float32).max)

    def __init__(
        self,
        *,
        hidden: int = 512,
        activation: str = "relu",
        dropout: float = 0.0,
        learning_rate: float = 3e-4,
        final_learning_rate_ratio: float = 0.01,
        halving_steps: int = 0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-2,
        batch_size: int = 1024,
        steps: int = 10_000,
        threshold: float = 0.0,
        seed: int = 17,
        stream: str = "traits_mlp",
        device: str = "cpu",
        threads: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.final_learning_rate_ratio = final_learning_rate_ratio
        self.halving_steps = halving_steps
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.steps = steps
        self.threshold = threshold
        self.seed = seed
        self.stream = stream
        self.device = device
        self.threads = threads
        self.progress = progress
        self._check()

    def _check(self) -> None:
        whole_number("hidden", self.hidden, 1)
        one_of("activation", self.activation, ("relu", "none"))
        real_number("dropout", self.dropout, least=0, below=1)
        whole_number("halving_steps", self.halving_steps, 0)
        real_number("threshold", self.threshold)
        check_plan(self)

    @classmethod
    def from_protocol(
        cls,
        constants: Mapping[str, Any],
        *,
        seed: int,
        task: str,
        device: str = "cpu",
        threads: int = 1,
        progress: Progress | None = None,
    ) -> Self:
        """Make the probe of a protocol document.

        Raises:
            SpecError: The document does not fit the probe.
        """
        values = read_constants(constants, protocol="traits_mlp", fixed=FIXED, free=FREE)
        return cls(
            **values,
            seed=seed,
            stream=f"traits_mlp/{task}",
            device=device,
            threads=threads,
            progress=progress,
        )

    def rate(self, step: int) -> float:
        """Learning rate of step 0 <= step < steps: the cosine, halved every ``halving_steps``."""
        rate = learning_rate(
            step,
            first=self.learning_rate,
            ratio=self.final_learning_rate_ratio,
            steps=self.steps,
        )
        return math.ldexp(rate, -(step // self.halving_steps)) if self.halving_steps else rate

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Train both layers.

        Args:
            X: Features, real (rows, features).
            y: 0 or 1 for each trait (rows, traits).

        Returns:
            The estimator.

        Raises:
            ArgumentError: Traits have another shape or value, or ``device`` is ``cuda`` and there
                is none.
            FeaturesError: A row is not finite or leaves float32.
        """
        matrix = self._to_learn(X).astype(np.float32)
        traits = checked_traits(y, len(matrix))
        layers = initial_layers(
            self.seed, self.stream, matrix.shape[1], self.hidden, traits.shape[1]
        )
        hidden_weight, self.hidden_bias_, self.output_weight_, self.output_bias_ = train(
            self, matrix, traits, layers
        )
        self.hidden_weight_ = hidden_weight
        return self

    def decision_function(self, X: npt.ArrayLike) -> Float32:
        """Logits, float32 (rows, traits).

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large, or its logits
                leave float32.
        """
        matrix = self._to_predict(X).astype(np.float32)
        values = logits(self, matrix)
        finite_decisions(values)
        return values

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """1 for each trait whose logit is above the threshold, else 0; int64 (rows, traits).

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        return (self.decision_function(X) > self.threshold).astype(np.int64)


def checked_traits(values: npt.ArrayLike, rows: int) -> Float32:
    """Check traits and return them as float32 (rows, traits).

    Raises:
        ArgumentError: A trait is not 0 or 1.
    """
    traits = as_array("y", values)
    if traits.ndim != 2 or len(traits) != rows or traits.shape[1] == 0:
        raise ArgumentError(
            f"y has shape {traits.shape} for {rows} rows",
            remedy="pass one row of traits for each row of features",
        )
    if traits.dtype.kind not in "biuf" or not np.isin(traits, (0, 1)).all():
        raise ArgumentError("y holds a trait that is neither 0 nor 1", remedy="pass 0 and 1")
    return traits.astype(np.float32)
