"""The state of a plan on a store: its parts, and what workers have made of them.

In: a plan and the folder of the store. Out: a state for each part, task and result; nothing is
changed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from biobench._common.claims import Claims
from biobench.work.document import PlanPart, WorkPlan
from biobench.work.jobs import STALE_S, claims_folder

State = Literal["stored", "claimed", "stale", "open"]


@dataclass(frozen=True)
class PartStatus:
    """The state of a part.

    Attributes:
        owner: Name of the worker that has or had it; empty where it is open.
        host: Its host.
        pid: Its process; 0 where it is open.
        age_s: Seconds since it gave a sign, or since the part was stored; None where it is open.
    """

    part: PlanPart
    state: State
    owner: str = ""
    host: str = ""
    pid: int = 0
    age_s: float | None = None


@dataclass(frozen=True)
class Status:
    """The state of a plan.

    Attributes:
        parts: In the order of the plan.
        probed: By folder of a model and id of a task, True where the task is scored.
        written: By folder of a model, True where its result was written.
    """

    parts: tuple[PartStatus, ...]
    probed: Mapping[tuple[str, str], bool]
    written: Mapping[str, bool]

    def count(self, state: State) -> int:
        """The number of parts in a state."""
        return sum(part.state == state for part in self.parts)


def status(plan: WorkPlan, store: Path, stale_s: float = STALE_S) -> Status:
    """The state of ``plan`` on the store in the folder ``store``.

    Args:
        plan: The plan.
        store: Folder of the store, which need not exist.
        stale_s: Seconds without a sign after which a claim counts as stale.
    """
    claims = Claims(claims_folder(store, plan), stale_s)
    try:
        listing = claims.list()
        now = _now(claims)
        parts = tuple(
            _part(part, claims, listing.done, listing.claimed, now) for part in plan.parts
        )
    finally:
        claims.close()
    models = list(enumerate(plan.models))
    return Status(
        parts,
        {
            (model.folder, task.task): plan.job(m, t) in listing.done
            for m, model in models
            for t, task in enumerate(plan.tasks)
        },
        {model.folder: plan.job(m) in listing.done for m, model in models},
    )


def _now(claims: Claims) -> float:
    """The time of the store's clock, or of this host's where the store can only be read: no work is
    taken over by what people see here, so a difference of the two does no harm."""
    try:
        return claims.now()
    except OSError:
        return time.time()


def _part(
    part: PlanPart, claims: Claims, done: frozenset[str], claimed: frozenset[str], now: float
) -> PartStatus:
    if part.name not in done | claimed:
        return PartStatus(part, "open")
    holder = claims.holder(part.name, now)
    if holder is None:
        return PartStatus(part, "open")
    state: State = "claimed"
    if part.name in done:
        state = "stored"
    elif holder.age_s > claims.stale_s:
        state = "stale"
    return PartStatus(part, state, holder.owner, holder.host, holder.pid, holder.age_s)
