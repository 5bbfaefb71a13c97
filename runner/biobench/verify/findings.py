"""The findings about a result, stage by stage, in the order of the evidence chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

STAGES = (
    "document",
    "setup",
    "software",
    "spec",
    "data",
    "recipe",
    "pixels",
    "weights",
    "features",
    "predictions",
    "score",
    "result",
)
"""In the order of the chain: a stage follows from those before it. ``document`` is the form of the
files, ``setup`` what was asked for, ``software`` what it ran with, ``result`` what the whole claims
about itself."""
MAX_PRINTED = 10
"""Findings of a stage that are printed; the rest are counted."""

Holds = bool | None
"""True, False, or None where it could not be checked."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        task: None where it is about the whole result.
        size: Measured differences by name, as numbers.
    """

    stage: str
    holds: Holds
    text: str
    task: str | None = None
    size: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.task}: {self.text}" if self.task else self.text

    def document(self) -> dict[str, Any]:
        """The finding as a JSON value."""
        named = {} if self.task is None else {"task": self.task}
        sizes = {"size": dict(self.size)} if self.size else {}
        return {"holds": self.holds, **named, "text": self.text, **sizes}


Level = str | None


@dataclass(frozen=True)
class Report:
    """Findings with the level that each stage claims and reaches; None where there is none.

    Attributes:
        truth: By task, whether its predictions match the data at hand, in words.
    """

    findings: tuple[Finding, ...]
    claimed: Mapping[str, Level]
    reached: Mapping[str, Level]
    truth: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> str | None:
        """The first stage at which something does not hold."""
        failed = {finding.stage for finding in self.findings if finding.holds is False}
        return next((stage for stage in STAGES if stage in failed), None)

    @property
    def holds(self) -> bool:
        """True where every check holds or could not be made."""
        return self.first is None

    def of(self, stage: str) -> tuple[Finding, ...]:
        """The findings of a stage, those that do not hold first."""
        found = [finding for finding in self.findings if finding.stage == stage]
        return tuple(sorted(found, key=lambda finding: _WEIGHT[finding.holds]))

    def status(self, stage: str) -> Holds:
        """False where something does not hold, None where nothing could be checked."""
        found = self.of(stage)
        if any(finding.holds is False for finding in found):
            return False
        return True if any(finding.holds for finding in found) else None

    def stages(self) -> Iterator[str]:
        """The stages with findings, in order."""
        return (stage for stage in STAGES if self.of(stage))

    def document(self) -> dict[str, Any]:
        """The report as a JSON value."""
        truth = {"truth": dict(self.truth)} if self.truth else {}
        return {
            "holds": self.holds,
            "first": self.first,
            **truth,
            "stages": {
                stage: {
                    "holds": self.status(stage),
                    "claimed": self.claimed.get(stage),
                    "reached": self.reached.get(stage),
                    "findings": [finding.document() for finding in self.of(stage)],
                }
                for stage in self.stages()
            },
        }


_WEIGHT: dict[Holds, int] = {False: 0, None: 1, True: 2}
Kind = Literal["check", "compare"]


def lines(report: Report, kind: Kind) -> list[str]:
    """The report for people: a line a stage, with the facts that it rests on."""
    rows = [
        (
            stage,
            report.claimed.get(stage) or "",
            report.reached.get(stage) or "",
            _word(report, stage, kind),
        )
        for stage in report.stages()
    ]
    heads = ("stage", "claimed", "reached", "")
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(4)]
    out = [_row(heads, widths, "")]
    for row in rows:
        texts = _texts(report.of(row[0]))
        out.append(_row(row, widths, texts[0]))
        out += [" " * (sum(widths) + 8) + text for text in texts[1:]]
    return out


def _word(report: Report, stage: str, kind: Kind) -> str:
    status = report.status(stage)
    if kind == "check":
        return {True: "holds", False: "FAILS", None: "not checked"}[status]
    if status and any(finding.size for finding in report.of(stage)):
        return "other" if stage == "software" else "close"
    return {True: "equal", False: "DIFFERS", None: "not measured"}[status]


def _row(cells: Sequence[str], widths: Sequence[int], text: str) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join([*padded, text]).rstrip()


def _texts(findings: Sequence[Finding]) -> list[str]:
    texts = list(dict.fromkeys(map(str, findings)))
    more = len(texts) - MAX_PRINTED
    return texts if more <= 0 else [*texts[:MAX_PRINTED], f"and {more} more"]
