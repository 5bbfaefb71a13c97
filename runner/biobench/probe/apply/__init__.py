"""Applying each kind of protocol to a task (SPEC.md, section "Protocols").

In: a job. Out: predictions of its scored rows. A new kind is one module here and one line in
:data:`APPLY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from biobench.data.predictions import Predictions
from biobench.probe.apply import centroid, knn, linear, logistic_regression, svm, traits
from biobench.probe.job import Job

__all__ = ["APPLY"]

APPLY: Mapping[str, Callable[[Job], Predictions]] = {
    "knn": knn.apply,
    "linear_probe": linear.apply,
    "logistic_regression": logistic_regression.apply,
    "svm": svm.apply,
    "nearest_centroid": centroid.apply,
    "traits_mlp": traits.apply,
}
"""Kind of protocol -> the function that predicts the scored rows of a job."""
