"""The error of an estimator that is not fitted; a module of its own, since the import of
scikit-learn takes seconds."""

from __future__ import annotations

from sklearn.exceptions import NotFittedError as SklearnNotFittedError

from biobench.errors import UsageError


class NotFittedError(UsageError, SklearnNotFittedError):  # type: ignore[misc]  # has no types
    """``predict`` was called before ``fit``; scikit-learn's error of that name too."""
