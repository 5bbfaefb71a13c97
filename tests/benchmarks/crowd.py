"""Many workers on one folder, of which every minute a tenth is killed.

    python tests/benchmarks/crowd.py [--workers N] [--parts N] [--seconds S] [--stale S] [--quick]

Each worker is a process; one that is killed, with SIGKILL at a moment that is drawn, is replaced,
as a scheduler does. The model is a stub whose forward pass sleeps ``--seconds``: a thousand workers
have few cores here, and a GPU each elsewhere. The result has to have the digests of one run, each
part has to be stored, and no more than 2 % of the parts may be embedded to the end twice. What a
killed worker had begun is begun again: that is counted beside it.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from forked import Crew, Setting, digests_in
from peers.protocol import content
from side_by_side import table, versions
from stub import draw_images, write_model

from biobench._common.memory import available_memory
from biobench._common.store import Store
from biobench.work import status

KILLED_A_MINUTE = 0.1
BOUND = 0.02
"""Most of the parts that may be embedded twice."""
MEMORY_OF_ONE = 32 << 20
"""Bytes that a worker may take; 18 MiB were measured."""
IMAGES = 1
"""Images of a part."""


@dataclass(frozen=True)
class Outcome:
    """What became of a plan.

    Attributes:
        right: The digests are those of one run, and every part is stored.
        twice: Parts that were embedded to the end more than once.
        again: Times that a part was begun beyond the first.
        most: Workers alive at a time.
        memory: Bytes of the workers, at most.
    """

    right: bool
    parts: int
    twice: int
    again: int
    killed: int
    failed: int
    most: int
    memory: int
    seconds: float
    cpu: float


def memory_of(pids: set[int]) -> int:
    """Bytes that processes hold, what several share divided among them, by a sample of them: a look
    at one takes the system milliseconds."""
    total, sample = 0, sorted(pids)[:: max(1, len(pids) // 16)]
    for pid in sample:
        for line in content(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
            total += int(line.split()[1]) << 10 if line.startswith("Pss:") else 0
    return total * len(pids) // max(1, len(sample))


def measure(
    setting: Setting, workers: int, *, pass_s: float, stale_s: float, killed: float, seed: int = 1
) -> Outcome:
    """Have workers do a plan, and kill this share of them each minute."""
    draws = random.Random(seed)
    crew = Crew(setting.prepared, setting.root / "store", stale_s, pass_s, nice=4)
    cpu = _cpu_of_children()
    crew.start(workers)
    began = time.monotonic()
    most, deaths, memory = len(crew.running), 0, 0
    pause = 60 / (killed * workers)
    next_death, next_look = time.monotonic() + pause, began + 5
    while crew.running:
        now = time.monotonic()
        crew.reap()
        due = 0
        while now >= next_death and due < len(crew.running):
            crew.kill(draws.choice(sorted(crew.running)))
            due, next_death = due + 1, next_death + pause
        if due:
            crew.start(due)
            deaths += due
        if now >= next_look:
            memory, next_look = max(memory, memory_of(crew.running)), now + 60
            events = crew.events()
            print(
                f"{now - began:.0f} s: {len(crew.running)} workers, {len(set(events.embedded))} "
                f"parts embedded, {deaths} killed, {memory >> 20} MiB",
                file=sys.stderr,
            )
        time.sleep(0.02)
    events = crew.events()
    plan = setting.prepared.plan
    state = status(plan, crew.store)
    right = (
        digests_in(crew.out / plan.models[0].folder) == setting.expected
        and state.count("stored") == len(plan.parts)
        and Store(crew.store).damaged() == []
    )
    return Outcome(
        right=right,
        parts=len(plan.parts),
        twice=sum(count > 1 for count in Counter(events.embedded).values()),
        again=len(events.begun) - len(set(events.begun)),
        killed=deaths,
        failed=len(crew.failed),
        most=most,
        memory=memory,
        seconds=time.monotonic() - began,
        cpu=_cpu_of_children() - cpu,
    )


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    room = available_memory() // MEMORY_OF_ONE
    parser.add_argument("--workers", type=int, default=min(1000, room))
    parser.add_argument("--parts", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--stale", type=float, default=120.0)
    parser.add_argument("--quick", action="store_true", help="20 workers, seconds")
    arguments = parser.parse_args()
    killed = KILLED_A_MINUTE
    if arguments.quick:
        arguments.workers, arguments.parts = 20, 200
        arguments.seconds, arguments.stale, killed = 0.3, 2.0, 6.0
    root = Path(tempfile.mkdtemp())
    try:
        model = write_model(root / "stub", 16)
        setting = Setting.make(root, model, draw_images(root, IMAGES * arguments.parts), IMAGES)
        found = measure(
            setting, arguments.workers,
            pass_s=arguments.seconds, stale_s=arguments.stale, killed=killed,
        )  # fmt: skip
    finally:
        shutil.rmtree(root)
    rate = found.killed / found.most / (found.seconds / 60)
    print(f"passes of {arguments.seconds:g} s, claims stale after {arguments.stale:g} s; ", end="")
    print(versions("numpy"), end="\n\n")
    table(
        [
            "workers at a time", "killed", "parts", "embedded twice", "begun again", "digests",
            "minutes", "CPU ms a part", "memory, MiB",
        ],
        [
            [
                str(found.most),
                f"{found.killed} ({100 * rate:.1f} % a minute)",
                str(found.parts),
                f"{found.twice} ({100 * found.twice / found.parts:.2f} %)",
                f"{found.again} ({100 * found.again / found.parts:.2f} %)",
                "equal" if found.right else "DIFFER",
                f"{found.seconds / 60:.1f}",
                f"{1000 * found.cpu / found.parts:.0f}",
                str(found.memory >> 20),
            ]
        ],
    )  # fmt: skip
    if not found.right or found.failed or found.twice > BOUND * found.parts:
        print(f"{found.failed} workers failed; 2 % twice is the bound", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
