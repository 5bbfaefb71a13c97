"""Tasks of a run that cannot be scored: kept until the others are scored and written."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from biobench.errors import BiobenchError, DataError
from biobench.report.results import results_in
from biobench.run.options import say
from biobench.run.plan import Plan


class Failures:
    """Tasks that cannot be scored, because their table or an image cannot be read, or their probe
    or metric failed. The other tasks are scored and written first, so that their work is not
    lost."""

    def __init__(self, plan: Plan) -> None:
        self._options = plan.options
        self._alone = len(plan.selection.selected) + len(plan.failed) == 1
        self._errors: dict[str, Exception] = {}
        for item, error in plan.failed:
            self.note(item.task.id, error)

    @property
    def tasks(self) -> Collection[str]:
        """Ids of the tasks that failed, in the order of the run."""
        return self._errors.keys()

    def would_lose(self, folder: Path) -> bool:
        """Return whether a result in ``folder`` has a score of a task that failed now."""
        if not self._errors:
            return False
        try:
            earlier = results_in(folder)
        except DataError:
            return False
        return any(task in earlier.tasks for task in self._errors)

    def note(self, task: str, error: Exception) -> None:
        """Keep the error of a task, and print a note that the run goes on."""
        self._errors.setdefault(task, error)
        # Its frames hold the task's features.
        traceback.clear_frames(error.__traceback__)
        if not self._alone:
            self._say(f"{task} is not scored, the run goes on: {self.reason(error)}")

    @staticmethod
    def reason(error: Exception) -> str:
        """One line that describes an error."""
        if isinstance(error, BiobenchError):
            return error.what
        return " ".join(f"it failed unexpectedly ({type(error).__name__}: {error})".split())

    def raise_first(self, folder: Path | None) -> None:
        """Raise the first error, where there is one; ``folder`` holds the results of the scored
        tasks."""
        for error in self._errors.values():
            if folder is not None:
                self._say(f"what was scored is in {folder}")
            raise error

    def _say(self, line: str) -> None:
        # With --json, too, people are told which tasks failed.
        quiet = self._options.quiet and not self._options.from_command
        say(replace(self._options, quiet=quiet), line)
