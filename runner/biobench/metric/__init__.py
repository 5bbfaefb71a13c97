"""Metrics, intervals and the mean over tasks (SPEC.md, sections "Metrics" and "Intervals").

In: predictions. Out: scores that any language can reproduce from the same predictions, to the bit.
"""

from __future__ import annotations

from biobench.metric import association
from biobench.metric.accuracy import accuracy
from biobench.metric.average_precision import average_precision
from biobench.metric.group_accuracy import group_accuracy
from biobench.metric.macro_f1 import macro_f1
from biobench.metric.traits_f1 import traits_f1
from biobench.metric.user_loss import user_loss

__all__ = [
    "accuracy",
    "association",
    "average_precision",
    "group_accuracy",
    "macro_f1",
    "traits_f1",
    "user_loss",
]
