"""The digest of a backbone's weights (SPEC.md, section "Digests").

In: a loaded module. Out: ``sha256:`` digest, and the number of its parameters.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from biobench.spec.canonical import canonical_json

if TYPE_CHECKING:
    import torch


def weights_digest(module: torch.nn.Module) -> str:
    """Digest of a module's parameters and persistent buffers.

    The tensors of ``state_dict()`` are sorted by name (code points). The hashed bytes are the
    canonical JSON of ``[[name, dtype, shape], ...]`` in that order, with the dtype spelled as torch
    does without its prefix (``float32``, ``int64``) and a scalar's shape as ``[]``; then one zero
    byte; then the elements of each tensor in the same order, row-major, little-endian, with nothing
    between them. Storage, device and strides do not count.

    Raises:
        ValueError: A state is not a tensor, or the machine is big-endian.
    """
    import torch

    if sys.byteorder != "little":
        raise ValueError("weights are hashed as little-endian bytes; this machine is big-endian")
    state = module.state_dict()
    names = sorted(state)
    for name in names:
        if not isinstance(state[name], torch.Tensor):
            raise ValueError(f"state {name} is a {type(state[name]).__name__}, not a tensor")
    header = [
        [name, str(state[name].dtype).removeprefix("torch."), list(state[name].shape)]
        for name in names
    ]
    digest = hashlib.sha256(canonical_json(header) + b"\0")
    for name in names:
        elements = state[name].detach().cpu().contiguous().reshape(-1)
        if elements.numel():
            # numpy has no bfloat16, so every dtype is read as bytes.
            digest.update(memoryview(elements.view(torch.uint8).numpy()))
    return "sha256:" + digest.hexdigest()


def non_finite(module: torch.nn.Module) -> list[str]:
    """Names of parameters and persistent buffers that hold NaN or an infinity, sorted."""
    import torch

    return sorted(
        name
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, torch.Tensor)
        and (tensor.is_floating_point() or tensor.is_complex())
        and not torch.isfinite(tensor).all()
    )


def parameter_count(module: torch.nn.Module) -> int:
    """Number of elements of the module's parameters, each shared parameter counted once."""
    return sum(parameter.numel() for parameter in module.parameters())
