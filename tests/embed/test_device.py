"""Pixels on their way to a device, and the values that they become there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import timm_folder

from biobench.decode.recipe import Recipe
from biobench.embed import forward
from biobench.embed.device import HostMemory, ValueTable, memory_of, send
from biobench.embed.forward import Forward, deterministic, input_type
from biobench.embed.out_of_memory import OutOfMemory, is_out_of_memory
from biobench.errors import ModelError
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.models.recipes import image_recipe

pytestmark = pytest.mark.slow

SIZE = 8


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """A small network of convolutions and normalisations, run by torch."""
    return load_model(
        f"timm:{timm_folder(tmp_path_factory.mktemp('model') / 'made', 'test_resnet')}", {}
    )


def drawn(rows: int, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pixels of which every value occurs in every channel."""
    return np.random.default_rng(5).integers(0, 256, (rows, 3, side, side), np.uint8)


@contextmanager
def started(backbone: Backbone, **options: Any) -> Iterator[Forward]:
    conditions = {"device": "cpu", "micro_batch": SIZE, "workers": 2, "precision": "float32"}
    with closing(Forward(backbone, **{**conditions, **options})) as passes:
        yield passes


def recipes() -> Iterator[Recipe]:
    recipe = image_recipe(size=16, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    yield recipe
    # Any table, as a framework may make it: subnormal numbers, infinities, both zeros.
    bits = np.random.default_rng(3).integers(0, 2**32, (3, 256), np.uint32).astype("<u4")
    bits[:, :4] = [1, 0x80000000, 0x7F800000, 0xFF800001]
    yield replace(recipe, table_bytes=bits.tobytes())


@pytest.mark.parametrize("recipe", list(recipes()), ids=["usual", "any"])
def test_values_are_those_of_the_table(recipe: Recipe) -> None:
    """Entry (c, v) for value v in channel c, byte for byte, of each value in each channel."""
    pixels = drawn(3, 40)
    pixels[0, :, 0, :].flat[:] = np.tile(np.arange(40, dtype=np.uint8), 3)
    pixels.reshape(3, 3, -1)[1, :, :256] = np.arange(256, dtype=np.uint8)
    found = ValueTable(recipe, "cpu").look_up(torch.from_numpy(pixels)).numpy()
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    for channel in range(3):
        expected = recipe.table[channel][pixels[:, channel]]
        assert found[:, channel].tobytes() == expected.tobytes()
    assert found.tobytes() == recipe.normalise(pixels.transpose(0, 2, 3, 1)).tobytes()


def test_a_batch_is_filled_up_where_it_arrives() -> None:
    """By zero-valued pixels: 0 of pixels, the table's value for 0 of values."""
    recipe = image_recipe(size=16)
    filling = recipe.table[:, :1, None]
    pixels = drawn(5, 16)
    arrived = send(HostMemory(), pixels, SIZE, filling).arrived().numpy()
    assert np.array_equal(arrived[:5], pixels)
    assert arrived.shape[0] == SIZE
    assert not arrived[5:].any()
    values = recipe.normalise(pixels.transpose(0, 2, 3, 1))
    filled = send(HostMemory(), values, SIZE, filling).arrived().numpy()
    looked_up = ValueTable(recipe, "cpu").look_up(torch.from_numpy(arrived)).numpy()
    assert filled.tobytes() == looked_up.tobytes()
    whole = drawn(SIZE, 16)
    assert np.shares_memory(send(HostMemory(), whole, SIZE, filling).arrived().numpy(), whole)


@pytest.mark.parametrize("rows", [1, SIZE - 1, SIZE])
def test_pixels_give_the_features_of_their_values(backbone: Backbone, rows: int) -> None:
    """The same bits as the whole micro-batch of values through the model itself, which is how
    features were made before pixels went to the device."""
    pixels = drawn(rows, backbone.recipe.crop[0])
    filled = np.zeros((SIZE, *pixels.shape[1:]), np.uint8)
    filled[:rows] = pixels
    values = backbone.recipe.normalise(filled.transpose(0, 2, 3, 1))
    with deterministic():
        with torch.inference_mode():
            expected = backbone.embed(torch.from_numpy(values)).numpy()[:rows]
        with started(backbone) as passes:
            of_pixels = passes.submit(pixels).result()
            of_values = passes.submit(values[:rows]).result()
    assert of_pixels.tobytes() == expected.tobytes()
    assert of_values.tobytes() == expected.tobytes()


class Watched(HostMemory):
    """The memory of the CPU, and what was asked of it in which thread."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int, int]] = []
        self._copies = 0

    def _note(self, what: str, copy: int) -> None:
        self.events.append((what, copy, threading.get_ident()))

    def copying(self) -> AbstractContextManager[Any]:
        @contextmanager
        def noted() -> Iterator[None]:
            self._copies += 1
            self._note("begin", self._copies)
            yield
            self._note("queued", self._copies)

        return noted()

    def mark(self) -> Any:
        return self._copies

    def wait(self, mark: Any, tensor: torch.Tensor) -> None:
        self._note("wait", mark)


def test_copies_are_queued_ahead_and_waited_for(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each copy is queued by the caller, before any pass of it begins, and the thread of its pass
    waits for this copy alone; all that are in flight are queued while the first pass runs."""
    memory = Watched()
    monkeypatch.setattr(forward, "memory_of", lambda device: memory)
    gate = threading.Event()
    with started(backbone, workers=1) as passes, deterministic():
        look_up = passes._table.look_up

        def after_the_gate(pixels: torch.Tensor) -> torch.Tensor:
            gate.wait(60)
            return look_up(pixels)

        monkeypatch.setattr(passes._table, "look_up", after_the_gate)
        side = backbone.recipe.crop[0]
        batches = [drawn(SIZE - i, side) for i in range(passes.depth)]
        futures = [passes.submit(batch) for batch in batches]
        queued = [copy for what, copy, _ in memory.events if what == "queued"]
        gate.set()
        for future in futures:
            future.result()
    assert queued == list(range(1, passes.depth + 1))
    here = threading.get_ident()
    assert all(thread == here for what, _, thread in memory.events if what != "wait")
    waits = [(copy, thread) for what, copy, thread in memory.events if what == "wait"]
    assert [copy for copy, _ in waits] == queued
    assert here not in {thread for _, thread in waits}


def test_programs_take_values(backbone: Backbone, exact: Backbone) -> None:
    """The threads that decode look them up, as soon as one program is among the models."""
    assert input_type([backbone]) == "uint8"
    assert input_type([backbone, exact]) == "float32"
    with started(exact) as passes, pytest.raises(TypeError, match="takes values"):
        passes.submit(drawn(1, exact.recipe.crop[0]))


class Writing:
    """A model that writes to its input."""

    def __init__(self, model: Backbone) -> None:
        self.info, self.recipe, self._model = model.info, model.recipe, model

    def to(self, device: str) -> None:
        self._model.to(device)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        return self._model.embed(batch.clamp_(0, 0.25))


@pytest.mark.parametrize("rows", [SIZE - 1, SIZE])
def test_a_model_that_writes_to_its_input_alters_no_other(backbone: Backbone, rows: int) -> None:
    """Models of one run share a batch of values, a program's among them."""
    values = np.random.default_rng(1).random((rows, 3, *backbone.recipe.crop), np.float32)
    before = values.copy()
    with deterministic(), started(Writing(backbone)) as passes:
        passes.submit(values).result()
    assert values.tobytes() == before.tobytes()


class TooLarge:
    """A model whose first passes ask for more memory than there is."""

    def __init__(self, model: Backbone, times: int) -> None:
        self.info, self.recipe, self._model, self._left = model.info, model.recipe, model, times

    def to(self, device: str) -> None:
        self._model.to(device)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        if self._left:
            self._left -= 1
            torch.empty(1 << 60)
        return self._model.embed(batch)


def test_a_pass_for_which_memory_was_short_is_tried_once_more(backbone: Backbone) -> None:
    """Memory of another model may have been given back; the second time it is an error."""
    pixels = drawn(SIZE, backbone.recipe.crop[0])
    with deterministic():
        found = []
        for times in (0, 1, 2):
            with started(TooLarge(backbone, times)) as passes:
                if times < 2:
                    found.append(passes.submit(pixels).result())
                else:
                    with pytest.raises(OutOfMemory, match="memory is too short"):
                        passes.submit(pixels).result()
    assert found[0].tobytes() == found[1].tobytes()


class Full(HostMemory):
    """Memory that has no room for the first copies, and how often it was trimmed."""

    def __init__(self, times: int) -> None:
        self.trims, self._left = 0, times

    def copying(self) -> AbstractContextManager[Any]:
        if self._left:
            self._left -= 1
            torch.empty(1 << 60)
        return super().copying()

    def trim(self) -> None:
        self.trims += 1


@pytest.mark.parametrize(
    ("times", "retry", "trims"), [(0, True, 0), (1, True, 1), (2, True, 1), (1, False, 0)]
)
def test_a_copy_for_which_memory_was_short_is_tried_once_more(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, times: int, retry: bool, trims: int
) -> None:
    """As a pass is, after what the allocator keeps was given back."""
    memory = Full(times)
    monkeypatch.setattr(forward, "memory_of", lambda device: memory)
    with started(backbone, retry=retry) as passes, deterministic():
        found = passes.submit(drawn(3, backbone.recipe.crop[0]))
        if times > trims:
            with pytest.raises(OutOfMemory, match="memory is too short"):
                found.result()
        else:
            assert len(found.result()) == 3
    assert memory.trims == trims


def test_all_models_copy_by_one_memory() -> None:
    """torch has 32 streams, and its allocator keeps apart what was taken for each."""
    assert memory_of("cpu") is memory_of("cpu")


def test_an_out_of_memory_error_is_told_from_others(backbone: Backbone, tmp_path: Path) -> None:
    """By the errors that torch and NumPy really raise."""
    for ask in (lambda: torch.empty(1 << 60), lambda: np.empty(1 << 57, np.uint8)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            ask()
        assert is_out_of_memory(caught.value)
    with pytest.raises(RuntimeError) as other:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not is_out_of_memory(other.value)
    assert is_out_of_memory(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    )
    assert not is_out_of_memory(ModelError("out of memory"))


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
        "GET was unable to find an engine to execute this computation",
    ],
)
def test_a_full_gpu_is_known_by_the_texts_of_its_libraries(text: str) -> None:
    """They do not speak of memory where there is no room for their handles and workspaces."""
    assert is_out_of_memory(RuntimeError(text))
