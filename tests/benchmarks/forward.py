"""Speed and memory of forward passes by the exact engine beside torch as it comes, as a table.

Whole models at their size, with drawn weights, which change no time, on batches that are ready.
torch runs as users have it, without gradients, convolutional networks in the faster of its two
layouts of memory. The ways alternate, for one number of threads after the other; one thread each
unless other numbers are asked for. Memory is that of a process for each way, at the peak of its
passes beyond the loaded model.

    python tests/benchmarks/forward.py [NAME ...] [--rounds N] [--batch N] [--threads N ...]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from forward_peak import peak_of_program, peak_of_torch
from side_by_side import Way, alternate, ratio, table, versions

from biobench import _native
from biobench.models.program.capture import capture
from biobench.models.program.lower import lower
from biobench.spec.canonical import canonical_json

HEADING = [
    "model", "way", "threads", "CPU ms an image", "CPU ratio", "wall ratio",
    "wall ratio to one thread", "peak memory beyond the model, MiB", "largest difference",
]  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A model of a table: the library that builds it, its name there, the side of its images."""

    library: str
    name: str
    side: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> tuple[Any, Callable[[Any], Any]]:
        """The module without gradients, and what gives its features."""
        if self.library == "timm":
            import timm

            module: Any = timm.create_model(self.name, num_classes=0, **self.options)
            return module.eval().requires_grad_(False), module
        import transformers

        configuration = getattr(transformers, self.name.removesuffix("Model") + "Config")
        module = getattr(transformers, self.name)(configuration(**self.options))
        module.eval().requires_grad_(False)
        return module, lambda images: module(pixel_values=images).last_hidden_state[:, 0]


MODELS = [
    Model("timm", "vit_base_patch16_224", 224),
    Model("transformers", "ViTModel", 224),
    Model("timm", "vit_base_patch16_dinov3", 256),
    Model("timm", "vit_large_patch16_224", 224),
    Model("timm", "vit_large_patch16_siglip_256", 256),
    Model("timm", "convnext_tiny", 224),
    Model("timm", "resnet50", 224),
    Model("timm", "efficientnet_lite0", 224),
]
"""Backbones that are much used; transformers' and timm's ViT-B/16 are the same network."""


def measure(model: Model, batch: int, rounds: int, threads: Sequence[int]) -> list[list[str]]:
    """Rows of the table: for each number of threads torch in its faster layout, and the engine."""
    import torch

    torch.manual_seed(0)
    module, forward = model.build()
    document, constants = lower(capture(module, forward, (model.side, model.side)))
    text = canonical_json(document).decode()
    program = _native.Program(text, constants.get)
    images = torch.randn(batch, 3, model.side, model.side)
    array = images.numpy()
    torch.set_num_threads(threads[0])
    layout, given = faster_layout(module, forward, images)
    expected = by_torch(forward, given)
    apart = 0.0
    ways: list[Way] = []
    for count in threads:
        engine = _native.Engine(count)
        pair = [
            Way.here(layout, lambda: by_torch(forward, given)),
            Way.here("biobench", lambda engine=engine: program.run(engine, array)),
        ]
        # torch starts its threads in its first pass.
        torch.set_num_threads(count)
        _, found = (way.clock()[0] for way in pair)
        apart = max(apart, float(np.abs(found - expected).max()))
        alternate(pair, rounds)
        ways += pair
    apart /= float(np.abs(expected).max())
    peaks = [
        (
            peak_of_torch(model, images.shape, count, channels_last=given is not images),
            peak_of_program(text, constants, images.shape, count),
        )
        for count in threads
    ]
    rows = []
    for index, way in enumerate(ways):
        place, ours = divmod(index, 2)
        theirs = ways[index - ours]
        rows.append(
            [
                "" if index else f"{model.library} {model.name}, {model.side}",
                way.name,
                f"{threads[place]}",
                f"{1e3 * statistics.median(way.cpu) / batch:.1f}",
                f"{ratio(theirs.cpu, way.cpu):.2f}",
                f"{ratio(theirs.wall, way.wall):.2f}",
                f"{ratio(ways[ours].wall, way.wall):.2f}" if threads[0] == 1 else "",
                f"{peaks[place][ours] / 2**20:.0f}",
                f"{apart:.0e}" if ours else "",
            ]
        )
    return rows


def by_torch(forward: Callable[[Any], Any], images: Any) -> Any:
    """The features of a pass of torch."""
    import torch

    with torch.inference_mode():
        return forward(images).numpy()


def faster_layout(module: Any, forward: Callable[[Any], Any], images: Any) -> tuple[str, Any]:
    """The name of the layout of memory that takes torch less time, with the images in it; the
    module has it afterwards."""
    import torch

    layouts = {"torch": torch.contiguous_format}
    if any(isinstance(part, torch.nn.BatchNorm2d) for part in module.modules()):
        layouts["torch, channels last"] = torch.channels_last
    times = {}
    for name, layout in layouts.items():
        module.to(memory_format=layout)
        given = images.to(memory_format=layout)
        way = Way.here(name, lambda given=given: by_torch(forward, given))
        way.run()
        way.run()
        times[name] = way.cpu[-1]
    best = min(times, key=times.__getitem__)
    module.to(memory_format=layouts[best])
    # One kind of memory for the whole network, and for its images.
    return best, images.to(memory_format=layouts[best])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="models whose name has this part")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="one or several")
    parser.add_argument("--quick", action="store_true", help="EfficientNet alone, one round")
    arguments = parser.parse_args()
    names = ["efficientnet_lite0"] if arguments.quick else arguments.name
    rounds = 1 if arguments.quick else arguments.rounds
    print(versions("torch", "timm", "transformers"), end="\n\n")
    chosen = [m for m in MODELS if not names or any(name in m.name for name in names)]
    rows: list[list[str]] = []
    for model in chosen:
        rows += measure(model, arguments.batch, rounds, arguments.threads)

    print()
    table(HEADING, rows)


if __name__ == "__main__":
    main()
