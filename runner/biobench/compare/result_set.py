"""Several results as one value: what :func:`biobench.evaluate` returns for a list of models.

In: results. Out: a sequence of them, a row a model and task, comparisons of two of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from biobench.errors import UsageError, counted, shown
from biobench.report.results import Results

if TYPE_CHECKING:
    import pandas

    from biobench.compare.pair import ModelComparison
    from biobench.report.figure import Figure

_FAILED = "see failures, which has the error of each model"


class ResultSet(Sequence[Results]):
    """Results in the order of their models.

    Attributes:
        failures: By the name of a model that has no whole result, the error that it failed with;
            models that share a name have those of their folders, such as ``demo-float16``.
        page: The page of all models, None where it was not written.
    """

    def __init__(
        self,
        results: Sequence[Results],
        failures: dict[str, Exception] | None = None,
        page: Path | None = None,
    ) -> None:
        self._results = tuple(results)
        self.failures = failures or {}
        self.page = page

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, in their order."""
        return tuple(result.model for result in self._results)

    @overload
    def __getitem__(self, place: int | str) -> Results: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Results]: ...

    def __getitem__(self, place: int | str | slice) -> Results | Sequence[Results]:
        """The result at a place, or of the model of a name.

        Raises:
            UsageError: No model has the name, or more than one.
        """
        return self._results[place] if isinstance(place, slice) else self._named(place)

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
        return self._joined([result.to_frame() for result in self._results])

    def per_class(self, task: str | None = None) -> pandas.DataFrame:
        """A pandas DataFrame, one row a model and class; as :meth:`biobench.Results.per_class`.

        Args:
            task: A task; by default every task that was run.

        Raises:
            UsageError: A result does not have the task.
            DataError: Predictions are missing, or are not those of the digest.
            BiobenchError: pandas is not installed.
        """
        return self._joined([result.per_class(task) for result in self._results])

    def per_group(self, task: str | None = None) -> pandas.DataFrame:
        """A pandas DataFrame, one row a model and group; as :meth:`biobench.Results.per_group`.

        Args:
            task: A task; by default every task that was run.

        Raises:
            BiobenchError: As :meth:`per_class`.
        """
        return self._joined([result.per_group(task) for result in self._results])

    def errors(self, task: str | None = None) -> pandas.DataFrame:
        """A pandas DataFrame, one row a model and item that it got wrong; as
        :meth:`biobench.Results.errors`.

        Args:
            task: A task; by default every task that was run.

        Raises:
            UsageError: A result does not have the task.
            DataError: Predictions are missing, or are not those of the digest.
            BiobenchError: pandas is not installed.
        """
        return self._joined([result.errors(task) for result in self._results])

    def plot(self, task: str | None = None) -> Figure:
        """A drawing of the models by score, best first, with their intervals.

        Args:
            task: A task; by default the mean where every model has one, else every task.

        Raises:
            UsageError: No model has the task; or models are of several divisions, versions or lists
                of images, whose scores no drawing can sort.
        """
        from biobench.report.figure import score_figure
        from biobench.report.page.plot import mean_row, score_row

        whole = task is None and all(result.mean for result in self._results)
        if whole:
            _require_one_group(self._results, None)
            means = [(result.model, result.mean) for result in self._results if result.mean]
            rows = [mean_row(name, mean) for name, mean in means]
            return score_figure("Mean of each model", _best_first(rows))
        tasks = [task] if task is not None else list(dict.fromkeys(t for r in self for t in r))
        having = [result for result in self._results if any(id in result for id in tasks)]
        _require_one_group(having, tasks)
        found = []
        for id in tasks:
            having = [result for result in self._results if id in result]
            rows = [
                score_row(result.model if len(tasks) == 1 else f"{id}: {result.model}", result[id])
                for result in having
            ]
            higher = all(result[id]["higher_is_better"] for result in having)
            found += _best_first(rows, higher=higher)
        if not found:
            scored = ", ".join(dict.fromkeys(t for r in self for t in r))
            raise UsageError(
                f"no model has a score of {task!r}",
                remedy=f"take one of {scored}" if scored else _FAILED,
            )
        return score_figure(f"Scores of each model on {', '.join(tasks)}", found)

    def _joined(self, frames: list[pandas.DataFrame]) -> pandas.DataFrame:
        if not frames:
            raise UsageError("there is no result to show", remedy=_FAILED)
        import pandas

        # Of frames without a row, pandas would say that their columns have no type.
        some = [frame for frame in frames if len(frame)] or frames[:1]
        return pandas.concat(some, ignore_index=True)

    def _repr_html_(self) -> str | None:
        from biobench.compare.set_table import set_html

        return set_html(self._results, self.failures)

    def compare(self, a: str | int, b: str | int) -> ModelComparison:
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
        found = [result for result in self._results if result.model == model]
        if len(found) != 1:
            names = ", ".join(dict.fromkeys(self.names))
            raise UsageError(
                f"{counted(len(found), 'result')} of model {model!r}",
                remedy=f"give a place, or one of {names}",
            )
        return found[0]

    def __repr__(self) -> str:
        return shown(f"ResultSet({', '.join(map(repr, self._results))})")


def _best_first(rows: list[dict[str, Any]], *, higher: bool = True) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -row["score"] if higher else row["score"])


def _require_one_group(results: Sequence[Results], tasks: Sequence[str] | None) -> None:
    """Raise UsageError where scores of the tasks, or the means, cannot be drawn together."""
    from biobench.compare.groups import groups_of

    by = ("division", "suite") if tasks is None else ("division",)
    for group in groups_of(results, by, tasks)[1:]:
        raise UsageError(
            f"model {group.results[0].model} cannot be drawn beside {results[0].model}: "
            f"{group.reason}",
            remedy="draw those that agree, each group by plot() of a ResultSet of its own",
        )
