"""Training the linear probe beside a DataLoader over rows with torch's AdamW, as a Markdown table.

The published benchmark keeps the features in memory, takes shuffled batches of 2,048 rows from a
DataLoader, and trains a LayerNorm and a Linear by automatic differentiation and AdamW, the rate
falling along a cosine, in mixed precision. On the CPU mixed precision is bfloat16, so both that and
float32, which ours is in, are measured. Ours is exact: no setting of a library moves its bits. The
products alone are the two that a step cannot do without, rows times weights and residuals times
rows, on one batch that is in cache; as they come, by the faster of NumPy and torch. Normalising all
rows, which ours does once and the other way in every step, is given apart: a run has 10,000 steps.

    python tests/benchmarks/linear.py [--quick] [--task NAME] [--threads N]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from side_by_side import Way, alternate, ratio, table, timed, versions
from threadpoolctl import threadpool_limits
from torch.utils.data import DataLoader, Dataset

from biobench.probe import LinearProbe
from biobench.probe.linear_probe.estimator import initial_values
from biobench.probe.linear_probe.training import train
from biobench.probe.rows import standard_rows

BATCH = 2048


@dataclass(frozen=True)
class Problem:
    """Rows like a task's, and how much of a run is measured."""

    task: str
    rows: int
    features: int
    classes: int
    steps: int
    rounds: int

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Features float32 (rows, features) and class ids."""
        random = np.random.Generator(np.random.PCG64(1))
        ids = np.arange(self.rows) % self.classes
        points = random.standard_normal((self.rows, self.features), dtype=np.float32)
        points += 0.3 * random.standard_normal((self.classes, self.features), np.float32)[ids]
        return points, ids


class Rows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The data set that the DataLoader reads."""

    def __init__(self, features: np.ndarray, ids: np.ndarray) -> None:
        self.features, self.ids = torch.from_numpy(features), torch.from_numpy(ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.features[index], self.ids[index]


def with_data_loader(
    features: np.ndarray, ids: np.ndarray, problem: Problem, *, mixed: bool
) -> None:
    norm = torch.nn.LayerNorm(problem.features)
    linear = torch.nn.Linear(problem.features, problem.classes)
    model = torch.nn.Sequential(norm, linear)
    others = [norm.weight, norm.bias, linear.bias]
    optimiser = torch.optim.AdamW(
        [{"params": [linear.weight]}, {"params": others, "weight_decay": 0.0}],
        lr=3e-4,
        weight_decay=1e-2,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, problem.steps, 3e-6)
    loader = DataLoader(Rows(features, ids), batch_size=BATCH, shuffle=True)
    done = 0
    while done < problem.steps:
        for batch, labels in loader:
            if done == problem.steps:
                break
            optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16) if mixed else nullcontext():
                loss = torch.nn.functional.cross_entropy(model(batch), labels)
            loss.backward()
            optimiser.step()
            schedule.step()
            done += 1


def ours(
    normalised: np.ndarray, ids: np.ndarray, problem: Problem, threads: int
) -> Callable[[], None]:
    initial = initial_values(17, "benchmark", problem.classes, problem.features)
    probe = LinearProbe(problem.classes, steps=problem.steps, threads=threads)

    def work() -> None:
        train(probe, normalised, ids, *initial)

    return work


def products(problem: Problem, library: str) -> Callable[[], None]:
    """The two products of each step."""
    features, _ = replace(problem, rows=BATCH).draw()
    weight = np.ones((problem.classes, problem.features), np.float32)
    residual = np.empty((BATCH, problem.classes), np.float32)
    gradient = np.empty_like(weight)
    x, w, r, g = (torch.from_numpy(a) for a in (features, weight, residual, gradient))

    def with_numpy() -> None:
        for _ in range(problem.steps):
            np.matmul(features, weight.T, out=residual)
            np.matmul(residual.T, features, out=gradient)

    def with_torch() -> None:
        for _ in range(problem.steps):
            torch.mm(x, w.t(), out=r)
            torch.mm(r.t(), x, out=g)

    return with_numpy if library == "numpy" else with_torch


def measure(problem: Problem, threads: int) -> tuple[list[list[str]], float]:
    """A line for each way, and the seconds that normalising the rows takes."""
    features, ids = problem.draw()
    normalised, once, _ = timed(lambda: standard_rows(features, 1e-5))
    loader, mixed = (
        Way.here(
            f"DataLoader, AdamW, {name}",
            lambda mixed=mixed: with_data_loader(features, ids, problem, mixed=mixed),
        )
        for name, mixed in (("float32", False), ("bfloat16", True))
    )
    mine = Way.here("biobench", ours(normalised, ids, problem, threads))
    with_numpy, with_torch = (
        Way.here("the products alone", products(problem, library)) for library in ("numpy", "torch")
    )
    alternate([loader, mixed, mine, with_numpy, with_torch], problem.rounds)
    least = min(with_numpy, with_torch, key=lambda way: sum(way.cpu))
    name = f"{problem.task}, {problem.rows:,} x {problem.features:,}, {problem.classes:,} classes"
    return [
        [
            name if way is loader else "",
            way.name,
            f"{1000 * statistics.median(way.cpu) / problem.steps:.1f}",
            f"{ratio(loader.cpu, way.cpu):.2f}",
            f"{ratio(loader.wall, way.wall):.2f}",
            f"{ratio(way.cpu, least.cpu):.2f}",
        ]
        for way in (loader, mixed, mine, least)
    ], once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few steps, and no large problem")
    parser.add_argument("--task", help="the problem of this name alone")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    steps, rounds = (6, 3) if arguments.quick else (40, 5)
    problems = [
        Problem("plankton", 63_074, 1024, 50, steps, rounds),
        Problem("herbarium19", 34_225, 1024, 683, steps, rounds),
    ]
    if not arguments.quick:
        problems.append(Problem("plantnet", 243_916, 1024, 1081, 200, 3))
    if arguments.task:
        problems = [problem for problem in problems if problem.task == arguments.task]
    torch.set_num_threads(arguments.threads)
    print(versions("numpy", "torch"), end="\n\n")
    with threadpool_limits(arguments.threads):
        found = [measure(problem, arguments.threads) for problem in problems]
    table(
        [
            "features like those of",
            "way",
            "CPU ms a step",
            "CPU ratio",
            "wall ratio",
            "of the products alone",
        ],
        [line for lines, _ in found for line in lines],
    )
    once = ", ".join(f"{p.task} {s:.1f} s" for p, (_, s) in zip(problems, found, strict=True))
    print(f"normalising the rows once: {once}")


if __name__ == "__main__":
    main()
