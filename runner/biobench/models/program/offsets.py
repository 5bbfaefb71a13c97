"""Tables of offsets in a window: what Swin V2 computes the biases of its attention from.

In: a module of a library. Out: the buffer that holds its table, by SPEC.md, section "Constants of a
model". Libraries compute it when they build a model, with the C library's logarithm, and keep it in
no checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._native import logarithms

Doubles = npt.NDArray[np.float64]


def offset_table(
    window: tuple[int, int], trained: tuple[int, int] | None
) -> npt.NDArray[np.float32]:
    """Offsets between two places of a window on a logarithmic scale (arXiv:2111.09883), float32
    (2 rows - 1, 2 columns - 1, 2): that of the rows, then that of the columns.

    Args:
        window: Rows and columns.
        trained: Those of the training's window, whose offsets these continue; None for the same.
    """

    def along(size: int, stated: int) -> Doubles:
        places = np.arange(1 - size, size, dtype=np.float64) / max(stated - 1, 1) * 8.0
        found = logarithms(np.abs(places) + 1.0) / logarithms(np.array([8.0]))
        return np.copysign(found, places)

    stated = trained or window
    sides = np.meshgrid(*map(along, window, stated), indexing="ij")
    return np.stack(sides, axis=-1).astype(np.float32)


def _swin_v2(module: Any) -> dict[str, Any]:
    import torch

    window = tuple(int(side) for side in module.window_size)
    trained = tuple(int(side) for side in module.pretrained_window_size)
    table = offset_table((window[0], window[1]), (trained[0], trained[1]) if trained[0] else None)
    return {"relative_coords_table": torch.from_numpy(table)[None]}


MODULES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "timm.models.swin_transformer_v2.WindowAttention": _swin_v2,
    "transformers.models.swinv2.modeling_swinv2.Swinv2SelfAttention": _swin_v2,
}
"""By the full name of a class: the buffers of its tables."""
