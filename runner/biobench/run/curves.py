"""The learning curves of a run of several models: one value and one page.

In: outcomes of models. Out: a set of curves, whose page lies beside their folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from biobench.run.failures import Failures
from biobench.run.many import ModelRun, names_of
from biobench.run.out_folder import page_beside

if TYPE_CHECKING:
    from biobench.report.curve_set import CurveSet


def curve_set(runs: Sequence[ModelRun]) -> CurveSet:
    """The curves of models, and the errors of those that have no whole one; writes their page where
    the run writes its results.

    Raises:
        UsageError: The page cannot be written.
    """
    from biobench.report.curve_set import CurveSet
    from biobench.report.curves import NamedCurve, write_curves
    from biobench.report.earlier import CURVES_PAGE

    named = list(zip(names_of(runs), runs, strict=True))
    curves = [NamedCurve(name, run.curve) for name, run in named if run.curve is not None]
    failures = {name: run.error for name, run in named if run.error is not None}
    page = None
    if curves and runs[0].options.save:
        page = page_beside(runs[0].options, CURVES_PAGE, curves[0].curve.document)
        reasons = {name: Failures.reason(error) for name, error in failures.items()}
        write_curves(page, curves, reasons)
    return CurveSet(curves, failures, page)
