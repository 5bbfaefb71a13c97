"""A loaded backbone as a program that the exact engine runs, kept in the store.

In: a backbone made of a torch module. Out: the same backbone by its program. Tracing takes seconds,
so the store keeps the program's text and those of its constants that are no tensors of the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biobench._common.store import Store
from biobench._native import Program
from biobench.models.base import Backbone
from biobench.models.module_backbone import ModuleBackbone
from biobench.models.program_change import changed_program
from biobench.models.program_model import (
    ProgramBackbone,
    make_program,
    ramp_features,
    read_program,
)
from biobench.repro.software import MOVE_FEATURES, code_digest, package_versions
from biobench.spec.canonical import sha256_bytes, sha256_json

if TYPE_CHECKING:
    import torch

KIND = "programs"
TEXT = "text"
TENSORS = "tensors"
"""The program's text, and the names of the model's tensors that are constants of it by digest,
beside the other constants, which are named by their digests."""


def exact_backbone(
    backbone: Backbone, store: Store, say: Callable[[str], None] = lambda line: None
) -> ProgramBackbone:
    """The backbone with features by the exact engine.

    Args:
        backbone: A loaded model.
        store: Keeps its program.
        say: Called with one line where the same weights gave another program before.

    Raises:
        ModelError: As :func:`biobench.models.program_model.make_program`.
    """
    if isinstance(backbone, ModuleBackbone):
        program = _kept(backbone, store) or _made(backbone, store)
        changed = changed_program(backbone, program, store)
        if changed is not None:
            say(changed)
    else:
        program, _ = make_program(backbone)
    features = ramp_features(program, backbone.recipe, backbone.info.name)
    fingerprint = sha256_bytes(features.astype("<f4").tobytes())
    info = replace(backbone.info, program=program.digest, fingerprint=fingerprint)
    return ProgramBackbone(program, backbone.recipe, info)


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


def _made(backbone: ModuleBackbone, store: Store) -> Program:
    """Make the program and store it, with the names of the tensors that are constants of it."""
    program, constants = make_program(backbone)
    named = {sha256_bytes(_elements(tensor).data): n for n, tensor in _tensors(backbone).items()}
    tensors = {digest: named[digest] for digest in constants if digest in named}
    others = {digest: data for digest, data in constants.items() if digest not in named}
    arrays = {digest: np.frombuffer(data, np.uint8) for digest, data in others.items()}
    for name, text in ((TEXT, program.text), (TENSORS, json.dumps(tensors))):
        arrays[name] = np.frombuffer(text.encode(), np.uint8)
    store.put(KIND, _key(backbone), arrays)
    return program


def _kept(backbone: ModuleBackbone, store: Store) -> Program | None:
    """The program in the store; None where it is not there, or lacks a constant."""
    kept = store.get(KIND, _key(backbone))
    if kept is None:
        return None
    tensors = _tensors(backbone)

    # The program compares each constant with its digest.
    def supply(digest: str) -> bytes | None:
        array = _elements(tensors[names[digest]]) if digest in names else kept.get(digest)
        return None if array is None else array.tobytes()

    try:
        names = json.loads(bytes(kept[TENSORS]))
        return read_program(bytes(kept[TEXT]).decode(), supply, backbone.info.name)
    except (ValueError, KeyError):
        return None


def _tensors(backbone: ModuleBackbone) -> dict[str, torch.Tensor]:
    module = backbone.module
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _elements(tensor: torch.Tensor) -> npt.NDArray[np.uint8]:
    """The bytes of a tensor's elements, row-major."""
    import torch

    found: npt.NDArray[np.uint8] = (
        tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
    )
    return found
