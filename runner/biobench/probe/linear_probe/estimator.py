"""The linear probe: layer normalisation, one linear layer, AdamW (SPEC.md, section "Linear probe").

In: frozen features and label ids. Out: label ids. The features never change, so their normalised
rows are computed once and a step is two matrix products with gradients in closed form. On the CPU
the layer has the same bits on every processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from biobench._common.arguments import real_number, whole_number
from biobench._common.distinct import distinct
from biobench.probe.constants import read_constants
from biobench.probe.estimator import Classifier
from biobench.probe.exact_head import outputs
from biobench.probe.labels import checked_ids, checked_labels
from biobench.probe.linear_probe.training import train
from biobench.probe.minimum_items import two_classes
from biobench.probe.rows import standard_rows
from biobench.probe.training_plan import Progress, check_plan, learning_rate, uniform_values

FIXED: Mapping[str, Any] = {
    "normalisation": "layer-norm-affine",
    "normalisation_initial_weight": 1.0,
    "normalisation_initial_bias": 0.0,
    "bias": True,
    "initial_distribution": "uniform",
    "initial_bound": "inverse-sqrt-features",
    "loss": "cross-entropy-mean",
    "optimiser": "adamw",
    "weight_decay_on": ["linear.weight"],
    "schedule": "cosine",
    "warm_up_steps": 0,
    "last_batch": "keep",
    "order": "permutation-each-epoch",
    "precision": "float32",
    "tie": "smallest-id",
}
"""Constants of the protocol that this probe embodies."""
FREE: Mapping[str, Any] = {
    "normalisation_epsilon": 1e-5,
    "learning_rate": 3e-4,
    "final_learning_rate_ratio": 0.01,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 1e-2,
    "steps": 10_000,
    "batch_size": 2048,
}
"""Constants that the protocol document sets, with their official values."""


def initial_values(
    seed: int, prefix: str, classes: int, features: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The linear layer's weight (classes, features) and bias (classes,), float32.

    From the streams ``<prefix>/weight``, row by row, and ``<prefix>/bias``.
    """
    return (
        uniform_values(seed, f"{prefix}/weight", (classes, features), features),
        uniform_values(seed, f"{prefix}/bias", (classes,), features),
    )


class LinearProbe(Classifier):
    """Linear classifier on frozen features, trained by gradient descent.

    Arguments that are not listed are the protocol's constants.

    Args:
        classes: Number of label ids, which are then 0 to classes - 1; None takes the sorted
            distinct labels of ``fit``.
        seed: Seed of the portable random numbers.
        stream: Prefix of their streams ``<stream>/weight``, ``/bias`` and ``/order/<epoch>``.
        device: ``cpu`` or ``cuda``.
        threads: Threads on the CPU; the result does not depend on it.
        progress: Called now and then with the number of further steps done.

    Raises:
        ArgumentError: An argument has a value that is not allowed.
    """

    _learned = "weight_"

    def __init__(
        self,
        classes: int | None = None,
        *,
        learning_rate: float = 3e-4,
        final_learning_rate_ratio: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-2,
        normalisation_epsilon: float = 1e-5,
        batch_size: int = 2048,
        steps: int = 10_000,
        seed: int = 17,
        stream: str = "linear_probe",
        device: str = "cpu",
        threads: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.classes = classes
        self.learning_rate = learning_rate
        self.final_learning_rate_ratio = final_learning_rate_ratio
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.normalisation_epsilon = normalisation_epsilon
        self.batch_size = batch_size
        self.steps = steps
        self.seed = seed
        self.stream = stream
        self.device = device
        self.threads = threads
        self.progress = progress
        self._check()

    def _check(self) -> None:
        if self.classes is not None:
            whole_number("classes", self.classes, 1)
        real_number("normalisation_epsilon", self.normalisation_epsilon, above=0)
        check_plan(self)

    @classmethod
    def from_protocol(
        cls,
        constants: Mapping[str, Any],
        *,
        classes: int,
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
        values = read_constants(constants, protocol="linear_probe", fixed=FIXED, free=FREE)
        return cls(
            classes,
            **values,
            seed=seed,
            stream=f"linear_probe/{task}",
            device=device,
            threads=threads,
            progress=progress,
        )

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Train the layer.

        Args:
            X: Features, real (rows, features).
            y: Labels (rows,).

        Returns:
            The estimator.

        Raises:
            ItemsError: All rows have one label.
            FeaturesError: A row is not finite or beyond 1e150.
            ArgumentError: X and y have other shapes or types, a label is not an id below
                ``classes``, or ``device`` is ``cuda`` and there is none.
        """
        matrix = self._to_learn(X)
        ids: npt.NDArray[np.integer[Any]]
        if self.classes is None:
            labels = checked_labels(y, len(matrix))
            self.classes_, ids = distinct(labels)
        else:
            self.classes_ = np.arange(self.classes)
            ids = checked_ids(y, len(matrix), self.classes)
        two_classes(ids, "a linear probe")
        weight, bias = initial_values(self.seed, self.stream, len(self.classes_), matrix.shape[1])
        weight, self.bias_ = train(
            self,
            standard_rows(matrix, self.normalisation_epsilon),
            ids.astype(np.int64),
            weight,
            bias,
        )
        self.weight_ = weight
        return self

    def rate(self, step: int) -> float:
        """Learning rate of step 0 <= step < steps."""
        return learning_rate(
            step,
            first=self.learning_rate,
            ratio=self.final_learning_rate_ratio,
            steps=self.steps,
        )

    def decision_function(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Compute logits, float32 (rows, classes), also of two classes.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        rows = standard_rows(self._to_predict(X), self.normalisation_epsilon)
        return outputs(rows, self.weight_, self.bias_, threads=self.threads)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of the largest logit of each row, shape (rows,); a tie goes to the smallest.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, or its number of features differs from
                fit.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        largest = self.decision_function(X).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[largest]
        return labels
