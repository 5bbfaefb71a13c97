"""The base of the estimators: their parameters by name, and the checks of X and y.

In: parameters, features and labels. Out: the same, checked. They can stand where scikit-learn takes
an estimator, and do not derive from its classes: that import takes seconds, and no probe needs it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.util import find_spec
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from biobench._common.text import short
from biobench.errors import ArgumentError, UsageError
from biobench.probe.errors import UnfittedError
from biobench.probe.labels import checked_labels
from biobench.probe.rows import checked_features

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from biobench.probe.checkpoint import Checkpoint


class Estimator(ABC):
    """Parameters by name, as ``sklearn.base.clone`` and ``sklearn.model_selection`` take them.

    A subclass keeps each argument of its constructor unchanged under the argument's name, so that a
    clone equals its original.
    """

    checkpoint: Checkpoint | None = None
    """Store of the state of ``fit`` while it works, for estimators that have one; not a parameter,
    and without effect on the fitted values."""
    _learned: ClassVar[str]
    """The attribute that ``fit`` sets last; its last axis is the features."""
    _largest: ClassVar[float] = np.inf
    """Features beyond it leave the estimator's arithmetic; one that states none has that of
    ``checked_features``."""

    @abstractmethod
    def _check(self) -> None:
        """Raise ArgumentError unless each parameter has a value that the estimator accepts."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name. ``deep`` has no effect: none is an estimator."""
        del deep
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Change parameters by name; the next ``fit`` uses them.

        Raises:
            ArgumentError: A name is unknown or a value is not allowed; nothing is changed then.
        """
        known = self.get_params()
        for name in parameters:
            if name not in known:
                raise ArgumentError(
                    f"{type(self).__name__} has no parameter {short(name)}",
                    remedy=f"it has {', '.join(known)}",
                )
        changed = type(self)(**{**known, **parameters})
        for name in parameters:
            setattr(self, name, getattr(changed, name))
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features that were learnt from.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
        """
        learned = getattr(self, self._learned, None)
        if learned is None:
            raise _not_fitted_error()(
                f"this {type(self).__name__} has learnt nothing yet", remedy="call fit(X, y) first"
            )
        return int(learned.shape[-1])

    def _to_learn(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Check X of ``fit``. A fit that fails after this leaves an estimator without a fit."""
        self._check()
        vars(self).pop(self._learned, None)
        return checked_features(X, largest=self._largest)

    def _to_predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Check X of a method that follows ``fit``."""
        features = self.n_features_in_
        matrix = checked_features(X, largest=self._largest)
        if matrix.shape[1] != features:
            raise ArgumentError(
                f"X has {matrix.shape[1]} features, the probe {features}",
                remedy="take both from one model",
            )
        return matrix

    def __sklearn_tags__(self) -> Tags:
        """Tags of scikit-learn: y is needed."""
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=True))


class Classifier(Estimator):
    """An estimator that gives each row one label."""

    @abstractmethod
    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Predict the label of each row."""

    def score(self, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Share of the rows whose predicted label is that of y: accuracy, not macro-F1.

        Raises:
            NotFittedError: ``fit`` was not called (UnfittedError without scikit-learn).
            ArgumentError: X is not a 2-D real array, its number of features differs from fit, or
                y does not have a label for each of its rows.
            ItemsError: X has no row.
            FeaturesError: A row holds NaN, an infinity or a value that is too large.
        """
        predicted = self.predict(X)
        return float(np.mean(predicted == checked_labels(y, len(predicted))))

    def __sklearn_tags__(self) -> Tags:
        """Tags of scikit-learn: a classifier of two classes or more."""
        from sklearn.utils import ClassifierTags

        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags


def _not_fitted_error() -> type[UsageError]:
    if find_spec("sklearn") is None:
        return UnfittedError
    from biobench.probe.not_fitted import NotFittedError

    return NotFittedError
