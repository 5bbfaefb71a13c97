"""The loader: the same arrays whatever the settings, no copies, errors where they are awaited."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from test_native_batch import RECIPE

from biobench.decode.loader import Batch, _ahead
from biobench.decode.native import NO_DIGEST, decode_batch, open_loader
from biobench.errors import DataError, UsageError
from biobench.models.recipes import image_recipe
from biobench.native import ImageLoader

COUNT = 21
ITEM = 16 * 18 * 3
"""Bytes of a crop."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("loader")
    random = np.random.Generator(np.random.PCG64(3))
    paths = [folder / f"{index:02}.png" for index in range(COUNT)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
    return paths


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, COUNT),
    batch_size=st.integers(1, COUNT + 2),
    workers=st.integers(1, 4),
    prefetch=st.integers(1, 5),
)
def test_order(files: list[Path], count: int, batch_size: int, workers: int, prefetch: int) -> None:
    """Protects the order of items, the starts, and independence of the settings."""
    expected = decode_batch(files, RECIPE, workers=1)
    with ImageLoader(
        files[:count], RECIPE, batch_size=batch_size, workers=workers, prefetch=prefetch
    ) as loader:
        batches = list(loader)
        assert len(loader) == len(batches)
        assert list(loader) == []
    assert [b.start for b in batches] == list(range(0, count, batch_size))
    assert sum(map(len, batches)) == count
    for batch in batches:
        rows = slice(batch.start, batch.start + len(batch))
        np.testing.assert_array_equal(batch.array, expected.pixels[rows])
        assert batch.digests == expected.digests[rows]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_layouts(files: list[Path], layout: str, dtype: str) -> None:
    """Protects layout and value table: both are the recipe's own look-up, rearranged."""
    plain = decode_batch(files, RECIPE, workers=1)
    pixels = plain.pixels
    expected = pixels.transpose(0, 3, 1, 2) if dtype == "uint8" else RECIPE.normalise(pixels)
    with ImageLoader(files, RECIPE, batch_size=21, layout=layout, dtype=dtype) as loader:
        batch = next(loader)
    array = batch.array
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.dtype == dtype
    assert array.ctypes.data % 64 == 0
    assert batch.digests == plain.digests
    if layout == "NHWC":
        array = array.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(array, expected)


def test_normalised_as_torchvision(files: list[Path]) -> None:
    """Protects every bit of float32: Resize, CenterCrop, ToTensor, Normalize of torchvision."""
    from torchvision import transforms

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    chain = transforms.Compose(
        [
            transforms.Resize(20, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(16),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    recipe = image_recipe(size=20, crop=16, mean=mean, std=std)
    with ImageLoader(files, recipe, batch_size=4, layout="NCHW", dtype="float32") as loader:
        values = np.concatenate([batch.array for batch in loader])
    for path, found in zip(files, values, strict=True):
        with Image.open(path) as image:
            expected = chain(image.convert("RGB")).numpy()
        assert found.tobytes() == expected.tobytes()


def test_bad_file_reported(files: list[Path], tmp_path: Path) -> None:
    """Protects the report: the index counts from the loader's first item."""
    paths = [*files[:5], tmp_path / "missing.png", *files[5:8]]
    with ImageLoader(paths, RECIPE, batch_size=4, on_error="report") as loader:
        batches = list(loader)
    assert [(f.index, f.kind) for b in batches for f in b.failures] == [(5, "not-found")]
    assert batches[1].failures[0].path == str(tmp_path / "missing.png")
    assert batches[1].digests[1] == NO_DIGEST


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_bad_file_is_black(files: list[Path], tmp_path: Path, layout: str, dtype: str) -> None:
    """Protects the place of a bad item, also where other pixels lay in the memory before."""
    paths = [*files[:2], tmp_path / "missing.png"]
    with ImageLoader(
        paths * 5, RECIPE, batch_size=3, layout=layout, dtype=dtype, on_error="report"
    ) as loader:
        for batch in loader:
            channels = batch.array[2].transpose(2, 0, 1) if layout == "NHWC" else batch.array[2]
            values = RECIPE.table[:, 0] if dtype == "float32" else np.zeros(3)
            assert (channels == values[:, None, None]).all()


def test_bad_file_raises_in_its_batch(files: list[Path], tmp_path: Path) -> None:
    """Protects the good batches before a bad one, and the name of the bad file."""
    paths = [*files[:5], tmp_path / "missing.png", *files[5:8]]
    with ImageLoader(paths, RECIPE, batch_size=4) as loader:
        assert next(loader).start == 0
        with pytest.raises(DataError, match=r"missing\.png: the file does not exist"):
            next(loader)
        with pytest.raises(StopIteration):
            next(loader)


def test_no_copy(files: list[Path]) -> None:
    """Protects NumPy and DLPack: they see the loader's memory, and keep it."""
    import torch

    expected = RECIPE.normalise(decode_batch(files, RECIPE, workers=1).pixels)
    tensors = []
    for batch in ImageLoader(files, RECIPE, batch_size=2, layout="NCHW", dtype="float32"):
        tensor = torch.from_dlpack(batch)
        assert tensor.data_ptr() == batch.array.ctypes.data
        assert np.asarray(batch).ctypes.data == batch.array.ctypes.data
        assert np.asarray(batch, dtype=np.float64).dtype == np.float64
        tensors.append(tensor)
    np.testing.assert_array_equal(torch.cat(tensors).numpy(), expected)


def test_memory_is_used_again(files: list[Path]) -> None:
    """Protects against new memory for every batch, where the caller drops each."""
    places = [
        batch.array.ctypes.data for batch in ImageLoader(files, RECIPE, batch_size=1, prefetch=1)
    ]
    # Two batches in work, one with the caller, one spare.
    assert len(set(places)) <= 4


def test_what_is_kept_is_not_overwritten(files: list[Path]) -> None:
    """Protects a view that outlives its batch and its loader."""
    expected = decode_batch(files, RECIPE, workers=1).pixels
    kept = [batch.array[0, 2:5] for batch in ImageLoader(files * 3, RECIPE, batch_size=1)]
    for index, rows in enumerate(kept):
        np.testing.assert_array_equal(rows, expected[index % COUNT, 2:5])


def test_prefetch_is_bounded(files: list[Path]) -> None:
    """Protects memory: no more batches are begun than may be in work."""
    given: list[int] = []

    def allocate(size: int) -> np.ndarray:
        given.append(size)
        return np.zeros(size, np.uint8)

    loader = open_loader(
        [str(file) for file in files], RECIPE, batch_size=2, workers=2, ahead=3, allocate=allocate
    )
    assert given == [2 * ITEM] * 3
    seen = []
    for taken in range(1, 12):
        loaded = loader.next()
        assert loaded is not None
        assert len(given) == min(11, 3 + taken)
        seen.append(loaded[1])
    assert loader.next() is None
    expected = decode_batch(files, RECIPE, workers=1).pixels
    np.testing.assert_array_equal(np.concatenate(seen), expected)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda size: np.zeros(size - 1, np.uint8),
        lambda size: np.zeros(size + 1, np.uint8),
        lambda size: np.zeros(size, np.int8),
        lambda size: np.zeros(2 * size, np.uint8)[::2],
        lambda size: np.frombuffer(bytes(size), np.uint8),
        bytearray,
    ],
)
def test_memory_that_does_not_fit(files: list[Path], wrong: object) -> None:
    """Protects against writing where nothing may be written."""
    with pytest.raises(ValueError, match="a new writable uint8 array of 864 bytes"):
        open_loader(
            [str(files[0])], RECIPE, batch_size=1, workers=1, ahead=1,
            allocate=wrong,  # type: ignore[arg-type]
        )  # fmt: skip


def test_memory_that_runs_out(files: list[Path]) -> None:
    """Protects batches that are complete, and a second try, where memory is short for a while."""
    left = [2, 0, 9]

    def allocate(size: int) -> np.ndarray:
        if left[0] == 0:
            left.pop(0)
            raise MemoryError("none left")
        left[0] -= 1
        return np.zeros(size, np.uint8)

    loader = open_loader(
        [str(file) for file in files[:6]], RECIPE, batch_size=1, workers=1, ahead=2,
        allocate=allocate,
    )  # fmt: skip
    starts = []
    while True:
        try:
            loaded = loader.next()
        except MemoryError:
            starts.append(-1)
            continue
        if loaded is None:
            break
        starts.append(loaded[0])
    assert starts == [0, -1, 1, 2, 3, 4, 5]


@given(
    batch_size=st.integers(1, 99),
    more=st.integers(0, 10**6),
    dtype=st.sampled_from(["uint8", "float32"]),
)
def test_max_bytes(batch_size: int, more: int, dtype: str) -> None:
    """Protects the bound: the batches in work and the spare one stay below it, by less than one."""
    batch = batch_size * ITEM * np.dtype(dtype).itemsize
    ahead = _ahead(2 * batch + more, batch_size, RECIPE, dtype)  # type: ignore[arg-type]
    assert (ahead + 1) * batch <= 2 * batch + more < (ahead + 2) * batch
    with pytest.raises(UsageError, match="max_bytes"):
        ImageLoader(
            ["x"] * batch_size, RECIPE, batch_size=batch_size, dtype=dtype, max_bytes=2 * batch - 1
        )  # type: ignore[arg-type]


def test_few_bytes(files: list[Path]) -> None:
    """Protects the arrays from the bound: one batch in work gives the same."""
    expected = decode_batch(files, RECIPE, workers=1).pixels
    with ImageLoader(files, RECIPE, batch_size=4, prefetch=9, max_bytes=8 * ITEM) as loader:
        np.testing.assert_array_equal(np.concatenate(list(loader)), expected)


def test_pinned_memory(files: list[Path]) -> None:
    """Protects the promise: page-locked memory, or one line that says why there is none."""
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="needs CUDA"):
            ImageLoader(files, RECIPE, batch_size=4, pin_memory=True)
        return
    expected = decode_batch(files, RECIPE, workers=1).pixels
    with ImageLoader(files, RECIPE, batch_size=4, pin_memory=True) as loader:
        for batch in loader:
            tensor = torch.from_dlpack(batch)
            assert tensor.is_pinned()
            rows = slice(batch.start, batch.start + len(batch))
            np.testing.assert_array_equal(tensor.cuda().cpu().numpy(), expected[rows])


def test_page_locked_memory_that_cannot_be_had(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: a run on a GPU goes on, by slower copies, where the system locks no more pages."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("needs a torch that gives no page-locked memory")
    # All that is pretended: torch then refuses the memory itself.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(RuntimeError):
        torch.empty(1, pin_memory=True)
    expected = decode_batch(files, RECIPE, workers=1).pixels
    with ImageLoader(files, RECIPE, batch_size=4, pin_memory=True) as loader:
        np.testing.assert_array_equal(np.concatenate(list(loader)), expected)


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 0},
        {"batch_size": 1, "layout": "CHW"},
        {"batch_size": 1, "dtype": "float16"},
        {"batch_size": 1, "prefetch": 0},
        {"batch_size": 1, "workers": 0},
        {"batch_size": 1, "workers": 10**9},
        {"batch_size": 1, "workers": "2"},
        {"batch_size": 10**30},
        {"batch_size": 1.5},
        {"batch_size": 1, "on_error": "skip"},
        {"batch_size": 1, "items": "photo.jpg"},
        {"batch_size": 1, "items": Path("photo.jpg")},
        {"batch_size": 1, "recipe": None},
        {"batch_size": 1, "recipe": replace(RECIPE, crop=(0, 1))},
        {"batch_size": 1, "recipe": replace(RECIPE, filter="cubic")},
    ],
)
def test_arguments_are_checked(arguments: dict) -> None:
    """Protects against values that cannot be, before a thread starts."""
    with pytest.raises(UsageError):
        ImageLoader(**{"items": [], "recipe": RECIPE} | arguments)


def test_no_more_threads_than_items(files: list[Path]) -> None:
    """Protects the machine: a thread without an item would only take memory and time."""
    with ImageLoader(files[:2], RECIPE, batch_size=1, workers=1000) as loader:
        names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
        assert sum(name.startswith("biobench-pixels") for name in names) <= 2
        assert len([*loader]) == 2


def test_bound_on_memory_counts_the_items(files: list[Path]) -> None:
    """Protects: no more is asked for than the files there are can take."""
    room = 2 * 2 * RECIPE.crop[0] * RECIPE.crop[1] * 3
    with ImageLoader(files[:2], RECIPE, batch_size=1000, max_bytes=room) as loader:
        assert [len(batch) for batch in loader] == [2]


def test_batches_can_be_compared(files: list[Path]) -> None:
    """Protects: two batches are two things, not an ambiguous array of truths."""
    first, second = ImageLoader(files[:2], RECIPE, batch_size=1)
    assert first == first
    assert first != second


def test_native_arguments_are_checked() -> None:
    """Protects the border: a table of another shape, a crop of no pixels, an unknown layout."""
    for changes, text in (
        ({"layout": "HWC"}, "one of NHWC, NCHW"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"recipe": replace(RECIPE, crop=(0, 1))}, "sizes of a recipe"),
        ({"recipe": replace(RECIPE, filter="cubic")}, "one of nearest"),
    ):
        options = {"recipe": RECIPE, "batch_size": 1, "workers": 1, "ahead": 1} | changes
        with pytest.raises(ValueError, match=text):
            open_loader([], **options)  # type: ignore[arg-type]


def test_the_bytes_that_are_decoded_are_hashed(files: list[Path], tmp_path: Path) -> None:
    """Each item has the digest of its file and the identity that the system gives it; so has one
    that is no image, and only what cannot be read has none."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:40])
    items = [files[0], broken, tmp_path / "nowhere.png", tmp_path, files[1]]

    def load(hash_files: bool) -> list[Batch]:
        return list(
            ImageLoader(
                items, RECIPE, batch_size=3, workers=2, on_error="report", hash_files=hash_files
            )
        )

    found = [file for batch in load(True) for file in batch.files]
    for item, file in zip(items, found, strict=True):
        if item in (files[0], broken, files[1]):
            status = item.stat()
            identity = status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns
            assert file == (hashlib.sha256(item.read_bytes()).digest(), identity)
        else:
            assert file is None
    assert all(batch.files == [None] * len(batch) for batch in load(False))
