"""Whole models by torch's exporter: a program of an ONNX file gives the features of torch's."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from carried import from_timm, program_of, seeded

from biobench import _native
from biobench.models.load import load_model
from biobench.models.recipe_file import value_table
from biobench.models.recipes import torchvision_table
from onnx_files import RECIPE, written

pytestmark = pytest.mark.slow

MODELS = {
    "vit": ("vit_tiny_patch16_224", 224, {"depth": 2}),
    "resnet": ("resnet18", 64, {}),
    "efficientnet": ("efficientnet_lite0", 64, {}),
    "convnext": ("convnext_tiny", 64, {"depths": (1, 1, 1, 1)}),
}


def exported(module: torch.nn.Module, size: int, opset: int, *, optimize: bool) -> Any:
    """The module as an ONNX model with an open batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            module,
            (torch.randn(2, 3, size, size),),
            dynamo=True,
            opset_version=opset,
            dynamic_shapes=({0: torch.export.Dim("b", min=1)},),
            optimize=optimize,
            verbose=False,
        )
    return program.model_proto


def by_tracing(module: torch.nn.Module, size: int) -> Any:
    """The module by torch's earlier exporter, with the batch of the example."""
    import onnx

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (torch.randn(1, 3, size, size),), file, dynamo=False, opset_version=17
        )
    return onnx.load_from_string(file.getvalue())


LONG = {"efficientnet", "resnet"}
"""Of the exporters' long work; `make test-depth` looks at them."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.depth if name in LONG else ()) for name in MODELS],
)
def model(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, int]:
    """A module with seeded weights, and the side of its images."""
    name, size, options = MODELS[request.param]
    torch.manual_seed(0)
    module, _ = from_timm(name, size, **options).made()
    return seeded(module), size


def features(folder: Path, proto: Any, images: torch.Tensor) -> np.ndarray:
    side = images.shape[-1]
    name = written(folder, proto, {**RECIPE, "size": side, "crop": side})
    found: Any = load_model(name, {})
    rows: np.ndarray = found.run(images.numpy())
    np.testing.assert_array_equal(found.run(images[1:2].numpy())[0], rows[1])
    return rows


def test_operators_of_one_kind_give_equal_bits(
    model: tuple[torch.nn.Module, int], tmp_path: Path
) -> None:
    """Version 23 of the operators has norms, GELU and attention as torch has them, so that the file
    and the module have the same operations."""
    module, size = model
    images = torch.randn(3, 3, size, size)
    expected = program_of(module, module, size).run(_native.Engine(1), images.numpy())
    found = features(tmp_path, exported(module, size, 23, optimize=False), images)
    np.testing.assert_array_equal(found, expected)


FORMS = {"written out": "vit", "optimised": "resnet", "traced": "convnext"}
"""Ways to write a file, each with a model that it writes otherwise: attention and GELU, norms after
convolutions, all operators; `make test-depth` looks at each with each, and at `LONG`."""


@pytest.mark.parametrize(
    ("model", "form"),
    [
        pytest.param(name, form, marks=pytest.mark.depth if FORMS[form] != name else ())
        for name in MODELS
        for form in FORMS
    ],
    indirect=["model"],
)
def test_other_operators_give_near_features(
    model: tuple[torch.nn.Module, int], form: str, tmp_path: Path
) -> None:
    """Version 18 writes attention and GELU out, and exporters fold norms into convolutions: 1 -
    cosine is at most 1e-10, and no value is off by more than 1e-5 of the largest."""
    module, size = model
    images = torch.randn(3, 3, size, size)
    expected = program_of(module, module, size).run(_native.Engine(1), images.numpy())
    proto = (
        by_tracing(module, size)
        if form == "traced"
        else exported(module, size, 18, optimize=form == "optimised")
    )
    found = features(tmp_path, proto, images)
    products = (found.astype(np.float64) * expected).sum(axis=1)
    lengths = [np.linalg.norm(x.astype(np.float64), axis=1) for x in (found, expected)]
    assert (1 - products / (lengths[0] * lengths[1])).max() <= 1e-10
    assert (np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max() <= 1e-5


def test_the_value_table_is_that_of_torchvision() -> None:
    """A machine without torch has the bits of one with it."""
    for mean, std in (([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), ([0.5] * 3, [0.5] * 3)):
        np.testing.assert_array_equal(value_table(mean, std), torchvision_table(mean, std))
