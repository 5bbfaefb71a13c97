"""Images a second that 1, 2, 4 and 8 workers embed, and the share of time that claims cost.

    python tests/benchmarks/throughput.py [--rounds N] [--quick]

Three plans on drawn images: parts of a moment, by a stub, where nearly all is overhead; parts by a
stub whose pass sleeps, as where a GPU computes, so that more workers than cores can help; parts by
the demo model as a program, which keeps a core busy. Each number of workers starts with an empty
store; processes are forked with the package loaded. Claims are what a worker does to find its next
job, to claim it and to end the claim, in wall time, until its last job is done.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forked import Crew, Events, Setting, digests_in, prepared_in, quiet
from side_by_side import table, versions
from stub import draw_images, write_model

from biobench.cli import execute

WORKERS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Load:
    """A plan to measure; ``model``: None for the stub."""

    name: str
    parts: int
    size: int
    pass_s: float = 0.0
    model: str | None = None


@dataclass(frozen=True)
class Rate:
    """Images a second, the share of the workers' time that claims took, and CPU ms an image."""

    images: float
    claims: float
    cpu: float


def measure(setting: Setting, workers: int, images: int, pass_s: float) -> Rate:
    """The rate of so many workers on an empty store; their result is that of one run."""
    store = setting.root / f"store-{workers}"
    crew = Crew(prepared_in(setting.root, store), store, 600.0, pass_s)
    began = time.monotonic()
    crew.start(workers)
    while crew.running:
        crew.reap()
        time.sleep(0.005)
    found: Events = crew.events()
    # The last part of the last worker; workers that wait for a probe ask at intervals.
    seconds = max(found.times) - began
    assert not crew.failed
    assert digests_in(crew.out / setting.prepared.plan.models[0].folder) == setting.expected
    for place in (store, crew.out):
        shutil.rmtree(place)
    store.with_suffix(".log").unlink()
    working = sum(worker["working"] for worker in found.ended)
    return Rate(
        images / seconds,
        sum(worker["claims"] for worker in found.ended) / working,
        1000 * sum(worker["cpu"] for worker in found.ended) / images,
    )


def rows_of(load: Load, root: Path, rounds: int) -> list[list[str]]:
    """The rows of a plan: all numbers of workers in turn, in each round."""
    images = load.parts * load.size
    model = load.model or write_model(root / "stub", 64)
    setting = Setting.make(root, model, draw_images(root, images), load.size)
    found: dict[int, list[Rate]] = {count: [] for count in WORKERS}
    for _ in range(rounds):
        for count in WORKERS:
            found[count].append(measure(setting, count, images, load.pass_s))
    lines = []
    for count, rates in found.items():
        ratios = [rate.images / one.images for rate, one in zip(rates, found[1], strict=True)]
        lines.append(
            [
                f"{load.name}, {load.parts} of {load.size}",
                str(count),
                f"{statistics.median(rate.images for rate in rates):.0f}",
                f"{statistics.median(ratios):.2f}",
                f"{100 * statistics.median(rate.claims for rate in rates):.1f} %",
                f"{statistics.median(rate.cpu for rate in rates):.1f}",
            ]
        )
    return lines


def loads(*, quick: bool, demo: str | None) -> Sequence[Load]:
    """The plans to measure; ``demo``: the demo model as a program."""
    if quick:
        return [Load("parts of a moment", 60, 16), Load("passes of 0.2 s", 24, 16, 0.2)]
    found = [Load("parts of a moment", 200, 32), Load("passes of 0.5 s", 32, 32, 0.5)]
    return found if demo is None else [*found, Load("the demo model", 16, 32, model=demo)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of small plans of stubs")
    arguments = parser.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as scratch:
        demo = None
        if not arguments.quick:
            # In a process of its own: one that has torch loaded is not forked.
            demo = f"program:{Path(scratch, 'demo')}"
            pid = os.fork()
            if not pid:
                with quiet(Path(scratch, "said.txt")):
                    code = execute(["models", "export", "demo", "--out", demo.partition(":")[2]])
                os._exit(code)
            assert os.waitpid(pid, 0)[1] == 0
        for number, load in enumerate(loads(quick=arguments.quick, demo=demo)):
            root = Path(scratch, str(number))
            root.mkdir()
            lines += rows_of(load, root, rounds)
            print(f"{load.name}: done", file=sys.stderr)
    print(f"{rounds} rounds, one thread a worker; {versions('numpy')}", end="\n\n")
    table(
        ["parts, of images", "workers", "images/s", "ratio to one", "claims", "CPU ms an image"],
        lines,
    )


if __name__ == "__main__":
    main()
