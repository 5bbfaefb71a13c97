"""Metrics, intervals and the mean over tasks (SPEC.md, sections "Metrics" and "Intervals").

In: predictions. Out: scores that any language can reproduce from the same predictions, to the bit.
"""

from __future__ import annotations

from biobench.metric.accuracy import accuracy
from biobench.metric.average_precision import average_precision
from biobench.metric.macro_f1 import macro_f1

__all__ = ["accuracy", "average_precision", "macro_f1"]
