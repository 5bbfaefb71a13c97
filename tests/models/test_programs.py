"""Programs: a backbone as exact operations gives torch's features, with its own bits everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from typer.testing import CliRunner

from biobench import _native
from biobench.errors import ModelError, UsageError
from biobench.models.load import load_model
from biobench.models.program.capture import capture
from biobench.models.program.lower import NotCarried, lower
from biobench.models.program_model import CONSTANTS, MODEL, PROGRAM, export
from biobench.spec.canonical import canonical_json

pytestmark = pytest.mark.slow

FAMILIES: dict[str, tuple[dict[str, Any], int]] = {
    "vit_tiny_patch16_224": ({"depth": 2}, 224),
    "vit_small_patch14_reg4_dinov2": ({"depth": 2, "img_size": 224}, 224),
    "vit_base_patch16_siglip_256": ({"depth": 1}, 256),
    "vit_pe_core_tiny_patch16_384": ({"depth": 2}, 384),
    "eva02_tiny_patch14_224": ({"depth": 2}, 224),
    "aimv2_large_patch14_224": ({"depth": 1}, 224),
    "convnext_tiny": ({"depths": (1, 1, 1, 1)}, 96),
    "swin_tiny_patch4_window7_224": ({"depths": (2, 2)}, 224),
    "resnet18": ({}, 96),
    "resnet50d": ({}, 64),
    "efficientnet_lite0": ({}, 64),
    "efficientnet_b0": ({}, 64),
    "mobilenetv2_100": ({}, 64),
    "mobilenetv3_large_100": ({}, 64),
}
"""Architectures of timm at full width, with few layers where all are alike, and sizes of images."""


def seeded(name: str, **options: Any) -> torch.nn.Module:
    """A model whose affine parts and statistics are not those of a fresh one."""
    torch.manual_seed(0)
    model: torch.nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **options)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, 0.5, 0.3)
    for buffer_name, buffer in model.named_buffers():
        if "running_var" in buffer_name:
            buffer.uniform_(0.5, 2.0)
        if "running_mean" in buffer_name:
            buffer.normal_(0.0, 0.3)
    return model.eval().requires_grad_(False)


def program_of(model: torch.nn.Module, size: int) -> _native.Program:
    document, constants = lower(capture(model, model, (size, size)))
    return _native.Program(canonical_json(document).decode(), constants.get)


@pytest.mark.parametrize("name", FAMILIES)
def test_features_are_those_of_torch(name: str) -> None:
    """1 - cosine to torch in float64 is at most 1e-10, and no value is off by more than 1e-5 of the
    largest: a wrong form of an activation or another epsilon gives far more. A row does not depend
    on the others."""
    options, size = FAMILIES[name]
    model = seeded(name, **options)
    program = program_of(model, size)
    images = torch.randn(3, 3, size, size)
    found = program.run(_native.Engine(1), images.numpy())
    expected = model.double()(images.double()).numpy()
    for row, wanted in zip(found.astype(np.float64), expected, strict=True):
        cosine = row @ wanted / np.linalg.norm(row) / np.linalg.norm(wanted)
        assert 1 - cosine <= 1e-10
        assert np.abs(row - wanted).max() <= 1e-5 * np.abs(wanted).max()
    alone = program.run(_native.Engine(2), images[1:2].numpy())
    np.testing.assert_array_equal(alone[0], found[1])


def test_a_program_is_one_document() -> None:
    """The same weights give the same text, whichever module holds them; other weights another."""
    one, again = (program_of(seeded("resnet18"), 64) for _ in range(2))
    assert (one.digest, one.text) == (again.digest, again.text)
    other = seeded("resnet18")
    next(iter(other.parameters())).add_(1.0)
    assert program_of(other, 64).digest != one.digest


def test_what_the_engine_lacks_is_named() -> None:
    """A sine that a library computes is refused: its bits differ between processors."""
    with pytest.raises(NotCarried, match="sin"):
        program_of(seeded("vit_small_patch16_dinov3", depth=1), 256)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model as a program."""
    folder = tmp_path_factory.mktemp("programs") / "demo"
    export(load_model("demo", {}), folder)
    return folder


def test_a_program_is_a_model(exported: Path) -> None:
    """`program:FOLDER` has the recipe and nearly the features of the model that it was made from,
    and its own digest in the place of the weights'."""
    program, model = load_model(f"program:{exported}", {}), load_model("demo", {})
    assert program.recipe == model.recipe
    assert program.info.resolved == "program:./demo"
    assert program.info.weights == json.loads((exported / MODEL).read_text())["program"]
    assert (program.info.dim, program.info.pinned) == (model.info.dim, False)
    images = torch.randn(2, 3, *program.recipe.crop)
    with torch.inference_mode():
        torch.testing.assert_close(program.embed(images), model.embed(images), rtol=1e-4, atol=1e-4)
    with pytest.raises(ModelError, match="runs on the CPU"):
        program.to("cuda")


@pytest.mark.parametrize("file", [MODEL, PROGRAM, CONSTANTS])
def test_a_damaged_folder_is_one_line(file: str, exported: Path, tmp_path: Path) -> None:
    """A changed byte and a missing file are refused in one line."""
    folder = tmp_path / "copy"
    shutil.copytree(exported, folder)
    data = bytearray((folder / file).read_bytes())
    place = data.find(b"program") if file == MODEL else len(data) - 40
    data[place] ^= 1
    (folder / file).write_bytes(data)
    with pytest.raises(ModelError) as caught:
        load_model(f"program:{folder}", {})
    assert "\n" not in str(caught.value)
    (folder / file).unlink()
    with pytest.raises(ModelError, match="copy"):
        load_model(f"program:{folder}", {})


def test_exporting_writes_a_new_folder_alone(tmp_path: Path, exported: Path) -> None:
    """Existing files stay; the command prints the digest of the program."""
    from biobench.commands.models import app

    with pytest.raises(UsageError, match="exists already"):
        export(load_model("demo", {}), exported)
    done = CliRunner().invoke(app, ["export", "demo", "--out", str(tmp_path / "new"), "--explain"])
    assert done.exit_code == 0
    digest = json.loads((exported / MODEL).read_text())["program"]
    assert f"program {digest}" in done.output
    assert "conv2d" in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]
