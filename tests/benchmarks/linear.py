"""Training the linear probe beside a DataLoader over rows with torch's AdamW, as a Markdown table.

The published benchmark keeps the features in memory, takes shuffled batches of 2,048 rows from a
DataLoader, and trains a LayerNorm and a Linear by automatic differentiation and AdamW, the rate
falling along a cosine. On the CPU that is in float32, as here. The products alone are the two that
a step cannot do without, rows times weights and residuals times rows, by the faster of NumPy and
torch. One thread each. Normalising all rows, which ours does once and the other way in every step,
is given apart: a run has 10,000 steps.

    python tests/benchmarks/linear.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from side_by_side import Way, alternate, ratio, table, versions
from threadpoolctl import threadpool_limits
from torch.utils.data import DataLoader, Dataset

from biobench.probe import LinearProbe
from biobench.probe.linear import initial_values
from biobench.probe.linear_training import train
from biobench.probe.rows import standard_rows

BATCH = 2048


@dataclass(frozen=True)
class Problem:
    """Rows like a task's."""

    task: str
    rows: int
    features: int
    classes: int
    steps: int

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Features float32 (rows, features) and class ids."""
        random = np.random.Generator(np.random.PCG64(1))
        ids = np.arange(self.rows) % self.classes
        points = random.standard_normal((self.rows, self.features), dtype=np.float32)
        points += 0.3 * random.standard_normal((self.classes, self.features), np.float32)[ids]
        return points, ids


class Rows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """What the DataLoader reads."""

    def __init__(self, features: np.ndarray, ids: np.ndarray) -> None:
        self.features, self.ids = torch.from_numpy(features), torch.from_numpy(ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.features[index], self.ids[index]


def with_data_loader(features: np.ndarray, ids: np.ndarray, problem: Problem) -> None:
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
            torch.nn.functional.cross_entropy(model(batch), labels).backward()
            optimiser.step()
            schedule.step()
            done += 1


def ours(normalised: np.ndarray, ids: np.ndarray, problem: Problem) -> None:
    probe = LinearProbe(problem.classes, steps=problem.steps)
    train(
        probe, normalised, ids, *initial_values(17, "benchmark", problem.classes, problem.features)
    )


def products(features: np.ndarray, problem: Problem, library: str) -> Callable[[], None]:
    """The two products of each step."""
    batch = features[:BATCH]
    weight = np.ones((problem.classes, problem.features), np.float32)
    residual = np.empty((BATCH, problem.classes), np.float32)
    gradient = np.empty_like(weight)
    x, w, r, g = (torch.from_numpy(a) for a in (batch, weight, residual, gradient))

    def with_numpy() -> None:
        for _ in range(problem.steps):
            np.matmul(batch, weight.T, out=residual)
            np.matmul(residual.T, batch, out=gradient)

    def with_torch() -> None:
        for _ in range(problem.steps):
            torch.mm(x, w.t(), out=r)
            torch.mm(r.t(), x, out=g)

    return with_numpy if library == "numpy" else with_torch


def measure(problem: Problem, rounds: int) -> list[list[str]]:
    """A line for each way."""
    features, ids = problem.draw()
    normalising = Way("normalising", lambda: standard_rows(features, 1e-5))
    normalised = normalising.run()
    loader = Way("DataLoader, AdamW", lambda: with_data_loader(features, ids, problem))
    mine = Way("biobench", lambda: ours(normalised, ids, problem))
    alone = [
        Way("the products alone", products(features, problem, library))
        for library in ("numpy", "torch")
    ]
    alternate([loader, mine, *alone], rounds)
    least = min(alone, key=lambda way: sum(way.cpu))
    name = f"{problem.task}, {problem.rows:,} x {problem.features:,}, {problem.classes:,} classes"
    return [
        [
            name if way is loader else "",
            way.name,
            f"{1000 * statistics.median(way.cpu) / problem.steps:.1f}",
            f"{ratio(loader.cpu, way.cpu):.2f}",
            f"{ratio(loader.wall, way.wall):.2f}",
            f"{ratio(way.cpu, least.cpu):.2f}",
            f"{normalising.cpu[0]:.1f} s" if way is mine else "",
        ]
        for way in (loader, mine, least)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few steps, and no large problem")
    quick = parser.parse_args().quick
    steps, rounds = (6, 3) if quick else (30, 5)
    problems = [
        Problem("plankton", 57_000, 1024, 50, steps),
        Problem("herbarium19", 34_225, 1024, 683, steps),
    ]
    if not quick:
        problems.append(Problem("plantnet", 243_916, 1024, 1081, 40))
    torch.set_num_threads(1)
    print(versions("numpy", "torch"), end="\n\n")
    with threadpool_limits(1):
        table(
            [
                "features like those of",
                "way",
                "CPU ms a step",
                "CPU ratio",
                "wall ratio",
                "of the products alone",
                "normalising once",
            ],
            [line for problem in problems for line in measure(problem, rounds)],
        )


if __name__ == "__main__":
    main()
