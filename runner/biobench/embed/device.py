"""The device of a forward pass: how pixels get there and become values (SPEC.md, section "Value
table").

In: uint8 crops of one micro-batch in this process's memory. Out: the float32 values of the
recipe's table on the device, the same bits on each. A quarter of the bytes of float32 is copied,
and on a GPU while the passes before it run.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

    from biobench.decode.recipe import Recipe

Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]


class Memory(Protocol):
    """Memory of a device, as the target of copies.

    Attributes:
        device: ``cpu`` or ``cuda``.
    """

    device: str

    def copying(self) -> AbstractContextManager[Any]:
        """A context in which copies are queued apart from computation."""

    def mark(self) -> Any:
        """A mark behind the copies that were queued so far."""

    def wait(self, mark: Any, tensor: torch.Tensor) -> None:
        """Have what this thread computes from now on, with ``tensor``, wait for a mark."""

    def trim(self) -> None:
        """Give back memory that is reserved and not used."""


class HostMemory:
    """The memory of the CPU: a copy has ended when its call has."""

    device = "cpu"

    def copying(self) -> AbstractContextManager[Any]:
        """Nothing is queued."""
        return nullcontext()

    def mark(self) -> None:
        """Nothing is on its way."""

    def wait(self, mark: Any, tensor: torch.Tensor) -> None:
        """Everything is there."""

    def trim(self) -> None:
        """Nothing is reserved."""


class CudaMemory:
    """The memory of the first visible GPU, with a stream of its own for copies."""

    device = "cuda"

    def __init__(self) -> None:
        import torch

        self._copies = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def copying(self) -> AbstractContextManager[Any]:
        """Copies go to the stream of copies."""
        import torch

        return torch.cuda.stream(self._copies)

    def mark(self) -> Any:
        """An event behind the last copy."""
        import torch

        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(self._copies)
        return event

    def wait(self, mark: Any, tensor: torch.Tensor) -> None:
        """The stream of this thread waits; the processor goes on."""
        import torch

        stream = torch.cuda.current_stream()
        stream.wait_event(mark)
        # Allocated for the stream of copies, which else would use its memory again too early.
        tensor.record_stream(stream)

    def trim(self) -> None:
        """Free the blocks that the allocator keeps."""
        import torch

        torch.cuda.empty_cache()


@cache
def memory_of(device: str) -> Memory:
    """The memory of ``cpu`` or ``cuda``, the same at each call: torch has few streams, and what its
    allocator has taken for one serves no other."""
    return CudaMemory() if device == "cuda" else HostMemory()


@dataclass(frozen=True, eq=False)
class QueuedBatch:
    """A micro-batch on its way to a device.

    Attributes:
        source: The rows without the filling, which are copied: kept, since the loader uses memory
            again that nothing refers to.
    """

    memory: Memory
    source: torch.Tensor
    target: torch.Tensor
    mark: Any

    def arrived(self) -> torch.Tensor:
        """The micro-batch on the device, for what this thread computes from now on."""
        self.memory.wait(self.mark, self.target)
        return self.target


def send(memory: Memory, batch: Pixels | Values, size: int, filling: Values) -> QueuedBatch:
    """Begin to copy a micro-batch to a device, filled up to its size.

    Args:
        memory: Memory of the device.
        batch: uint8 pixels or float32 values, (rows, 3, H, W), rows <= size. Not written to until
            the pass has ended.
        size: Rows of a micro-batch.
        filling: Values of a row of the filling, which broadcast to (3, H, W); of pixels it is 0.
    """
    import torch

    source = torch.from_numpy(batch)
    with memory.copying():
        if len(source) == size:
            target = source.to(memory.device, non_blocking=True)
        else:
            target = torch.empty(
                (size, *source.shape[1:]), dtype=source.dtype, device=memory.device
            )
            target[: len(source)].copy_(source, non_blocking=True)
            if batch.dtype == np.uint8:
                target[len(source) :].zero_()
            else:
                target[len(source) :].copy_(torch.from_numpy(filling.copy()))
        mark = memory.mark()
    return QueuedBatch(memory, source, target, mark)


class ValueTable:
    """The value table of a recipe on a device."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        import torch

        self._channels = torch.tensor(recipe.table, dtype=torch.float32, device=device)

    def look_up(self, pixels: torch.Tensor) -> torch.Tensor:
        """uint8 (N, 3, H, W) -> the table's float32 values, same shape, contiguous."""
        import torch

        values = torch.empty(pixels.shape, dtype=torch.float32, device=pixels.device)
        # By channel: the indices of all would be as large as the values.
        for channel, table in enumerate(self._channels):
            indices = pixels[:, channel].reshape(-1).int()
            values[:, channel] = table.index_select(0, indices).view(values[:, channel].shape)
        return values
