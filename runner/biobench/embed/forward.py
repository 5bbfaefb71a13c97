"""The forward pass over micro-batches of fixed shape (SPEC.md, section "Features").

In: float32 values of at most one micro-batch. Out: float32 features of its rows, the same bits for
any number of workers. By torch every pass sees the same shape, on one thread, and the rest is zero
pixels; the exact engine needs neither.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench.errors import BiobenchError, ModelError, UsageError
from biobench.models.program_model import ProgramBackbone
from biobench.repro.torch_state import fix_workspace, merged, read_state

if TYPE_CHECKING:
    from biobench.models.base import Backbone


DETERMINISTIC = 2
"""torch's mode in which an operation without a deterministic algorithm is an error."""


def choose_device(asked: str) -> str:
    """``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``; CUDA gets its fixed workspace.

    Raises UsageError for any other word, ModelError when CUDA is asked for and torch sees none.
    """
    if asked not in {"auto", "cpu", "cuda"}:
        raise UsageError(f"there is no device {asked!r}", remedy="use auto, cpu or cuda")
    if asked == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        fix_workspace()
        return "cuda"
    if asked == "cuda":
        raise ModelError("no CUDA device is visible to torch", remedy="give --device cpu")
    return "cpu"


def set_up_torch(backbones: Sequence[Backbone]) -> AbstractContextManager[None]:
    """:func:`deterministic` where torch computes features of any; nothing is set where it computes
    none."""
    by_torch = any(backbone.info.program is None for backbone in backbones)
    return deterministic() if by_torch else nullcontext()


@contextmanager
def deterministic() -> Iterator[None]:
    """Set deterministic algorithms, one thread a pass and no TF32, on which level E rests.

    The caller's settings are restored at the end.
    """
    import torch
    from torch.utils import deterministic as memory

    before = (
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        bool(memory.fill_uninitialized_memory),  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark,
        torch.backends.cuda.matmul.allow_tf32,
        torch.backends.cudnn.allow_tf32,
    )
    try:
        # No result reads memory that was never written, so filling it would only cost time.
        _configure(1, DETERMINISTIC, False, False, False, False)
        yield
    finally:
        _configure(*before)


def _configure(
    threads: int, algorithms: int, fill: bool, benchmark: bool, matmul: bool, cudnn: bool
) -> None:
    import torch
    from torch.utils import deterministic as memory

    torch.set_num_threads(threads)
    # use_deterministic_algorithms sets the same, but loads torch's compiler for a setting of its
    # own, which takes longer than a small task and concerns no code here.
    torch.set_deterministic_debug_mode(algorithms)
    memory.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = benchmark
    torch.backends.cuda.matmul.allow_tf32 = matmul
    torch.backends.cudnn.allow_tf32 = cudnn


def side_by_side(device: str, workers: int) -> int:
    """Micro-batches that run at a time: a GPU runs one stream of them, the CPU one on each
    worker."""
    return 1 if device == "cuda" else max(1, workers)


def pool_of(device: str, workers: int) -> ThreadPoolExecutor:
    """The threads that run micro-batches."""
    return ThreadPoolExecutor(side_by_side(device, workers), "embed")


class Forward:
    """Embeds micro-batches on a pool of workers; results come back as futures."""

    def __init__(
        self,
        backbone: Backbone,
        *,
        device: str,
        micro_batch: int,
        workers: int,
        precision: str,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        """``pool``: threads that several models share; without it :meth:`close` ends its own."""
        self._backbone = backbone
        self._device = device
        self._micro_batch = micro_batch
        self._half = precision == "float16"
        self.depth = side_by_side(device, workers) + 2
        """Micro-batches to have in flight: no worker waits, and memory stays bounded."""
        self.busy = 0.0
        """Seconds of the passes that have ended, added up over the workers."""
        self._pool = pool or pool_of(device, workers)
        self._state: dict[str, str] = {}
        self._reading = Lock()
        backbone.to(device)

    @property
    def torch_state(self) -> dict[str, str]:
        """The switches of torch after the passes that have ended, read in the threads that ran
        them; one that was altered after any of them has that value. Empty for a program."""
        with self._reading:
            return dict(self._state)

    def submit(self, values: npt.NDArray[np.float32]) -> Future[npt.NDArray[np.float32]]:
        """Features of float32 (rows, 3, H, W), rows <= micro-batch: float32 (rows, dim).

        values: what the recipe's value table gives for the pixels.
        """
        return self._pool.submit(self._run, values)

    def close(self) -> None:
        """Let running passes end and drop those that wait."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        started = time.perf_counter()
        try:
            return self._pass(values)
        finally:
            with self._reading:
                self.busy += time.perf_counter() - started

    def _pass(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if isinstance(self._backbone, ProgramBackbone):
            # A row's bits depend on no other row, so nothing is filled up.
            return self._backbone.run(values)
        import torch

        # This belongs to a thread, and some libraries change it where they are loaded.
        torch.set_flush_denormal(False)
        rows = values.shape[0]
        if rows < self._micro_batch:
            filled = np.empty((self._micro_batch, *values.shape[1:]), dtype=np.float32)
            filled[:rows] = values
            filled[rows:] = self._backbone.recipe.table[:, :1, None]
            values = filled
        batch = torch.from_numpy(values)
        try:
            with torch.inference_mode(), self._autocast():
                features = self._backbone.embed(batch.to(self._device))
            self._read_state()
        except BiobenchError:
            raise
        except (Exception, SystemExit) as error:
            # Whatever a model's own code raises; memory that runs out comes as RuntimeError.
            raise ModelError(
                f"the forward pass fails ({type(error).__name__}: {error})",
                where=self._backbone.info.name,
                remedy="check the model; with little memory give fewer --workers",
            ) from error
        expected = (self._micro_batch, self._backbone.info.dim)
        if tuple(features.shape) != expected:
            raise ModelError(
                f"gives features of shape {tuple(features.shape)} instead of {expected}",
                where=self._backbone.info.name,
                remedy="embed() must return one row for each image",
            )
        result: npt.NDArray[np.float32] = features[:rows].float().cpu().numpy()
        return result

    def _read_state(self) -> None:
        """Read what the model's code left behind in this thread."""
        state = read_state()
        with self._reading:
            self._state = merged([self._state, state], in_run=True)

    def _autocast(self) -> Any:
        import torch

        if self._half:
            return torch.autocast(self._device, dtype=torch.float16)
        return nullcontext()
