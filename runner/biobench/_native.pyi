"""The extension module, written in Rust (native/python).

Every function checks its arguments, frees the interpreter while it works, and raises a built-in
exception. Ctrl-C ends the work within moments.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypedDict, final, type_check_only

import numpy as np
import numpy.typing as npt

__all__ = [
    "Engine",
    "Loader",
    "Program",
    "build_info",
    "decode",
    "kernels",
    "leave_interpreter",
    "read_files",
    "resize",
]

_FileRead = tuple[bytes, tuple[int, int, int, int] | None]
"""SHA-256 of the bytes of a file, and what the open file had before and after they were read: size,
inode, time of the last write and of the last change, in nanoseconds, each wrapped to 64 bits with a
sign; ``None`` where the two differ."""

@type_check_only
class BuildInfo(TypedDict):
    """Version, target and libraries of this build."""

    version: str
    profile: str
    target: str
    libjpeg_turbo: str
    libjpeg_turbo_simd: bool

@type_check_only
class Image(Protocol):
    """An image whose headers were read."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that the headers state."""

    def decode(self) -> tuple[int, int]:
        """Decode all pixels and return their (height, width)."""

    def rows(self, top: int, bottom: int, left: int, right: int) -> bytes:
        """A part of the pixels: uint8 RGB, row by row."""

@type_check_only
class Decoder(Protocol):
    """Decodes formats that this module does not read itself.

    Loader threads call it, several at once; they hold the interpreter in its methods alone. An
    exception with an attribute ``kind`` (``unreadable``, ``truncated``, ``unsupported-feature``,
    ``too-large``) is the item's error; MemoryError is one of kind ``memory``; any other is reported
    as a fault of the program, ``internal``.
    """

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats, such as ``WebP``; files of others are refused by name."""

    def open(self, data: bytes) -> Image:
        """Read the headers of a file."""

@final
class Engine:
    """Threads and an instruction set that compute in exact arithmetic; neither moves a bit.

    The instruction set is the fastest of the processor, or the one that the environment variable
    ``BIOBENCH_ENGINE_ISA`` names, for tests.

    Raises ValueError for no threads or an instruction set that the processor has not, OSError where
    the threads cannot be started. Not to be used in a forked process.
    """

    def __new__(cls, threads: int) -> Engine: ...
    @property
    def instruction_set(self) -> str:
        """``scalar``, ``avx2``, ``avx512`` or ``neon``."""

    @property
    def threads(self) -> int:
        """The number of threads."""

@final
class Program:
    """A program of the specification's section "Programs", with its constants.

    text: the JSON. supply: called with the digest of each constant; gives its little-endian bytes,
    or ``None`` where it is not there.

    Raises ValueError in one line for a text that is no program, an operation that does not fit, or
    a constant that is missing or has another digest.
    """

    def __new__(cls, text: str, supply: Callable[[str], bytes | None]) -> Program: ...
    @staticmethod
    def constants_memory(text: str) -> int:
        """Bytes that the constants of a program take while it is read and afterwards, of which none
        is asked for; ValueError for a text that is no program."""

    @property
    def digest(self) -> str:
        """``sha256:`` and the digest of the canonical text."""

    @property
    def text(self) -> str:
        """The canonical text."""

    def explain(self) -> str:
        """The operations, one a line."""

    @property
    def images_apart(self) -> bool:
        """True where no image's features depend on another image of its batch."""

    def memory(self, batch: int) -> int:
        """Bytes of the buffers of so many images that are computed at a time, without constants."""

    def run(self, engine: Engine, input: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The output for a batch, float32, C-contiguous.

        Raises ValueError for an input of another shape or layout.
        """

@final
class Head:
    """A linear probe or a traits network under training by AdamW (SPEC.md, 10.1 and 10.6).

    ``adamw`` is beta1, beta2, epsilon and weight decay. All arrays are C-contiguous. Raises
    ValueError in one line where sizes do not fit.
    """

    @staticmethod
    def linear(
        engine: Engine,
        weight: npt.NDArray[np.float32],
        affine: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
        bias: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int64],
        adamw: tuple[float, float, float, float],
    ) -> Head:
        """A linear probe: weight (classes, features), gamma and beta, bias, ids of all rows."""

    @staticmethod
    def traits(
        engine: Engine,
        layers: tuple[
            npt.NDArray[np.float32],
            npt.NDArray[np.float32],
            npt.NDArray[np.float32],
            npt.NDArray[np.float32],
        ],
        relu: bool,
        traits: npt.NDArray[np.float32],
        adamw: tuple[float, float, float, float],
    ) -> Head:
        """A traits network: weight and bias of both layers, traits (rows, traits) of all rows."""

    def step(
        self,
        engine: Engine,
        rows: npt.NDArray[np.float32],
        batch: npt.NDArray[np.int64] | None,
        rate: float,
        dropout: npt.NDArray[np.float32] | None = None,
    ) -> bool:
        """Take the next step on some of all rows, or on all; False, and nothing is changed, where
        the size of the step is 0 in float32."""

    def state(self) -> list[npt.NDArray[np.float32]]:
        """Parameters, first and second moments, each as one list: weights row by row, gamma, beta,
        bias; or weight and bias of the first layer, then of the second."""

    def restore(self, lists: list[npt.NDArray[np.float32]], steps: int) -> None:
        """Set what :meth:`state` gives, after a number of steps."""

    def folded(self, engine: Engine) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """A linear probe's layer without the affine part: weight times gamma, and the bias."""

def hinge_dual(
    engine: Engine,
    rows: npt.NDArray[np.float64],
    signs: npt.NDArray[np.float64],
    limit: float,
    tolerance: float,
) -> npt.NDArray[np.float64]:
    """Dual variables (n,) of a linear support vector machine (SPEC.md, 10.4, step 3).

    rows: (n, features). signs: -1.0 or 1.0 (n,), both occurring. limit: C. tolerance: the violation
    at which the steps end; after 10,000,000 of them it may be larger. Arrays are C-contiguous.
    Raises ValueError in one line where sizes do not fit.
    """

def row_products(
    engine: Engine, left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The sums of products of each row of ``left`` with each of ``right``, (n, m), from left to
    right. Arrays are C-contiguous. Raises ValueError in one line where sizes do not fit."""

def sines(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sines (n,) by SPEC.md, section "Constants of a model"; NaN beyond 2^19. ``x`` (n,) is
    C-contiguous."""

def cosines(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cosines, as :func:`sines`."""

def logarithms(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Natural logarithms, as :func:`sines`; NaN below 2^-1022 and where x is not finite."""

def powers(base: float, exponents: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``base`` to each power (n,), as :func:`sines`; NaN where the base is not positive."""

def interpolate(
    x: npt.NDArray[np.float32], rows: int, columns: int, filter: str, antialias: bool
) -> npt.NDArray[np.float32]:
    """A table (height, width, channels), C-contiguous, resized to (rows, columns, channels) by
    SPEC.md, section "Constants of a model".

    filter: ``bilinear`` or ``bicubic``. Raises ValueError in one line for another one and for an
    empty side.
    """

@final
class SoftmaxRegression:
    """Softmax regression with an L2 penalty on scaled rows (SPEC.md, 10.3), in exact arithmetic.

    rows: (n, features). ids: of each row's class. weights: of each class. A point is (classes,
    features + 1): weights of the features, then the intercept. All arrays are C-contiguous. Raises
    ValueError in one line where sizes do not fit.
    """

    def __new__(
        cls,
        engine: Engine,
        rows: npt.NDArray[np.float64],
        ids: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
    ) -> SoftmaxRegression: ...
    def fit(
        self, strength: float, tolerance: float, start: npt.NDArray[np.float64] | None = None
    ) -> tuple[npt.NDArray[np.float64], float] | None:
        """Minimise with C = ``strength`` from a point, or from zeros.

        Returns the point and the largest absolute component of the gradient there, which is above
        ``tolerance`` where no fit was found; None once :meth:`stop` was called. The interpreter is
        free while it works. Ctrl-C stops it.
        """

    def gradient(self, point: npt.NDArray[np.float64], strength: float) -> npt.NDArray[np.float64]:
        """The gradient of the objective at a point."""

    def stop(self) -> None:
        """End the fit that another thread computes, and every later one."""

@final
class Loader:
    """Batches of files in order, loaded ahead on ``workers`` threads.

    items: paths, or the content of files, which has no identity. The arguments from ``mode`` to
    ``pad`` are the fields of :class:`biobench.decode.recipe.Recipe`.
    layout: ``NHWC`` or ``NCHW``. table: float32, shape (3, 256), to be looked up for each value;
    None gives the uint8 pixels. ahead: batches at most that wait or are being loaded. allocate:
    called by the thread that asks for batches, with a number of bytes; gives a new writable uint8
    array of that length which nobody else uses; by default memory is the loader's own, and used
    again when the last array over it is gone. kernel: one of :func:`kernels`, for tests; the pixels
    do not depend on it. hash_files: hash the bytes that are decoded. decoder: decodes other formats
    than JPEG and PNG; without one they are refused.

    Raises ValueError for a bad argument, MemoryError where there is no room for the batches,
    OSError where there are no threads. Dropping it stops the threads. In a forked process it raises
    RuntimeError, and does nothing when it is closed or dropped.
    """

    def __new__(
        cls,
        items: Sequence[str | os.PathLike[str] | bytes],
        *,
        mode: str,
        size: tuple[int, int],
        long_side: str,
        filter: str,
        crop: tuple[int, int],
        crop_rounding: str,
        pad: tuple[int, int, int],
        layout: str,
        table: npt.NDArray[np.float32] | None,
        batch_size: int,
        workers: int,
        ahead: int,
        allocate: Callable[[int], npt.NDArray[np.uint8]] | None = None,
        kernel: str | None = None,
        hash_files: bool = False,
        decoder: Decoder | None = None,
    ) -> Loader: ...
    def next(
        self,
    ) -> (
        tuple[
            int,
            npt.NDArray[Any],
            list[bytes],
            list[tuple[int, str, str]],
            list[_FileRead | None],
        ]
        | None
    ):
        """The next batch; None after the last, or when the loader is closed.

        Returns the index of its first item; the array; the BLAKE3 digest of each uint8 crop,
        32 bytes, zero where an item failed; (index in the batch, kind, message) of each item that
        failed, whose image is black; and with ``hash_files`` what was read of each file, ``None``
        for one that could not be read whole. The interpreter is free while it waits, and Ctrl-C
        ends the waiting. Raises MemoryError where there is no room for one more batch.
        """

    def close(self) -> None:
        """Stop, and wait until no thread works any more. The interpreter is free meanwhile.

        It does not wait where a finalizer calls it on a thread that is decoding with Python.
        """

def build_info() -> BuildInfo:
    """Version, build profile, target, and the libjpeg-turbo that is inside."""

def decode(
    path: str | os.PathLike[str],
    *,
    max_pixels: int | None = None,
    decoder: Decoder | None = None,
) -> npt.NDArray[np.uint8]:
    """A JPEG, a PNG or what ``decoder`` reads as RGB: uint8, shape (height, width, 3).

    The pixels are those of Pillow 13's ``convert("RGB")``. Raises FileNotFoundError,
    PermissionError or OSError where the file cannot be read, ValueError where its content is no
    complete image of these formats or has more than ``max_pixels`` (default 178,956,970) pixels.
    The interpreter is free while it works, but for the methods of ``decoder``, for which Ctrl-C
    waits.
    """

def kernels() -> list[str]:
    """The code for the sums of the resize that this machine can run, the fastest last.

    The fastest is taken. All give the same bytes; ``scalar`` is the definition.
    """

def leave_interpreter() -> None:
    """Wait until no thread of a loader is in Python, and let none in any more.

    Importing this module has ``atexit`` call it: a thread that comes back to an interpreter that is
    gone would end the process. Images that would need one are then reported as ``cancelled``.
    """

def decisions(
    engine: Engine,
    rows: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    bias: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """rows (n, d) times the transpose of weight (classes, d), plus bias, (n, classes), in exact
    arithmetic. Raises ValueError where sizes do not fit.
    """

def linear(
    engine: Engine,
    rows: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    *,
    relu: bool = False,
) -> npt.NDArray[np.float32]:
    """rows (n, k) times the transpose of weight (m, k), plus bias, (n, m), in exact arithmetic.

    Raises ValueError where sizes do not fit.
    """

def read_files(paths: Sequence[str | os.PathLike[str]], *, workers: int) -> list[_FileRead]:
    """Hash each file, opened once, on ``workers`` threads; in the order given.

    Raises OSError with number, text and file name, as ``open`` does, for the first that cannot be
    read, and ValueError for no workers. The interpreter is free while it works.
    """

def resize(
    image: npt.NDArray[np.uint8],
    height: int,
    width: int,
    filter: str,
    *,
    kernel: str | None = None,
) -> npt.NDArray[np.uint8]:
    """Resize an RGB image, uint8, shape (H, W, 3), as Pillow 13 does.

    ``kernel``, one of :func:`kernels`, is for tests: the pixels do not depend on it.

    Raises ValueError for another shape, a side of zero or an unknown filter, MemoryError where
    there is no room for the result. The interpreter is free while it works.
    """
