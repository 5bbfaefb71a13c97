"""The micro-batch that memory has room for (SPEC.md, section "Micro-batches").

In: a loaded model and how it is to run. Out: the number of rows of a micro-batch, found by passes
of that size before the first image, so that memory does not run out after hours.
"""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np

from biobench._common.memory import can_be_refused
from biobench.embed.device import memory_of
from biobench.embed.embedded import Execution
from biobench.embed.forward import Forward
from biobench.embed.out_of_memory import OutOfMemory
from biobench.errors import counted
from biobench.models.base import Backbone
from biobench.models.program.memory import require_memory
from biobench.models.program_model import ProgramBackbone


def possible(size: int) -> tuple[int, ...]:
    """The sizes that a micro-batch of ``size`` rows may become."""
    return tuple(size >> step for step in range(size.bit_length()))


PREFETCHED = 3
"""Micro-batches of pixels that the loader holds beside those that are on their way: one that it
fills, and two ahead."""


def fitting(backbone: Backbone, execution: Execution) -> Execution:
    """The execution with the largest micro-batch that memory has room for: that of ``execution``
    or, halved as often as needed, a smaller one.

    As many passes are tried at a time as a run does, over drawn pixels. A GPU keeps what they took
    for this process. Nothing is tried where the exact engine computes, whose features do not depend
    on micro-batches, or where the system never refuses memory.

    Raises:
        OutOfMemory: There is no room for a single row.
        ModelError: The forward pass fails.
    """
    if isinstance(backbone, ProgramBackbone):
        images = counted(execution.workers, "image")
        require_memory(
            execution.workers * backbone.program.memory(1),
            backbone.info.name,
            f"for {images} at a time",
            "give fewer --workers",
        )
        return execution
    if execution.device == "cpu" and not can_be_refused():
        return execution
    tried = execution
    while not _fits(backbone, tried):
        tried = replace(tried, micro_batch=tried.micro_batch // 2)
        # What a failed pass had, and what the allocator keeps of it.
        gc.collect()
        memory_of(tried.device).trim()
    return tried


def _fits(backbone: Backbone, execution: Execution) -> bool:
    """True where the passes of a micro-batch succeed; raises where the smallest one does not."""
    try:
        _try(backbone, execution)
    except OutOfMemory:
        if execution.micro_batch == 1:
            raise
        return False
    return True


def _try(backbone: Backbone, execution: Execution) -> None:
    size = execution.micro_batch
    shape = (size, 3, *backbone.recipe.crop)
    forward = Forward(
        backbone,
        device=execution.device,
        micro_batch=size,
        workers=execution.workers,
        precision=execution.precision,
        retry=False,
    )
    try:
        # No score depends on what is drawn.
        draw = np.random.Generator(np.random.PCG64(size))
        drawn = draw.integers(0, 256, shape, np.uint8)
        loaded = [drawn.copy() for _ in range(PREFETCHED + forward.depth)]
        passes = [forward.submit(pixels) for pixels in loaded[PREFETCHED:]]
        for future in passes:
            future.result()
    except MemoryError as error:
        raise OutOfMemory(
            "memory is too short",
            where=backbone.info.name,
            remedy="end what else takes memory, or give fewer --workers",
        ) from error
    finally:
        forward.close()
