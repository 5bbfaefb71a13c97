"""torch: "pillow" or "torchvision" reads and resizes, in "processes" (DataLoader) or "threads"."""

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from protocol import BATCH, SIDE, Load, in_threads, serve
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

One = Callable[[str], np.ndarray]
STEPS = v2.Compose([v2.Resize(SIDE, v2.InterpolationMode.BICUBIC), v2.CenterCrop(SIDE)])


class Files(Dataset[torch.Tensor]):
    def __init__(self, files: Sequence[str], one: One) -> None:
        self.files, self.one = files, one

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.one(self.files[index]))


def with_pillow(file: str) -> np.ndarray:
    with Image.open(file) as image:
        return np.array(STEPS(image.convert("RGB")))


def with_torchvision(file: str) -> np.ndarray:
    return STEPS(decode_image(read_file(file), ImageReadMode.RGB)).permute(1, 2, 0).numpy()


def in_processes(one: One) -> Load:
    """The processes stay from round to round: over a whole data set, starting them is nothing."""
    kept: dict[tuple[tuple[str, ...], int], DataLoader[torch.Tensor]] = {}

    def load(files: Sequence[str], workers: int) -> Iterator[np.ndarray]:
        key = (tuple(files), workers)
        if key not in kept:
            kept[key] = DataLoader(
                Files(files, one), batch_size=BATCH, num_workers=workers, persistent_workers=True
            )
        for batch in kept[key]:
            yield batch.numpy()

    return load


torch.set_num_threads(1)
reader, where = sys.argv[1:]
one = {"pillow": with_pillow, "torchvision": with_torchvision}[reader]
load = {"processes": in_processes, "threads": in_threads}[where](one)
serve(load, "torch", "torchvision", *(["pillow"] if reader == "pillow" else []))
