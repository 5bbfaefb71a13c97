"""The order in which workers try the jobs of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from biobench._common.claims import ClaimListing
from biobench.run.options import Options
from biobench.work.jobs import Jobs
from biobench.work.make import make_plan
from biobench.work.worker import longest_wait


def test_workers_try_different_parts_first(small_program: str, tmp_path: Path) -> None:
    """Protects: where many parts are open, or stale at once, hundreds of workers do not all try the
    same one; each tries every one in the end."""
    options = Options(
        model=small_program, folder="demo", tasks=("demo-beluga",), store=tmp_path / "store"
    )
    plan = make_plan([options], size=10).plan
    jobs = Jobs(plan, lambda model: False)
    names = {part.name for part in plan.parts}
    for claimed in (frozenset[str](), frozenset(names)):
        listing = ClaimListing(done=frozenset(), claimed=claimed, stale=claimed, processes=2)
        left = jobs.left(listing, frozenset())
        tried = [
            [job.name for job in jobs.ordered(left, listing, None, turn)]
            for turn in range(len(names))
        ]
        assert {order[0] for order in tried} == names
        assert all(set(order) == names and len(order) == len(names) for order in tried)


@pytest.mark.parametrize(
    ("processes", "stale_s", "expected"),
    [
        (1, 120.0, 10.0),
        (200, 120.0, 10.0),
        (500, 120.0, 25.0),
        (1000, 120.0, 30.0),
        (1000, 4.0, 1.0),
    ],
)
def test_many_waiting_workers_look_more_seldom(
    processes: int, stale_s: float, expected: float
) -> None:
    """Protects: the disk of a thousand workers that wait for the last job is left alone, and none
    looks so seldom that it learns late of a worker that died."""
    assert longest_wait(processes, stale_s) == expected
