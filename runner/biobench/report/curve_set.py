"""Learning curves of several models as one value.

In: curves of the same tasks and sizes. Out: a sequence of them, a row a model, task and size, their
drawing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

from biobench.errors import UsageError, shown
from biobench.report.curve import COLUMNS, Curve
from biobench.report.curves import NamedCurve, curves_figure, curves_html
from biobench.report.figure import Figure

if TYPE_CHECKING:
    import pandas


class CurveSet(Sequence[Curve]):
    """Learning curves in the order of their models: what :func:`biobench.learning_curve` returns
    for a list of models.

    Attributes:
        named: The curves with the names of their models.
        failures: By the name of a model that has no whole curve, the error that it failed with.
        page: The page of all curves, None where it was not written.
    """

    def __init__(
        self,
        curves: Sequence[NamedCurve],
        failures: dict[str, Exception] | None = None,
        page: Path | None = None,
    ) -> None:
        self.named = tuple(curves)
        self.failures = failures or {}
        self.page = page

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, in their order; of models that share one, those of their
        folders."""
        return tuple(one.name for one in self.named)

    @overload
    def __getitem__(self, place: int | str) -> Curve: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Curve]: ...

    def __getitem__(self, place: int | str | slice) -> Curve | Sequence[Curve]:
        """The curve at a place, or of the model of a name.

        Raises:
            UsageError: No model has the name.
        """
        if isinstance(place, slice):
            return [one.curve for one in self.named[place]]
        if isinstance(place, int):
            return self.named[place].curve
        found = next((one.curve for one in self.named if one.name == place), None)
        if found is None:
            raise UsageError(
                f"there is no curve of model {place!r}",
                remedy=f"give a place, or one of {', '.join(self.names)}",
            )
        return found

    def __len__(self) -> int:
        return len(self.named)

    def __iter__(self) -> Iterator[Curve]:
        return (one.curve for one in self.named)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas DataFrame, one row a model, task and size; ``model``, then the columns of
        :meth:`biobench.Curve.to_frame`.

        Raises:
            BiobenchError: pandas is not installed.
        """
        from biobench.report.notebook import frame

        rows = [{"model": one.name, **row} for one in self.named for row in one.curve.rows()]
        return frame(rows, ("model", *COLUMNS))

    def plot(self) -> Figure:
        """A drawing of the scores by size, a line a model, which a notebook shows.

        Raises:
            BiobenchError: jinja2 is not installed.
        """
        return curves_figure(self.named)

    def _repr_html_(self) -> str | None:
        return curves_html(self.named, self.failures)

    def __repr__(self) -> str:
        return shown(f"CurveSet({', '.join(map(repr, self))})")
