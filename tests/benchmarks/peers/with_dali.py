"""NVIDIA DALI on the CPU, in threads of its own."""

from collections.abc import Iterator, Sequence

import numpy as np
from nvidia.dali import fn, pipeline_def, types
from protocol import BATCH, SIDE, serve


def batches(files: Sequence[str]) -> Iterator[list[np.ndarray]]:
    for start in range(0, len(files), BATCH):
        yield [np.fromfile(file, np.uint8) for file in files[start : start + BATCH]]


@pipeline_def
def steps(files: Sequence[str]):
    # A source of our own ends with the last file; DALI's reader goes on with the first one again.
    encoded = fn.external_source(source=batches(files), dtype=types.UINT8, ndim=1)
    images = fn.decoders.image(encoded, device="cpu", output_type=types.RGB)
    images = fn.resize(images, resize_shorter=SIDE, interp_type=types.INTERP_CUBIC, antialias=True)
    return fn.crop(images, crop=(SIDE, SIDE))


def load(files: Sequence[str], workers: int) -> Iterator[np.ndarray]:
    pipeline = steps(files, batch_size=BATCH, num_threads=workers, device_id=None)
    pipeline.build()
    for _ in range(0, len(files), BATCH):
        yield pipeline.run()[0].as_array()


serve(load, "nvidia-dali-cuda120")
