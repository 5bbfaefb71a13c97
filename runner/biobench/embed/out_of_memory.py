"""Out-of-memory errors of a forward pass, told from other errors of torch.

In: an error. Out: whether a smaller micro-batch may cure it.
"""

from __future__ import annotations

from biobench.errors import ModelError

_TEXTS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "cannot allocate memory",
    "alloc_failed",
    "bad_alloc",
    "cublas_status_not_initialized",
    "cudnn_status_not_initialized",
    "host_allocation_failed",
    "unable to find an engine to execute this computation",
)
"""Parts of the messages of a RuntimeError, in lower case: torch's allocator of the CPU, the
system's own words, CUDA, cuBLAS and cuDNN, C++. torch.OutOfMemoryError has one of them too.
The last four are of a full GPU: no room for a handle, or for the workspace of an engine of
cuDNN."""


class OutOfMemory(ModelError):
    """Memory is too short for a model, or for one pass of it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return True for an out-of-memory error."""
    if isinstance(error, MemoryError | OutOfMemory):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(part in text for part in _TEXTS)
