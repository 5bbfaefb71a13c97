"""Published scores that stand in for running a task (SPEC.md, section "Declared scores").

In: what a person declares. Out: the task, its score and where it is published, ready for a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biobench.errors import UsageError
from biobench.report.outcome import ExternalScore
from biobench.spec.documents import Division
from biobench.spec.load import Spec


@dataclass(frozen=True)
class Declaration:
    """A score that the user declares: a task's id, the score as a fraction, and where it is
    published."""

    task: str
    score: float
    source: str


def read_declarations(given: Sequence[str], sources: Sequence[str]) -> tuple[Declaration, ...]:
    """Read declarations from ``TASK=SCORE`` and, in the same order, their sources.

    Raises:
        UsageError: A score is not a number, or a declaration has no source.
    """
    if len(given) != len(sources):
        raise UsageError(
            f"{len(given)} --declare with {len(sources)} --source",
            remedy='say for each where it is published: --declare TASK=SCORE --source "..."',
        )
    found = []
    for text, source in zip(given, sources, strict=True):
        task, _, number = text.partition("=")
        try:
            score = float(number)
        except ValueError:
            raise UsageError(
                f"--declare {text!r} is not TASK=SCORE", remedy="write imagenet1k=0.812"
            ) from None
        found.append(Declaration(task.strip(), score, source))
    return tuple(found)


def resolve_declarations(
    spec: Spec, declarations: Sequence[Declaration], division: Division
) -> tuple[ExternalScore, ...]:
    """The declared tasks in a division, in the order given.

    Raises:
        UsageError: The specification does not have a task or does not let its score be declared, a
            task is declared twice, a score is outside [0, 1], or a source is empty.
    """
    allowed = [id for id in spec.task_ids() if spec.task(id).declarable]
    found: list[ExternalScore] = []
    for declaration in declarations:
        where = f"--declare {declaration.task}"
        if declaration.task not in spec.task_ids():
            raise UsageError(
                f"there is no task {declaration.task!r}",
                where=where,
                remedy=f"a score can be declared for {', '.join(allowed)}",
            )
        task = spec.task(declaration.task, division)
        if not task.declarable:
            raise UsageError(
                "this task has to be run: its document lets nobody declare a score",
                where=where,
                remedy=f"a score can be declared for {', '.join(allowed)}",
            )
        if any(other.task.id == task.id for other in found):
            raise UsageError("the task is declared twice", where=where, remedy="declare it once")
        if not 0 <= declaration.score <= 1:
            raise UsageError(
                f"{declaration.score:g} is not a fraction",
                where=where,
                remedy="scores lie between 0 and 1: write 0.812 for 81.2%",
            )
        if not declaration.source.strip():
            raise UsageError(
                "it has no source", where=where, remedy="say where the score is published"
            )
        found.append(ExternalScore(task, declaration.score, " ".join(declaration.source.split())))
    return tuple(found)
