"""The state of a plan, as people see it who look at a store."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from biobench._common.claims import Claims
from biobench.run.options import Options
from biobench.work import status
from biobench.work.document import WorkPlan
from biobench.work.jobs import claims_folder
from biobench.work.make import make_plan


@pytest.fixture
def plan(small_program: str, tmp_path: Path) -> WorkPlan:
    options = Options(
        model=small_program, folder="demo", tasks=("demo-beluga",), store=tmp_path / "store"
    )
    return make_plan([options], size=10).plan


@pytest.fixture
def at_work(plan: WorkPlan, tmp_path: Path) -> Iterator[None]:
    """A worker that has stored the first part and holds the second; the last gave no sign for an
    hour."""
    claims = Claims(claims_folder(tmp_path / "store", plan), 3600.0, "seven")
    claims.open()
    stored, held, lost = (claims.take(plan.parts[place].name) for place in (0, 1, -1))
    assert stored is not None
    assert held is not None
    assert lost is not None
    stored.finish()
    then = time.time() - 3600
    os.utime(claims.folder / plan.parts[-1].name, (then, then))
    yield
    held.release()
    lost.release()
    claims.close()


def check(plan: WorkPlan, store: Path) -> None:
    parts = status(plan, store).parts
    states = [parts[place].state for place in (0, 1, 2, -1)]
    assert states == ["stored", "claimed", "open", "stale"]
    for place in (0, 1, -1):
        assert (parts[place].owner, parts[place].pid) == ("seven", os.getpid())
    ages = [parts[place].age_s for place in (0, 1, -1)]
    assert all(age is not None for age in ages)
    assert [age > 3000 for age in ages if age is not None] == [False, False, True]


@pytest.mark.usefixtures("at_work")
def test_the_clock_is_read_once(
    plan: WorkPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: a look at ten thousand parts writes once on a network disk."""
    reads: list[float] = []
    now = Claims.now

    def counted(self: Claims) -> float:
        reads.append(now(self))
        return reads[-1]

    monkeypatch.setattr(Claims, "now", counted)
    check(plan, tmp_path / "store")
    assert len(reads) == 1


@pytest.mark.usefixtures("at_work")
def test_a_store_that_can_only_be_read(
    plan: WorkPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: who may not write in the store sees who works, and since when there was no sign."""

    def refuse(self: Claims) -> float:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Claims, "now", refuse)
    check(plan, tmp_path / "store")


def test_a_store_that_does_not_exist(plan: WorkPlan, tmp_path: Path) -> None:
    """Protects: a look makes no folder; every part is open."""
    store = tmp_path / "nowhere"
    assert {part.state for part in status(plan, store).parts} == {"open"}
    assert not store.exists()
