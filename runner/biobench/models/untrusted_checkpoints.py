"""Guards for every checkpoint, from any author (docs/models.md, "Checkpoints of others").

In: folders, files and calls of a framework. Out: ModelErrors instead of requests to a network, of
files outside a folder, of memory that no weights file accounts for, and of any other exception.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from biobench._common.files import open_regular
from biobench._common.signals import raise_again
from biobench.errors import ModelError
from biobench.models.module_backbone import first_line

if TYPE_CHECKING:
    from biobench.models.names import ModelName

CONFIGURATION_BYTES = 1 << 24
# A checkpoint may be float16 and is loaded as float32, and transformers registers each tensor
# twice: once without storage and once with.
BYTES_PER_STORED_BYTE = 8
SPARE_BYTES = 64 << 20
TENSORS = 100_000
LAYERS = 1000
WEIGHTS = (".safetensors", ".bin", ".pth", ".pt")
_ITS_OWN = "use the configuration that belongs to these weights"
_REMEDY = "copy the file again from where the weights come from"


@contextmanager
def framework_errors(name: ModelName, what: str) -> Iterator[None]:
    """Turn whatever a framework raises into one ModelError, "``what``: its first line"."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # frameworks raise anything; all of it is exit 5
        raise_again()
        raise ModelError(
            f"{what}: {first_line(error)}",
            where=f"model {name.given!r}",
            remedy="use a checkpoint that the library itself loads, or give the model as "
            "py:package.module:Class",
        ) from error


def read_configuration(path: Path) -> dict[str, Any]:
    """A JSON object from a configuration file.

    Raises:
        ModelError: The file is too long, is nested too deeply, holds anything else, or asks for
            more layers than any model has: frameworks make lists of that length.
    """
    try:
        with open_regular(path) as file:
            data = file.read(CONFIGURATION_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"cannot be read ({error.strerror})",
            where=str(path),
            remedy="give a regular file that this user can read",
        ) from error
    if len(data) > CONFIGURATION_BYTES:
        raise ModelError(
            f"has more than {CONFIGURATION_BYTES >> 20} MiB, too much for a configuration",
            where=str(path),
            remedy=_ITS_OWN,
        )
    try:
        value = json.loads(data.decode("utf-8"))
    except RecursionError as error:
        raise ModelError("is nested too deeply", where=str(path), remedy=_REMEDY) from error
    except ValueError as error:
        raise ModelError(
            f"is not valid JSON: {first_line(error)}", where=str(path), remedy=_REMEDY
        ) from error
    if not isinstance(value, dict):
        raise ModelError("is not a JSON object", where=str(path), remedy=_REMEDY)
    for key, number in _depths(value):
        if number > LAYERS:
            raise ModelError(
                f"{key} {number:,} is above {LAYERS:,}", where=str(path), remedy=_ITS_OWN
            )
    return value


def _depths(value: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Numbers of layers in a configuration and the objects in it, with their keys."""
    for key, below in value.items():
        if isinstance(below, dict):
            yield from _depths(below)
        elif "depth" in key or "layers" in key:
            numbers = below if isinstance(below, list) else [below]
            yield from ((key, number) for number in numbers if isinstance(number, int))


def check_index(folder: Path) -> None:
    """Refuse an index of weights that names a file outside ``folder``.

    Names are looked at, not links: a hub's cache is made of links to files elsewhere.

    Raises:
        ModelError: It does, or it is no index, or a file that it names is missing.
    """
    for path in sorted(folder.glob("*.index.json")):
        names = read_configuration(path).get("weight_map")
        if not isinstance(names, dict):
            raise ModelError("has no object weight_map", where=str(path), remedy=_REMEDY)
        for shard in sorted({str(name) for name in names.values()}):
            parts = PurePosixPath(shard)
            if parts.is_absolute() or ".." in parts.parts or "\\" in shard or "\0" in shard:
                raise ModelError(
                    f"names {shard!r}, a file outside the folder",
                    where=str(path),
                    remedy="use a checkpoint whose index names files beside it",
                )
            if not (folder / shard).is_file():
                raise ModelError(
                    f"names {shard!r}, which is not there",
                    where=str(path),
                    remedy="add that file too",
                )


_LOCK = threading.RLock()


@contextmanager
def no_network() -> Iterator[None]:
    """Block every request of the hub's library, whatever a configuration names; a call that needs
    one fails.

    One thread at a time, because the library's switch is one of the process.
    """
    from huggingface_hub import constants

    with _LOCK:
        before = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before


def weights_bytes(folder: Path) -> int:
    """Bytes of all weights files in a folder and the folders in it."""
    files = (p for p in folder.rglob("*") if p.suffix in WEIGHTS)
    return sum(p.stat().st_size for p in files if p.is_file())


class _TooLarge(BaseException):
    """A module has more tensors or bytes than its weights account for. It is not an Exception, so
    that no framework catches it."""


@contextmanager
def budget(name: ModelName, stored: int) -> Iterator[None]:
    """Refuse modules of far more bytes than ``stored``, those of the weights files, before their
    values are written: a size in a configuration can be any number. Buffers count too.

    Raises:
        ModelError: A module built in this thread has too many tensors or bytes; raised at once.
    """
    from torch.nn.modules.module import (
        register_module_buffer_registration_hook,
        register_module_parameter_registration_hook,
    )

    thread = threading.get_ident()
    limit = BYTES_PER_STORED_BYTE * stored + SPARE_BYTES
    total = count = 0

    def registered(_module: Any, _name: str, tensor: Any) -> None:
        nonlocal total, count
        if threading.get_ident() != thread or tensor is None:
            return
        total += tensor.numel() * tensor.element_size()
        count += 1
        if total > limit or count > TENSORS:
            raise _TooLarge

    hooks = [
        register_module_parameter_registration_hook(registered),
        register_module_buffer_registration_hook(registered),
    ]
    try:
        yield
    except _TooLarge as error:
        raise ModelError(
            f"its configuration asks for far more than the {stored:,} bytes of its weights",
            where=f"model {name.given!r}",
            remedy=_ITS_OWN,
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def build_without_storage(name: ModelName, stored: int, build: Callable[[], object]) -> None:
    """Build a module on torch's meta device, to see its size before any memory is asked for.

    A module that cannot be built there is left to the real call.

    Raises:
        ModelError: As :func:`budget`.
    """
    import torch

    # The real call reports other errors.
    with budget(name, stored), suppress(Exception), torch.device("meta"):
        build()
