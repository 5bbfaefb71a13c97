"""The forward pass over micro-batches of fixed shape (SPEC.md, section "Features").

In: pixels of at most one micro-batch, or their values. Out: float32 features of its rows, the same
bits for any number of workers. By torch every pass sees the same shape, on one thread, and the rest
is zero pixels; the exact engine needs neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from biobench.embed.device import Pixels, QueuedBatch, Values, ValueTable, memory_of, send
from biobench.embed.out_of_memory import OutOfMemory, is_out_of_memory
from biobench.errors import BiobenchError, ModelError, UsageError
from biobench.models.program_model import ProgramBackbone
from biobench.repro.tf32 import without_tf32
from biobench.repro.torch_state import fix_workspace, merged, read_state

if TYPE_CHECKING:
    import torch

    from biobench.decode.native import Dtype
    from biobench.models.base import Backbone


Made = TypeVar("Made")
DETERMINISTIC = 2
"""torch's mode in which an operation without a deterministic algorithm is an error."""


def choose_device(asked: str) -> str:
    """``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``; CUDA gets its fixed workspace.

    Raises:
        UsageError: The word is another one.
        ModelError: CUDA is asked for and torch sees none.
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
    )
    try:
        # No result reads memory that was never written, so filling it would only cost time.
        _configure(1, DETERMINISTIC, False, False)
        with without_tf32():
            yield
    finally:
        _configure(*before)


def _configure(threads: int, algorithms: int, fill: bool, benchmark: bool) -> None:
    import torch
    from torch.utils import deterministic as memory

    torch.set_num_threads(threads)
    # use_deterministic_algorithms sets the same, but loads torch's compiler for a setting of its
    # own, which takes longer than a small task and concerns no code here.
    torch.set_deterministic_debug_mode(algorithms)
    memory.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = benchmark


def side_by_side(device: str, workers: int) -> int:
    """Micro-batches that run at a time: a GPU runs one stream of them, the CPU one on each
    worker."""
    return 1 if device == "cuda" else max(1, workers)


def input_type(backbones: Iterable[Backbone]) -> Dtype:
    """The type of the batches that models take: pixels, which become values on the device; values
    where a program is among the models, so that the threads that decode look them up."""
    programs = any(backbone.info.program is not None for backbone in backbones)
    return "float32" if programs else "uint8"


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
        retry: bool = True,
    ) -> None:
        """``pool``: threads that several models share; without it :meth:`close` ends its own.
        ``retry``: try a copy or a pass a second time where memory is short.

        Raises:
            OutOfMemory: The device has no room for the model.
        """
        self._backbone = backbone
        self._device = device
        self._micro_batch = micro_batch
        self._precision = precision
        self._retry = retry
        self.depth = side_by_side(device, workers) + 2
        """Micro-batches to have in flight: no worker waits, and memory stays bounded. On a GPU two
        are copied ahead of the one that is computed."""
        self.busy = 0.0
        """Seconds of the passes that have ended, added up over the workers."""
        self._state: dict[str, str] = {}
        self._reading = Lock()
        self._again = Lock()
        with self._errors():
            backbone.to(device)
            if not isinstance(backbone, ProgramBackbone):
                self._memory = memory_of(device)
                self._table = ValueTable(backbone.recipe, device)
        self._pool = pool or pool_of(device, workers)

    @property
    def torch_state(self) -> dict[str, str]:
        """The switches of torch after the passes that have ended, read in the threads that ran
        them; one that was altered after any of them has that value. Empty for a program."""
        with self._reading:
            return dict(self._state)

    def submit(self, batch: Pixels | Values) -> Future[npt.NDArray[np.float32]]:
        """Features of (rows, 3, H, W), rows <= micro-batch: float32 (rows, dim).

        batch: uint8 pixels, or the float32 values that the recipe's table gives for them, which
        alone a program takes. Copies to a GPU begin here.

        Raises:
            TypeError: The model is a program, and these are pixels.
        """
        backbone = self._backbone
        if isinstance(backbone, ProgramBackbone):
            # A row's bits depend on no other row, so nothing is filled up.
            if batch.dtype != np.float32:
                raise TypeError(f"a program takes values, not {batch.dtype}")
            values: Values = batch  # type: ignore[assignment]
            return self._pool.submit(self._timed, lambda: backbone.run(values))
        try:
            with self._errors():
                filling = backbone.recipe.table[:, :1, None]
                sent = self._patiently(
                    lambda: send(self._memory, batch, self._micro_batch, filling)
                )
        except BiobenchError as error:
            failed: Future[npt.NDArray[np.float32]] = Future()
            failed.set_exception(error)
            return failed
        return self._pool.submit(self._timed, lambda: self._pass(sent))

    def close(self) -> None:
        """Let running passes end and drop those that wait."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _timed(self, run: Callable[[], Values]) -> Values:
        started = time.perf_counter()
        try:
            return run()
        finally:
            with self._reading:
                self.busy += time.perf_counter() - started

    def _pass(self, sent: QueuedBatch) -> Values:
        with self._errors():
            features = self._patiently(lambda: self._once(sent))
            self._read_state()
        expected = (self._micro_batch, self._backbone.info.dim)
        if features.shape != expected:
            raise ModelError(
                f"gives features of shape {features.shape} instead of {expected}",
                where=self._backbone.info.name,
                remedy="embed() must return one row for each image",
            )
        return features[: len(sent.source)]

    def _patiently(self, make: Callable[[], Made]) -> Made:
        """A copy or a pass; once more where memory was short, second tries one at a time, since it
        may have been cut into pieces by what other models took."""
        try:
            return make()
        except Exception as error:
            if not (self._retry and is_out_of_memory(error)):
                raise
        # Not in the handler: the error holds what the pass had in memory.
        with self._again:
            self._memory.trim()
            return make()

    def _once(self, sent: QueuedBatch) -> Values:
        import torch

        # This belongs to a thread, and some libraries change it where they are loaded.
        torch.set_flush_denormal(False)
        with torch.inference_mode():
            batch = sent.arrived()
            # Values of its own: a model may write to its input, and other models, or a second try,
            # read the same batch.
            pixels = batch.dtype == torch.uint8
            batch = self._table.look_up(batch) if pixels else batch.clone()
            with self._autocast():
                features: torch.Tensor = self._backbone.embed(batch)
        # Waits for the device, so that what it reads from is needed no more.
        values: Values = features.float().cpu().numpy()
        return values

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what torch, or a model's own code, raises into an error that names the model."""
        try:
            yield
        except BiobenchError:
            raise
        except (Exception, SystemExit) as error:
            name = self._backbone.info.name
            if is_out_of_memory(error):
                raise OutOfMemory(
                    f"memory is too short for the model ({type(error).__name__}: {error})",
                    where=name,
                    remedy="end what else takes memory; on the CPU give fewer --workers",
                ) from error
            raise ModelError(
                f"the forward pass fails ({type(error).__name__}: {error})",
                where=name,
                remedy="check the model",
            ) from error

    def _read_state(self) -> None:
        """Read what the model's code left behind in this thread."""
        state = read_state()
        with self._reading:
            self._state = merged([self._state, state], in_run=True)

    def _autocast(self) -> Any:
        import torch

        if self._precision != "float32":
            return torch.autocast(self._device, dtype=getattr(torch, self._precision))
        return nullcontext()
