"""The forward pass over micro-batches of fixed shape (SPEC.md, section "Features").

In: uint8 pixels of at most one micro-batch. Out: float32 features of its rows, the same bits for
any number of workers: every pass sees the same shape, on one thread, and the rest is zero pixels.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.errors import ModelError

if TYPE_CHECKING:
    from biobench.models.base import Backbone


def choose_device(asked: str) -> str:
    """``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises ModelError when CUDA is asked for and torch sees none.
    """
    if asked == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if asked == "cuda":
        raise ModelError("no CUDA device is visible to torch", remedy="give --device cpu")
    return "cpu"


def configure() -> None:
    """Deterministic algorithms, one thread a pass, no TF32: levels E1 to E3 rest on it."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


class Forward:
    """Embeds micro-batches on a pool of workers; results come back as futures."""

    def __init__(
        self, backbone: Backbone, *, device: str, micro_batch: int, workers: int, precision: str
    ) -> None:
        self._backbone = backbone
        self._device = device
        self._micro_batch = micro_batch
        self._half = precision == "float16"
        # A GPU runs one stream of micro-batches; the CPU one on each worker.
        self._pool = ThreadPoolExecutor(1 if device == "cuda" else max(1, workers), "embed")
        backbone.to(device)

    def submit(self, pixels: npt.NDArray[np.uint8]) -> Future[npt.NDArray[np.float32]]:
        """Features of uint8 (rows, H, W, 3), rows <= micro-batch: float32 (rows, dim)."""
        return self._pool.submit(self._run, pixels)

    def close(self) -> None:
        """Let running passes end and drop those that wait."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        import torch

        rows = pixels.shape[0]
        if rows < self._micro_batch:
            padded = np.zeros((self._micro_batch, *pixels.shape[1:]), dtype=np.uint8)
            padded[:rows] = pixels
            pixels = padded
        batch = torch.from_numpy(self._backbone.recipe.normalise(pixels))
        with torch.inference_mode(), self._autocast():
            features = self._backbone.embed(batch.to(self._device))
        expected = (self._micro_batch, self._backbone.info.dim)
        if tuple(features.shape) != expected:
            raise ModelError(
                f"gives features of shape {tuple(features.shape)} instead of {expected}",
                where=self._backbone.info.name,
                remedy="embed() must return one row for each image",
            )
        result: npt.NDArray[np.float32] = features[:rows].float().cpu().numpy()
        return result

    def _autocast(self) -> Any:
        import contextlib

        import torch

        if self._half:
            return torch.autocast(self._device, dtype=torch.float16)
        return contextlib.nullcontext()
