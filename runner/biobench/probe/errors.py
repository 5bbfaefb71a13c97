"""The errors of the estimators: those of the package, and ValueErrors as well.

Whoever uses an estimator in place of scikit-learn's catches ValueError; the command line goes by
the package's classes.
"""

from __future__ import annotations

from biobench.errors import DataError, ModelError, UsageError


class ItemsError(DataError, ValueError):
    """The items to learn from are too few, or of too few classes."""


class FeaturesError(ModelError, ValueError):
    """The features hold a value that cannot be computed with."""


class UnfittedError(UsageError, ValueError, AttributeError):
    """``predict`` was called before ``fit``, where scikit-learn is not installed; by the bases of
    its NotFittedError, so that ``hasattr`` says no."""
