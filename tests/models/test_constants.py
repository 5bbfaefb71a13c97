"""Constants of programs: what libraries compute themselves, by the engine's functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import timm
import torch
import transformers
from carried import program_of
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench import _native
from biobench.models.program.computed import exact_tables
from biobench.models.program.fold import folded
from biobench.models.program.lowering import NotCarried
from biobench.models.program.offsets import offset_table

pytestmark = pytest.mark.slow


def rotary(name: str, **options: Any) -> Any:
    model: Any = timm.create_model(name, pretrained=False, depth=1, **options)
    return model.rope.eval()


@pytest.mark.parametrize(
    "name", ["vit_small_patch16_dinov3", "vit_pe_core_tiny_patch16_384", "eva02_tiny_patch14_224"]
)
def test_tables_of_timm(name: str) -> None:
    """As timm's own up to float32's angles, also for a grid that is not square; the module has its
    own again afterwards."""
    module = rotary(name)
    shape = None if module.feat_shape is not None else (3, 5)
    theirs = module.get_embed(shape)
    with exact_tables(module):
        ours = module.get_embed(shape)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert not torch.equal(ours, theirs)
    assert torch.equal(module.get_embed(shape), theirs)


def test_tables_of_transformers() -> None:
    """DINOv3's, which are timm's bit for bit where both are computed here."""
    model: Any = transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(num_hidden_layers=1))
    model.eval()
    images = torch.zeros(1, 3, 48, 80)
    theirs = model.rope_embeddings(images)
    module = rotary("vit_small_patch16_dinov3")
    with exact_tables(model), exact_tables(module):
        cosine, sine = model.rope_embeddings(images)
        assert torch.equal(torch.cat([sine, cosine], dim=-1), module.get_embed((3, 5)))
    torch.testing.assert_close((cosine, sine), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("trained", [0, 1, 12])
@pytest.mark.parametrize("window", [(1, 1), (3, 5), (24, 24)])
def test_tables_of_swin_v2(window: tuple[int, int], trained: int) -> None:
    """timm's up to float32's roundings, for the training's window and for others; both libraries
    get the same table, and have their own again afterwards."""
    from timm.models.swin_transformer_v2 import WindowAttention
    from transformers.models.swinv2.modeling_swinv2 import Swinv2SelfAttention

    module = WindowAttention(8, window, 2, pretrained_window_size=(trained, trained))
    theirs = module.relative_coords_table
    with exact_tables(torch.nn.Sequential(module)) as names:
        ours = module.relative_coords_table
    assert names == {"0.relative_coords_table"}
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)
    assert module.relative_coords_table is theirs
    assert "relative_coords_table" in dict(module.named_buffers())
    if trained == 12:
        other: Any = Swinv2SelfAttention(
            transformers.Swinv2Config(), 8, 2, list(window), [trained, trained]
        )
        with exact_tables(other):
            assert torch.equal(other.relative_coords_table, ours)


def test_offsets_are_odd_and_end_at_their_scale() -> None:
    """An offset and its negative have one size, and 7 of 8 places is log 9 / log 8."""
    table = offset_table((8, 3), None)
    np.testing.assert_array_equal(table, -table[::-1, ::-1])
    assert table.shape == (15, 5, 2)
    end = np.float32(math.log(9) / math.log(8))
    np.testing.assert_array_equal(table[-1, -1], [end, end])
    assert not np.signbit(table[7, 2]).any()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vit_small_patch16_dinov3", {"normalize_coords": "max"}),
        ("eva02_tiny_patch14_224", {"grid_type": "centered"}),
    ],
)
def test_other_forms_are_refused(name: str, options: dict[str, Any]) -> None:
    """A configuration that the specification does not define is no program."""
    module = rotary(name)
    for key, value in options.items():
        setattr(module, key, value)
    with pytest.raises(NotCarried, match="rotary positions"), exact_tables(module):
        pass


@settings(max_examples=2 * settings.default.max_examples)
@given(st.floats(-500_000, 500_000), st.floats(0.001, 1e6), st.floats(-20, 20))
def test_functions_are_those_of_float64(x: float, base: float, exponent: float) -> None:
    """Against the C library's, within units of the last place; what is outside is NaN."""

    def one(function: Callable[[Any], Any], argument: float) -> float:
        return float(function(np.array([argument]))[0])

    assert math.isclose(one(_native.sines, x), math.sin(x), rel_tol=1e-14, abs_tol=1e-15)
    assert math.isclose(one(_native.cosines, x), math.cos(x), rel_tol=1e-14, abs_tol=1e-15)
    found = one(lambda exponents: _native.powers(base, exponents), exponent)
    assert math.isclose(found, base**exponent, rel_tol=1e-12)
    found = one(_native.logarithms, base)
    assert math.isclose(found, math.log(base), rel_tol=1e-14, abs_tol=1e-300)
    assert math.isnan(one(_native.logarithms, -base))
    assert math.isnan(one(_native.sines, x + math.copysign(1e6, x)))
    assert math.isnan(one(lambda exponents: _native.powers(-base, exponents), exponent))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_resized_tables_are_those_of_torch(mode: str, antialias: bool) -> None:
    """Larger and smaller sides, up to torch's rounding."""
    table = torch.randn(1, 6, 7, 5, generator=torch.Generator().manual_seed(1))

    class Resized(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            resized = torch.nn.functional.interpolate(
                table, size=(9, 4), mode=mode, antialias=antialias
            )
            return (images.mean((1, 2, 3))[:, None] + resized.flatten()).flatten(1)

    module = Resized()
    images = torch.randn(2, 3, 4, 4)
    program = program_of(module, module, 4)
    found = program.run(_native.Engine(1), images.numpy())
    torch.testing.assert_close(torch.from_numpy(found), module(images), rtol=0, atol=2e-6)


def test_what_has_no_definition_is_refused() -> None:
    """Corners that are aligned, a function that the engine lacks, integers where sizes would do."""
    table = np.zeros((1, 1, 2, 2), np.float32)
    resize = torch.ops.aten.upsample_bilinear2d.vec
    with pytest.raises(NotCarried, match="resized constant"):
        folded(resize, str(resize), [table, [3, 3], True, None], {})
    function = torch.ops.aten.log.default
    with pytest.raises(NotCarried, match="log"):
        folded(function, str(function), [table], {})
    with pytest.raises(ValueError, match="bilinear or bicubic"):
        _native.interpolate(np.zeros((2, 2, 1), np.float32), 3, 3, "lanczos", False)
    with pytest.raises(ValueError, match="without pixels"):
        _native.interpolate(np.zeros((2, 2, 1), np.float32), 0, 3, "bicubic", False)
    with pytest.raises(ValueError, match="C-contiguous"):
        _native.sines(np.zeros((4,))[::2])
