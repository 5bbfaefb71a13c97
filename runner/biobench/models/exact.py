"""A loaded backbone as a program that the exact engine runs, kept in the store.

In: a backbone made of a torch module. Out: the same backbone by its program. Tracing takes seconds,
so the store keeps the program's text and those of its constants that are no tensors of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench import _native
from biobench._common.store import Store
from biobench.models.base import Backbone
from biobench.models.module_backbone import ModuleBackbone
from biobench.models.program_model import ProgramBackbone, make_program
from biobench.repro.software import MOVE_FEATURES, code_digest, package_versions
from biobench.spec.canonical import sha256_bytes, sha256_json

if TYPE_CHECKING:
    import torch

KIND = "programs"
TEXT = "text"
"""The program's text among its constants, which are named by their digests."""


def exact_backbone(backbone: Backbone, store: Store) -> ProgramBackbone:
    """The backbone with features by the exact engine.

    Raises:
        ModelError: As :func:`biobench.models.program_model.make_program`.
    """
    program = None
    if isinstance(backbone, ModuleBackbone):
        key = _key(backbone)
        tensors = _tensors(backbone.module)
        kept = store.get(KIND, key)
        program = None if kept is None else _read(kept, tensors)
        if program is None:
            program, constants = make_program(backbone)
            others = {name: data for name, data in constants.items() if name not in tensors}
            arrays = {name: np.frombuffer(data, np.uint8) for name, data in others.items()}
            store.put(KIND, key, {TEXT: np.frombuffer(program.text.encode(), np.uint8), **arrays})
    else:
        program, _ = make_program(backbone)
    recipe = backbone.recipe
    image = np.linspace(-1, 1, 3 * recipe.crop[0] * recipe.crop[1], dtype=np.float32)
    features = program.run(_native.Engine(1), image.reshape(1, 3, *recipe.crop))
    info = replace(
        backbone.info,
        program=program.digest,
        fingerprint=sha256_bytes(features.astype("<f4").tobytes()),
    )
    return ProgramBackbone(program, recipe, info)


def _key(backbone: ModuleBackbone) -> str:
    """Digest of all that decides a program: the model, the libraries that define it, and ours."""
    info = backbone.info
    return sha256_json(
        {
            "kind": KIND,
            "code": code_digest(),
            "model": info.resolved,
            "weights": info.weights,
            "fingerprint": info.fingerprint,
            "feature": info.feature,
            "crop": list(backbone.recipe.crop),
            "packages": package_versions(MOVE_FEATURES),
        }
    )


def _tensors(module: torch.nn.Module) -> dict[str, npt.NDArray[Any]]:
    """Parameters and buffers, as the bytes of their elements, by the digest of these."""
    import torch

    found: dict[str, npt.NDArray[Any]] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        data = tensor.detach().contiguous().reshape(-1)
        array: npt.NDArray[Any] = data.view(torch.uint8).numpy()
        found[sha256_bytes(array.data)] = array
    return found


def _read(
    kept: Mapping[str, npt.NDArray[Any]], tensors: Mapping[str, npt.NDArray[Any]]
) -> _native.Program | None:
    """The program of an entry of the store; None where a constant is neither there nor a tensor."""

    def supply(digest: str) -> bytes | None:
        array = tensors.get(digest, kept.get(digest))
        return None if array is None else array.tobytes()

    try:
        return _native.Program(bytes(kept[TEXT]).decode(), supply)
    except (ValueError, KeyError):
        return None
