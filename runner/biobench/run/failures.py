"""Tasks of a run that cannot be scored: kept until the others are scored and written."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from biobench.errors import BiobenchError
from biobench.report.earlier import outdated_files, scored_tasks
from biobench.run.options import say
from biobench.run.plan import Plan


class Failures:
    """Tasks that cannot be scored, because their table or an image cannot be read, or their probe
    or metric failed. The other tasks are scored and written first, so that their work is not
    lost."""

    def __init__(self, plan: Plan, *, model: str | None = None, announce: bool = True) -> None:
        """``model``: its name in the notes, where others run beside it; ``announce``: print notes
        on tasks whose data fail, which are the same for all of them."""
        self._options = plan.options
        self._out = plan.out
        self._model = model
        self._announce = announce
        self._alone = model is None and len(plan.selection.selected) + len(plan.failed) == 1
        self._errors: dict[str, Exception] = {}
        for task, error in plan.failed:
            self.note(task.id, error, of_data=True)

    def keep_earlier(self, folder: Path) -> bool:
        """Return whether the run's ``folder`` stays as it is, since a result or curve in it has a
        score of a task that failed now; says so."""
        kept = bool(self._errors) and not scored_tasks(folder).isdisjoint(self._errors)
        if kept:
            self.say(
                f"{self._out} keeps its earlier result, which has a task that failed now; what was "
                "scored is in the store, and another --out takes it"
            )
        return kept

    def note(self, task: str, error: Exception, *, of_data: bool = False) -> None:
        """Keep the error of a task, and print a note that the run goes on; ``of_data``: it is the
        same for every model."""
        self._errors.setdefault(task, error)
        # Its frames hold the task's features.
        traceback.clear_frames(error.__traceback__)
        if not self._alone and (self._announce or not of_data):
            by = "" if of_data or self._model is None else f" by {self._model!r}"
            self.say(f"{task} is not scored{by}, the run goes on: {self.reason(error)}")

    @property
    def first(self) -> Exception | None:
        """The first error, None where every task was scored."""
        return next(iter(self._errors.values()), None)

    @staticmethod
    def reason(error: Exception) -> str:
        """One line that describes an error."""
        if isinstance(error, BiobenchError):
            return error.what
        return " ".join(f"it failed unexpectedly ({type(error).__name__}: {error})".split())

    def raise_nothing_scored(self) -> NoReturn:
        """Raise the first error, which is there where no task has a score."""
        raise next(iter(self._errors.values()))

    def raise_first(self, folder: Path | None) -> None:
        """Raise the first error, where there is one; ``folder`` holds the results of the scored
        tasks."""
        for error in self._errors.values():
            if folder is not None:
                self.say(f"what was scored is in {folder}")
            raise error

    def say_outdated(self, folder: Path, earlier: Mapping[Path, str]) -> None:
        """Say which files in the run's ``folder`` are of the result that was replaced there.

        Args:
            folder: The folder.
            earlier: Digests of the results in it before, see
                :func:`biobench.report.earlier.result_digests`.
        """
        for file, command in outdated_files(folder, earlier):
            self.say(f"{self._out / file} is of the earlier result; run `{command}` again")

    def say(self, line: str) -> None:
        """Print one line for people, with --json too."""
        quiet = self._options.quiet and not self._options.from_command
        say(replace(self._options, quiet=quiet), line)
