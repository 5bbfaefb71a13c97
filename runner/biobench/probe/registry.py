"""All kinds of protocol (SPEC.md, section "Protocols").

A new one is a folder beside this file, a line of :data:`PROTOCOLS`, and the places outside of this
package that CONTRIBUTING.md lists ("Places of an addition").
"""

from __future__ import annotations

from collections.abc import Mapping

from biobench.probe.entry import ProtocolEntry
from biobench.probe.knn.protocol import ENTRY as KNN
from biobench.probe.linear_probe.protocol import ENTRY as LINEAR_PROBE
from biobench.probe.logistic_regression.protocol import ENTRY as LOGISTIC_REGRESSION
from biobench.probe.nearest_centroid.protocol import ENTRY as NEAREST_CENTROID
from biobench.probe.svm.protocol import ENTRY as SVM
from biobench.probe.traits_mlp.protocol import ENTRY as TRAITS_MLP

PROTOCOLS: Mapping[str, ProtocolEntry] = {
    entry.kind: entry
    for entry in (KNN, LINEAR_PROBE, LOGISTIC_REGRESSION, SVM, NEAREST_CENTROID, TRAITS_MLP)
}


def is_exact(kind: str | None, *, gpu: bool) -> bool:
    """Return whether equal features give equal predictions everywhere; False for an unknown kind.

    Args:
        kind: Kind of a task's protocol.
        gpu: True where the run had a GPU.
    """
    entry = PROTOCOLS.get(kind) if kind is not None else None
    return entry is not None and not (gpu and entry.on_gpu)
