"""BioBench: a benchmark of frozen vision backbones on ecology tasks.

The names here are the public surface; they load on first use, so that importing the package is
cheap. ``biobench.native``, ``biobench.probe`` and ``biobench.metric`` can be used on their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from biobench.api import evaluate, learning_curve, load_results
    from biobench.compare.result_set import ResultSet
    from biobench.report.curve import Curve
    from biobench.report.curve_set import CurveSet
    from biobench.report.figure import Figure
    from biobench.report.results import Results

    __version__: str

__all__ = [
    "Curve",
    "CurveSet",
    "Figure",
    "ResultSet",
    "Results",
    "__version__",
    "evaluate",
    "learning_curve",
    "load_results",
]

_WHERE = {
    "evaluate": "biobench.api",
    "learning_curve": "biobench.api",
    "Curve": "biobench.report.curve",
    "CurveSet": "biobench.report.curve_set",
    "Figure": "biobench.report.figure",
    "ResultSet": "biobench.compare.result_set",
    "Results": "biobench.report.results",
    "load_results": "biobench.api",
}


MODULES = ("errors", "metric", "native", "probe")
"""Modules that can be used on their own."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("biobench")
    if name in MODULES:
        return import_module(f"biobench.{name}")
    raise AttributeError(f"module 'biobench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *MODULES])
