"""Programs: a backbone as exact operations gives torch's features, with its own bits everywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from carried import CARRIED, WIDEST, Carried, differences, from_timm, program_of, seeded
from typer.testing import CliRunner

from biobench import _native
from biobench.errors import ModelError, UsageError
from biobench.models.load import load_model
from biobench.models.program.lower import NotCarried
from biobench.models.program_folder import CONSTANTS, MODEL, PROGRAM, export

pytestmark = pytest.mark.slow

LARGE = 384
"""Pixels of a side."""
LONG = (
    "swin_large", "swinv2_base", "Swinv2Model", "sam2_hiera", "HieraModel", "ViT-B-16-SigLIP2-256",
    "RN50", "PE-Core-T", "ViT-H-14-worldwide", "efficientnet_b3", "mobilenetv2", "resnet50d",
    "ResNetModel", "ConvNextV2Model",
)  # fmt: skip
"""Of families that have other cases."""


def with_depth(one: Carried) -> Any:
    """The case; one that takes seconds is looked at by `make test-depth`."""
    large = (one.small or one.size) > LARGE or one in WIDEST
    long = large or any(name in one.id for name in LONG)
    return pytest.param(one, id=one.id, marks=pytest.mark.depth if long else ())


@pytest.mark.parametrize("one", [with_depth(one) for one in CARRIED + WIDEST])
def test_features_are_those_of_torch(one: Carried) -> None:
    """1 - cosine to torch in float64 is at most 1e-10, and no value is off by more than 1e-5 of the
    largest: a wrong form of an activation or another epsilon gives far more. A row does not depend
    on the others."""
    torch.manual_seed(0)
    module, forward = one.made()
    seeded(module)
    size = one.small or one.size
    program = program_of(module, forward, size)
    assert program.images_apart
    images = torch.randn(2, 3, size, size)
    cosine, apart = differences(module, forward, program, images)
    assert cosine <= 1e-10
    assert apart <= 1e-5
    whole = program.run(_native.Engine(1), images.numpy())
    alone = program.run(_native.Engine(2), images[1:2].numpy())
    np.testing.assert_array_equal(alone[0], whole[1])


def of_timm(name: str, size: int, **options: Any) -> _native.Program:
    torch.manual_seed(0)
    module, forward = from_timm(name, size, **options).made()
    return program_of(seeded(module), forward, size)


def test_a_program_is_one_document() -> None:
    """The same weights give the same text, whichever module holds them; other weights another."""
    one, again = (of_timm("resnet18", 64) for _ in range(2))
    assert (one.digest, one.text) == (again.digest, again.text)
    module, forward = from_timm("resnet18", 64).made()
    other = program_of(seeded(module), forward, 64)
    assert other.digest != one.digest


def test_what_the_engine_lacks_is_named() -> None:
    """Of an operator, and of a table that a library computes with its own logarithms."""

    class Sorted(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1).sort(dim=1).values

    module = Sorted()
    with pytest.raises(NotCarried, match="sort"):
        program_of(module, module, 4)
    with pytest.raises(NotCarried, match="relative_coordinates_log, which a library computes"):
        of_timm("swinv2_cr_tiny_ns_224", 224, depths=(1, 1))


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


def test_an_exported_program_is_exported_again(tmp_path: Path, exported: Path) -> None:
    """Its folder has all that the other had, so it can be explained and handed on."""
    export(load_model(f"program:{exported}", {}), tmp_path / "again")
    for name in (PROGRAM, CONSTANTS):
        assert (tmp_path / "again" / name).read_bytes() == (exported / name).read_bytes()


@pytest.mark.parametrize("place", ["a full disk", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_is_one_line(place: str, tmp_path: Path) -> None:
    """The library that writes the constants has errors of its own; nothing is left half written."""
    folder = tmp_path / "program" if place == "a full disk" else Path(place)
    # Room for the text of the program and not for its constants, in blocks of 1,024 bytes.
    command = f'ulimit -f 2000; exec "$0" -m biobench models export demo --out {folder}'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("biobench: "), done.stderr
    assert "cannot be written" in lines[-1]
    assert list(tmp_path.iterdir()) == []
