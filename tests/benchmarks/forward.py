"""Speed of forward passes by the exact engine beside torch as it comes, as a Markdown table.

Whole models at their size, with drawn weights, which change no time, on batches that are ready.
torch runs as users have it, without gradients, convolutional networks in the faster of its two
layouts of memory. The ways alternate; one thread each unless another number is asked for.

    python tests/benchmarks/forward.py [NAME ...] [--rounds N] [--batch N] [--threads N] [--quick]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from side_by_side import Way, alternate, ratio, table, versions

from biobench import _native
from biobench.models.program.capture import capture
from biobench.models.program.lower import lower
from biobench.spec.canonical import canonical_json


@dataclass(frozen=True)
class Model:
    """A model of a table: its name, the side of its images, and what builds it."""

    name: str
    side: int
    build: Callable[[], tuple[Any, Callable[[Any], Any]]]


def _timm(name: str, side: int, **options: Any) -> Model:
    def build() -> tuple[Any, Callable[[Any], Any]]:
        import timm

        module = timm.create_model(name, pretrained=False, num_classes=0, **options)
        return module, module

    return Model(f"timm {name}", side, build)


def _transformers(name: str, side: int, **options: Any) -> Model:
    def build() -> tuple[Any, Callable[[Any], Any]]:
        import transformers

        configuration = getattr(transformers, name.removesuffix("Model") + "Config")(**options)
        module = getattr(transformers, name)(configuration)
        return module, lambda images: module(pixel_values=images).last_hidden_state[:, 0]

    return Model(f"transformers {name}", side, build)


MODELS = [
    _timm("vit_base_patch16_224", 224),
    _transformers("ViTModel", 224),
    _timm("vit_base_patch16_dinov3", 256),
    _timm("vit_large_patch16_224", 224),
    _timm("vit_large_patch16_siglip_256", 256),
    _timm("convnext_tiny", 224),
    _timm("resnet50", 224),
    _timm("efficientnet_lite0", 224),
]
"""Backbones that are much used; transformers' and timm's ViT-B/16 are the same network."""


def measure(model: Model, batch: int, rounds: int, threads: int) -> list[list[str]]:
    """Rows of the table: torch in its faster layout, and the engine."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    module, forward = model.build()
    module.eval().requires_grad_(False)
    document, constants = lower(capture(module, forward, (model.side, model.side)))
    program = _native.Program(canonical_json(document).decode(), constants.get)
    engine = _native.Engine(threads)
    images = torch.randn(batch, 3, model.side, model.side)
    array = images.numpy()
    expected, found = forward(images).numpy(), program.run(engine, array)
    # One kind of memory for the whole network, and for its images.
    beside = images.to(memory_format=torch.channels_last)

    def plain() -> None:
        with torch.inference_mode():
            forward(images)

    def channels_last() -> None:
        with torch.inference_mode():
            forward(beside)

    layouts = {"torch": (torch.contiguous_format, plain)}
    if any(isinstance(part, torch.nn.BatchNorm2d) for part in module.modules()):
        layouts["torch, channels last"] = (torch.channels_last, channels_last)
    best: tuple[float, str] | None = None
    for name, (layout, work) in layouts.items():
        module.to(memory_format=layout)
        work()
        way = Way.here(name, work)
        way.run()
        best = min(best or (way.cpu[0], name), (way.cpu[0], name))
    assert best is not None
    layout, work = layouts[best[1]]
    module.to(memory_format=layout)
    ways = [
        Way.here(best[1], work),
        Way.here("biobench", lambda: program.run(engine, array)),
    ]
    alternate(ways, rounds)
    theirs = ways[0]
    apart = float(np.abs(found - expected).max() / np.abs(expected).max())
    rows = []
    for way in ways:
        rows.append(
            [
                f"{model.name}, {model.side}" if way is theirs else "",
                way.name,
                f"{1e3 * statistics.median(way.cpu) / batch:.1f}",
                f"{ratio(theirs.cpu, way.cpu):.2f}",
                f"{ratio(theirs.wall, way.wall):.2f}",
                "" if way is theirs else f"{apart:.0e}",
            ]
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="models whose name has this part")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
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
    table(
        ["model", "way", "CPU ms an image", "CPU ratio", "wall ratio", "largest difference"], rows
    )


if __name__ == "__main__":
    main()
