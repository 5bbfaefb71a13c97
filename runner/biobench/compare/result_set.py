"""Several results as one value: what :func:`biobench.evaluate` returns for a list of models.

In: results. Out: a sequence of them, a row a model and task, comparisons of two of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from biobench._common.text import shown
from biobench.errors import UsageError, counted
from biobench.report.results import Results

if TYPE_CHECKING:
    import pandas

    from biobench.compare.pair import Compared


class ResultSet(Sequence[Results]):
    """Results in the order of their models.

    Attributes:
        errors: By the name of a model that has no whole result, the error that it failed with.
    """

    def __init__(
        self, results: Sequence[Results], errors: dict[str, Exception] | None = None
    ) -> None:
        self._results = tuple(results)
        self.errors = errors or {}

    @overload
    def __getitem__(self, place: int) -> Results: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Results]: ...

    def __getitem__(self, place: int | slice) -> Results | Sequence[Results]:
        return self._results[place]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Results]:
        return iter(self._results)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas DataFrame, one row a model and task; columns as
        :meth:`biobench.Results.to_frame`.

        Raises:
            BiobenchError: pandas is not installed.
        """
        frames = [result.to_frame() for result in self._results]
        if not frames:
            raise UsageError("there is no result to show")
        import pandas

        return pandas.concat(frames, ignore_index=True)

    def compare(self, a: str | int, b: str | int) -> Compared:
        """Say on which tasks one model is ahead of another, as ``biobench compare``.

        Args:
            a: The name of a model, or its place.
            b: That of another one.

        Raises:
            UsageError: There is no such model, or several have the name.
            BiobenchError: As :func:`biobench.compare.pair.compare_results`.
        """
        from biobench.compare.pair import compare_results
        from biobench.spec.load import load_spec

        return compare_results(self._named(a), self._named(b), load_spec())

    def _named(self, model: str | int) -> Results:
        if isinstance(model, int):
            return self._results[model]
        found = [r for r in self._results if r.document["model"]["name"] == model]
        if len(found) != 1:
            names = ", ".join(str(r.document["model"]["name"]) for r in self._results)
            raise UsageError(
                f"{counted(len(found), 'result')} of model {model!r}",
                remedy=f"give a place, or one of {names}",
            )
        return found[0]

    def __repr__(self) -> str:
        return shown(f"ResultSet({', '.join(map(repr, self._results))})")
