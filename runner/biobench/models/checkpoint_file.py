"""A file of weights without a configuration, as training leaves it (docs/models.md).

In: a file. Out: tensors by name, out of the dictionaries and prefixes that training programs wrap
around them; ModelErrors that name what does not fit an architecture.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.signals import raise_again
from biobench._common.text import first_of
from biobench.errors import ModelError, counted
from biobench.models.local_paths import PICKLES, SAFETENSORS
from biobench.models.module_backbone import NAMES, first_line

if TYPE_CHECKING:
    import torch

    from biobench.models.names import ModelName

WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model", "model_state_dict")
"""Keys of a training program's dictionary under which the tensors lie, the first that is there.
Averaged weights come first, as timm reads them."""
PREFIXES = ("module.", "_orig_mod.", "model.")
"""Prefixes that data parallel training, torch.compile and Lightning put before every name."""
HEADS = ("head", "heads", "head_dist", "fc", "classifier", "mask_token", "pred")
DECODER = "decoder"
"""First parts of names that no feature rests on: classifiers, and what pretraining alone uses."""
_MISMATCH = re.compile(r"size mismatch for ([^:\s]+):")


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, without wrappers and prefixes.

    Raises:
        ModelError: The file cannot be read, or holds anything but tensors, or objects that torch's
            ``weights_only`` refuses.
    """
    suffix = path.suffix.lower()
    if suffix == SAFETENSORS:
        found: Any = _safetensors(path)
    elif suffix in PICKLES:
        found = _pickle(path)
    else:
        raise ModelError(
            f"is not a file of weights: its name ends in {suffix or 'nothing'}",
            where=str(path),
            remedy=f"give one that ends in {', '.join([SAFETENSORS, *PICKLES])}",
        )
    state = _unwrapped(found)
    if not state:
        raise ModelError(
            "holds no tensors by name",
            where=str(path),
            remedy=f"save the model's state_dict(), alone or under {' or '.join(WRAPPERS)}",
        )
    for prefix in _all_prefixes(state):
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return state


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise_again()
        raise ModelError(
            f"is not a safetensors file: {first_line(error)}",
            where=str(path),
            remedy="copy the file again, or write it with safetensors.torch.save_file",
        ) from error


def _pickle(path: Path) -> Any:
    import pickle

    import torch

    try:
        # What timm's training writes beside its weights; it runs no code.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            "holds Python objects beside tensors, which torch's weights_only does not read",
            where=str(path),
            remedy="save the tensors alone: torch.save(model.state_dict(), FILE)",
        ) from error
    except Exception as error:  # a damaged archive raises anything
        raise_again()
        raise ModelError(
            f"cannot be read by torch: {first_line(error)}",
            where=str(path),
            remedy="copy the file again, or write it with torch.save(model.state_dict(), FILE)",
        ) from error


def _unwrapped(loaded: Any) -> dict[str, torch.Tensor]:
    import torch

    if not isinstance(loaded, Mapping):
        return {}
    inner = next((loaded[key] for key in WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
    if inner is not None:
        return _unwrapped(inner)
    return {k: v for k, v in loaded.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}


def _all_prefixes(names: Iterable[str]) -> Iterator[str]:
    """The prefixes that every name has, from the outermost in."""
    left = list(names)
    while True:
        prefix = next((p for p in PREFIXES if all(name.startswith(p) for name in left)), None)
        if prefix is None:
            return
        left = [name.removeprefix(prefix) for name in left]
        yield prefix


def refuse_unexpected(
    name: ModelName, path: Path, names: Sequence[str], heads: Sequence[str] = ()
) -> None:
    """Raise ModelError where a file has tensors that its architecture has no place for, since the
    features that it was trained to give may rest on them.

    ``heads``: names of classifiers, in addition to :data:`HEADS`.
    """
    strange = sorted(
        key
        for key in names
        if key.partition(".")[0] not in HEADS
        and not key.startswith((DECODER, *(f"{head}." for head in heads)))
    )
    if strange:
        raise ModelError(
            f"{name.architecture} has no place for {counted(len(strange), 'tensor')} of the file: "
            f"{first_of(strange, NAMES)}",
            where=str(path),
            remedy="give the --arch that the weights were trained with",
        )


@contextmanager
def shapes_checked(name: ModelName, path: Path) -> Iterator[None]:
    """Turn torch's error for tensors of other shapes into a ModelError that names them."""
    try:
        yield
    except ModelError as error:
        names = _MISMATCH.findall(str(error.__cause__))
        if not names:
            raise
        raise ModelError(
            f"{counted(len(names), 'tensor')} of the file "
            f"{'has' if len(names) == 1 else 'have'} another shape than {name.architecture} needs: "
            f"{first_of(names, NAMES)}",
            where=str(path),
            remedy="give the --arch that the weights were trained with",
        ) from error
