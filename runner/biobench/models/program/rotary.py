"""Rotary tables: what a model multiplies queries and keys by, computed by the engine's functions.

In: a module of a library. Out: the methods that give its tables by SPEC.md, section "Constants of
a model". Libraries compute them when a model is built or in each forward pass, each with its own
order of roundings and the C library's functions, and keep them in no checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench._native import cosines, powers, sines
from biobench.models.program.lowering import NotCarried

if TYPE_CHECKING:
    import torch

Doubles = npt.NDArray[np.float64]
Table = npt.NDArray[np.float32]


def centred_angles(width: int, base: float, rows: int, columns: int) -> Doubles:
    """Angles of DINOv3 (arXiv:2508.10104), float64 (positions, width / 2): bands of the row, then
    of the column.

    Args:
        width: Of a head, a multiple of 4.
        base: Of the periods of the bands.
        rows: Of the grid.
        columns: Of the grid.
    """
    periods = _powers(base, width)

    def along(size: int) -> Doubles:
        places = (np.arange(size, dtype=np.float64) + 0.5) / size * 2.0 - 1.0
        return 2.0 * math.pi * places[:, None] / periods

    return _grid(along(rows), along(columns), column_first=False)


def indexed_angles(
    width: int,
    base: float,
    rows: int,
    columns: int,
    *,
    offset: float,
    reference: tuple[int, int] | None,
    column_first: bool,
) -> Doubles:
    """Angles of EVA-02 (arXiv:2303.11331) and PE (arXiv:2504.13181), as :func:`centred_angles`.

    Args:
        width: Of a head, a multiple of 4.
        base: Of the periods of the bands.
        rows: Of the grid.
        columns: Of the grid.
        offset: Number of the first place.
        reference: Rows and columns of the grid of the training, whose places these stand for.
        column_first: True where the bands of the column come before those of the row.
    """
    bands = 1.0 / _powers(base, width)

    def along(size: int, stated: int) -> Doubles:
        places = (np.arange(size, dtype=np.float64) + offset) / size * stated
        return places[:, None] * bands

    stated = reference or (rows, columns)
    return _grid(along(rows, stated[0]), along(columns, stated[1]), column_first=column_first)


def _powers(base: float, width: int) -> Doubles:
    if width % 4:
        raise NotCarried(f"rotary positions of heads of {width}")
    bands = width // 4
    return powers(float(base), np.arange(bands, dtype=np.float64) / bands)


def _grid(row: Doubles, column: Doubles, *, column_first: bool) -> Doubles:
    whole = (len(row), len(column), row.shape[1])
    parts = [np.broadcast_to(row[:, None], whole), np.broadcast_to(column[None], whole)]
    joined: Doubles = np.concatenate(parts[::-1] if column_first else parts, axis=-1)
    return joined.reshape(-1, 2 * row.shape[1])


def tables(angles: Doubles, *, halves: bool) -> tuple[Table, Table]:
    """Sines and cosines of angles, float32 (positions, width).

    Each angle stands twice: the list again after itself where ``halves``, else each beside itself.
    """

    def laid_out(function: Callable[[Doubles], Doubles]) -> Table:
        found = function(np.ascontiguousarray(angles).reshape(-1)).reshape(angles.shape)
        table = np.tile(found, 2) if halves else np.repeat(found, 2, axis=-1)
        return table.astype(np.float32)

    return laid_out(sines), laid_out(cosines)


def _grid_size(module: Any, shape: Any) -> tuple[int, int]:
    rows, columns = module.feat_shape if shape is None else shape
    return int(rows), int(columns)


def _timm_dinov3(module: Any) -> dict[str, Any]:
    usual = (
        module.temperature is not None
        and (module.min_period is None or module.max_period is None)
        and (module.normalize_coords, module.grid_offset, module.grid_indexing)
        == ("separate", 0, "ij")
    )
    if not usual:
        raise NotCarried("rotary positions of another form than DINOv3's")

    def get_embed(shape: Any = None, dtype: Any = None) -> torch.Tensor:
        size = _grid_size(module, shape)
        angles = centred_angles(module.dim, module.temperature, *size)
        return _side_by_side(tables(angles, halves=module.rotate_half))

    return {"get_embed": get_embed}


def _timm_indexed(module: Any) -> dict[str, Any]:
    # Versions of timm before these attributes know one form alone.
    if module.in_pixels or getattr(module, "grid_type", "index") != "index":
        raise NotCarried("rotary positions that are not numbers of places")

    def get_embed(shape: Any = None, dtype: Any = None) -> torch.Tensor:
        reference = module.ref_feat_shape
        angles = indexed_angles(
            module.dim,
            module.temperature,
            *_grid_size(module, shape),
            offset=float(module.grid_offset),
            reference=None if reference is None else (int(reference[0]), int(reference[1])),
            column_first=module.grid_indexing == "xy",
        )
        return _side_by_side(tables(angles, halves=getattr(module, "rotate_half", False)))

    return {"get_embed": get_embed}


def _side_by_side(pair: tuple[Table, Table]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.concatenate(pair, axis=-1))


def _transformers_dinov3(module: Any) -> dict[str, Any]:
    patch = module.config.patch_size
    sides = (patch, patch) if isinstance(patch, int) else tuple(patch)

    def forward(pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        rows, columns = (int(pixel_values.shape[2 + i]) // sides[i] for i in range(2))
        angles = centred_angles(module.head_dim, module.base, rows, columns)
        sine, cosine = tables(angles, halves=True)
        return torch.from_numpy(cosine), torch.from_numpy(sine)

    return {"forward": forward}


MODULES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "timm.layers.pos_embed_sincos.RotaryEmbeddingDinoV3": _timm_dinov3,
    "timm.layers.pos_embed_sincos.RotaryEmbeddingCat": _timm_indexed,
    "transformers.models.dinov3_vit.modeling_dinov3_vit.DINOv3ViTRopePositionEmbedding": (
        _transformers_dinov3
    ),
}
"""By the full name of a class: the methods that give its tables."""
