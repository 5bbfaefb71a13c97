"""The evidence of a result's chain that stores still have.

In: stores and a result. Out: for each task its evidence, or why there is none; findings where the
evidence is damaged or is not what the result states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from biobench._common.store import Store
from biobench.embed.evidence import Evidence, NotStored, recall
from biobench.report.results import Results
from biobench.verify.findings import Finding

_STAGE = {"manifest": "data", "pixels": "pixels", "features": "features"}


@dataclass(frozen=True)
class StoredEvidence:
    """The evidence of one task, as far as a store has it.

    Attributes:
        evidence: The evidence; None where it is incomplete or was dropped.
        items: Number of its features.
        missing: The reason why it is incomplete, else empty.
        damaged: The stage at which it is damaged, else None.
    """

    evidence: Evidence | None
    items: int = 0
    missing: str = ""
    damaged: str | None = None

    def without_arrays(self) -> StoredEvidence:
        """The same without the arrays: those of a whole benchmark would not fit in memory."""
        return replace(self, evidence=None)


def stored_evidence(stores: Sequence[Store], results: Results, task: str) -> StoredEvidence:
    """The evidence of a task that was run, from the first of ``stores`` that has it."""
    reasons: list[StoredEvidence] = []
    for store in stores:
        try:
            evidence = recall(store, results.tasks[task]["digests"])
            return StoredEvidence(evidence, len(evidence.items))
        except NotStored as reason:
            stage = None if reason.stage is None else _STAGE[reason.stage]
            reasons.append(StoredEvidence(None, missing=str(reason), damaged=stage))
    damaged = [reason for reason in reasons if reason.damaged is not None]
    others = [reason for reason in reasons if reason.missing != "the store does not have them"]
    none = StoredEvidence(None, missing="there is no store")
    return next(iter((*damaged, *others, *reasons)), none)


def check_store(evidence: Mapping[str, StoredEvidence]) -> list[Finding]:
    """Findings about the stored features, by task; one that gives the reason where there are
    none."""
    findings = [
        Finding(found.damaged, False, f"{found.missing}: delete it, and run again", task)
        for task, found in evidence.items()
        if found.damaged is not None
    ]
    whole = {task: found.items for task, found in evidence.items() if not found.missing}
    absent = {
        task: found.missing
        for task, found in evidence.items()
        if found.missing and found.damaged is None
    }
    if whole:
        text = f"{sum(whole.values())} in the store have the digests of the result"
        findings.append(Finding("features", True, text))
    for reason in dict.fromkeys(absent.values()):
        of = [task for task, why in absent.items() if why == reason]
        named = "" if len(of) == len(evidence) else f"{', '.join(of)}: "
        text = f"{named}{reason}; give --store that of the run, or --rerun"
        findings.append(Finding("features", None, text))
    return findings
