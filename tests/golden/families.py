"""A small model of each family that the exact engine carries, as a program, with its digests.

Weights and images come from the specification's generator, so that the programs and the features
are the same on every machine and with every version of torch and timm. Run as a program it writes
them for `run_programs.py` and for the engine's example `features`, which need no torch:

    python tests/golden/families.py FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._native import Engine, Program
from biobench.models.program.capture import capture
from biobench.models.program.lower import lower
from biobench.selftest.inputs import SEED, fill_weights
from biobench.spec.canonical import canonical_json, sha256_bytes
from biobench.spec.generator import Stream

RECORDED = Path(__file__).with_name("families.json")
ROWS = 3
INPUT, PROGRAM, EXPECTED = "input", "program.json", "expected"
"""Files of a family: float32, the text, and the recorded digest of the features."""


@dataclass(frozen=True)
class Family:
    """An architecture of timm, made small by its options, and the side of its images."""

    architecture: str
    side: int
    options: Mapping[str, Any] = field(default_factory=dict)


NARROW = {"depth": 1, "embed_dim": 48, "num_heads": 3}
STAGES = {"depths": (1, 1, 1, 1), "dims": (16, 24, 32, 48)}
WINDOWS = {"depths": (2, 1), "embed_dim": 24, "num_heads": (2, 4)}
FAMILIES = {
    "vit": Family("vit_base_patch16_224", 64, {**NARROW, "img_size": 64}),
    "dinov2": Family("vit_small_patch14_reg4_dinov2", 56, {**NARROW, "img_size": 56}),
    "dinov3": Family("vit_small_patch16_dinov3", 64, {**NARROW, "img_size": 64}),
    "siglip": Family("vit_base_patch16_siglip_256", 64, {**NARROW, "img_size": 64}),
    "clip": Family("vit_base_patch16_clip_quickgelu_224", 64, {**NARROW, "img_size": 64}),
    "eva02": Family("eva02_tiny_patch14_224", 56, {**NARROW, "img_size": 56}),
    "pe": Family("vit_pe_core_tiny_patch16_384", 64, {**NARROW, "img_size": 64}),
    "aimv2": Family("aimv2_large_patch14_224", 56, {**NARROW, "img_size": 56}),
    "convnext": Family("convnext_tiny", 64, STAGES),
    "convnextv2": Family("convnextv2_tiny", 64, STAGES),
    "swin": Family("swin_tiny_patch4_window7_224", 56, {**WINDOWS, "img_size": 56}),
    "swinv2": Family("swinv2_tiny_window8_256", 64, {**WINDOWS, "img_size": 64}),
    "hiera": Family("hiera_tiny_224", 224, {"embed_dim": 24, "stages": (1, 1, 1, 1)}),
    "resnet": Family("test_resnet", 64),
    "efficientnet": Family("test_efficientnet", 64),
    "mobilenetv3": Family("mobilenetv3_small_050", 64),
}


def made(name: str) -> tuple[Program, Mapping[str, bytes]]:
    """The program of a family, with its constants by digest."""
    import timm

    family = FAMILIES[name]
    options = {"pretrained": False, "num_classes": 0, **family.options}
    module: Any = timm.create_model(family.architecture, **options)
    fill_weights(module, f"families/{name}")
    module.eval().requires_grad_(False)
    document, constants = lower(capture(module, module, (family.side, family.side)))
    return Program(canonical_json(document).decode(), constants.get), constants


def images(name: str) -> npt.NDArray[np.float32]:
    """float32 (rows, 3, side, side), from -1 to 1."""
    shape = (ROWS, 3, FAMILIES[name].side, FAMILIES[name].side)
    drawn = Stream(SEED, f"selftest/families/{name}/images").floats(int(np.prod(shape)))
    return (2.0 * drawn.astype(np.float64) - 1.0).astype(np.float32).reshape(shape)


def measured() -> dict[str, dict[str, str]]:
    """Digests of the program and of the features of each family."""
    found = {}
    for name in FAMILIES:
        program, _ = made(name)
        features = program.run(Engine(1), images(name))
        assert np.isfinite(features).all(), name
        found[name] = {
            "program": program.digest,
            "features": sha256_bytes(features.astype("<f4").tobytes()),
        }
    return found


def recorded() -> dict[str, dict[str, str]]:
    """As :func:`measured`, of another run, maybe of another machine."""
    read: dict[str, dict[str, str]] = json.loads(RECORDED.read_text())["families"]
    return read


def write(folder: Path) -> Iterator[str]:
    """Write every family's folder; yields the names."""
    for name, digests in recorded().items():
        program, constants = made(name)
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        for digest, data in constants.items():
            (own / digest.removeprefix("sha256:")).write_bytes(data)
        (own / PROGRAM).write_text(program.text)
        (own / INPUT).write_bytes(images(name).astype("<f4").tobytes())
        (own / EXPECTED).write_text(digests["features"])
        yield name


if __name__ == "__main__":
    for written in write(Path(sys.argv[1])):
        print(written, flush=True)
