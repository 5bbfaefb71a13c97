"""Peak memory of forward passes, by torch and by the exact engine, each in a process of its own.

What counts is what the passes add to a process that has its model loaded: activations, buffers of
products, the stacks of threads. The engine's process has no torch.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from peak import reset_peak

PASSES = 2
"""The second may keep what the first has freed."""


def peak_of_torch(
    model: Any, shape: Sequence[int], threads: int, *, channels_last: bool = False
) -> int:
    """Bytes beyond the loaded module; ``model`` has a method that builds it."""
    return _alone(_torch, model, list(shape), threads, channels_last)


def peak_of_program(
    text: str, constants: Mapping[str, bytes], shape: Sequence[int], threads: int
) -> int:
    """Bytes beyond the loaded program."""
    with tempfile.TemporaryDirectory() as folder:
        for digest, data in constants.items():
            (Path(folder) / digest.replace(":", "-")).write_bytes(data)
        return _alone(_program, text, folder, list(shape), threads)


def _alone(work: Callable[..., int], *arguments: Any) -> int:
    # A forked process would have the memory of this one, and not the threads of its libraries.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def _torch(model: Any, shape: list[int], threads: int, channels_last: bool) -> int:
    import torch

    torch.set_num_threads(threads)
    module, forward = model.build()
    images = torch.zeros(shape)
    if channels_last:
        module.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)

    def work() -> None:
        with torch.inference_mode():
            forward(images)

    return _beyond(work)


def _program(text: str, folder: str, shape: list[int], threads: int) -> int:
    from biobench import _native

    program = _native.Program(
        text, lambda digest: (Path(folder) / digest.replace(":", "-")).read_bytes()
    )
    engine = _native.Engine(threads)
    images = np.zeros(shape, np.float32)
    found = _beyond(lambda: program.run(engine, images))
    assert "torch" not in sys.modules
    return found


def _beyond(work: Callable[[], object]) -> int:
    gc.collect()
    # What loading has freed would hide what the passes take.
    ctypes.CDLL(None).malloc_trim(0)
    beyond = reset_peak()
    for _ in range(PASSES):
        work()
    return beyond()
