"""Probes: what is trained on frozen features to score a backbone (SPEC.md, section "Protocols").

In: features and labels. Out: predictions of the scored items.
"""

from __future__ import annotations

from biobench.probe.centroid import CentroidProbe
from biobench.probe.knn import KNNProbe
from biobench.probe.linear import LinearProbe
from biobench.probe.logistic import LogisticProbe
from biobench.probe.svm import SVMProbe
from biobench.probe.traits import TraitsProbe

__all__ = ["CentroidProbe", "KNNProbe", "LinearProbe", "LogisticProbe", "SVMProbe", "TraitsProbe"]
