"""The share of a pass of torch that turns pixels into values, and the bytes that a copy has.

    python tests/benchmarks/look_up.py [--rows N] [--rounds N] [--quick]

Times are those of torch's own profiler, on one thread of the CPU; the weights are drawn, which
changes no time. Bytes are arithmetic: what a micro-batch of 256 images has on its way to a GPU.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
import torch
from side_by_side import table, versions
from torch.profiler import ProfilerActivity, profile, record_function

from biobench.embed.device import HostMemory, ValueTable, send
from biobench.embed.forward import deterministic
from biobench.models.base import Backbone
from pipeline import MODELS, load

OF_A_GPU = 256
"""Images of a micro-batch on a GPU."""
LOOK_UP, EMBED = "look up", "embed"


def milliseconds(backbone: Backbone, rows: int, rounds: int) -> tuple[float, float]:
    """Profiled times of an image: of the look-up, and of the model's own pass."""
    random = np.random.Generator(np.random.PCG64(1))
    pixels = random.integers(0, 256, (rows, 3, *backbone.recipe.crop), np.uint8)
    values = ValueTable(backbone.recipe, "cpu")
    filling = backbone.recipe.table[:, :1, None]
    found: dict[str, list[float]] = {LOOK_UP: [], EMBED: []}
    with deterministic(), torch.inference_mode():
        for round in range(rounds + 1):
            with profile(activities=[ProfilerActivity.CPU]) as profiled:
                with record_function(LOOK_UP):
                    arrived = send(HostMemory(), pixels, rows, filling).arrived()
                    batch = values.look_up(arrived)
                with record_function(EMBED):
                    backbone.embed(batch)
            for event in profiled.key_averages():
                if round and event.key in found:
                    found[event.key].append(event.cpu_time_total / 1000 / rows)
    return statistics.median(found[LOOK_UP]), statistics.median(found[EMBED])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=32, help="images of a micro-batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="4 images, 1 round")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.rounds = 4, 1
    lines = []
    for name in MODELS:
        backbone = load(name)
        look_up, embed = milliseconds(backbone, arguments.rows, arguments.rounds)
        height, width = backbone.recipe.crop
        size = OF_A_GPU * 3 * height * width / 1e6
        lines.append(
            [
                name.removeprefix("timm:"), f"{look_up:.3f}", f"{embed:.2f}",
                f"{100 * look_up / (look_up + embed):.2f} %", f"{size:.1f}", f"{4 * size:.1f}",
            ]
        )  # fmt: skip
    print(f"{arguments.rows} images, {arguments.rounds} rounds; {versions('torch', 'timm')}\n")
    table(
        [
            "model", "look-up, ms an image", "model, ms an image", "share of the look-up",
            "MB of 256 images, uint8", "float32",
        ],
        lines,
    )  # fmt: skip


if __name__ == "__main__":
    main()
