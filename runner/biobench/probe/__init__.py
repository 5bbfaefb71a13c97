"""Probes: classifiers trained on frozen features to score a backbone (SPEC.md, section
"Protocols").

In: features and labels. Out: predictions of the scored items.
"""

from __future__ import annotations

from biobench.probe.knn.estimator import KNNProbe
from biobench.probe.linear_probe.estimator import LinearProbe
from biobench.probe.logistic_regression.estimator import LogisticProbe
from biobench.probe.nearest_centroid.estimator import CentroidProbe
from biobench.probe.svm.estimator import SVMProbe
from biobench.probe.traits_mlp.estimator import TraitsProbe

__all__ = ["CentroidProbe", "KNNProbe", "LinearProbe", "LogisticProbe", "SVMProbe", "TraitsProbe"]
