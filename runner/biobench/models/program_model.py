"""Programs as models of their own: ``biobench models export`` and ``program:FOLDER``.

In: a loaded backbone, or a folder that it was exported to. Out: such a folder, or a backbone whose
features are computed by the exact engine, with the same bits on every processor.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biobench._common.files import read_regular, require_writable, write_atomically
from biobench._native import Engine, Program
from biobench.decode.recipe import Recipe
from biobench.errors import ModelError, UsageError
from biobench.models import untrusted_checkpoints
from biobench.models.base import Backbone, ModelInfo
from biobench.models.local_paths import local_folder
from biobench.models.module_backbone import ModuleBackbone, described
from biobench.models.names import ModelName
from biobench.models.program.lower import NotCarried
from biobench.models.program.memory import require_memory
from biobench.spec.canonical import canonical_json, sha256_bytes

if TYPE_CHECKING:
    import torch

SCHEMA = "biobench.model/1"
MODEL, PROGRAM, CONSTANTS = "model.json", "program.json", "constants.safetensors"
TABLE = "table"
"""The recipe's value table among the constants, which are named by their digests."""
MOST_BYTES = 64 << 20
"""Of the text of a program: one of a thousand layers has some 4 MiB."""
DIFFERENCE = 1e-4
"""Largest difference to torch's features, of the largest feature, that rounding can explain; a
wrong rule of the lowering gives far more."""
_REMEDY = "write it again with `biobench models export`"
_TORCH = "run it with torch: biobench run --engine torch"


Remake = Callable[[], tuple[Program, Mapping[str, bytes]]]


class ProgramBackbone:
    """A program with its recipe; one image's features do not depend on its batch.

    ``remake`` makes the program once more, with its constants by digest; None where no file but
    the program's own has them.
    """

    def __init__(
        self, program: Program, recipe: Recipe, info: ModelInfo, remake: Remake | None = None
    ) -> None:
        self.program = program
        self.recipe = recipe
        self.info = info
        self.remake = remake
        # Batches run beside each other, so each takes one thread.
        self._engine = Engine(1)

    def to(self, device: str) -> None:
        """Stay on the CPU.

        Raises:
            ModelError: Another device is asked for.
        """
        if device != "cpu":
            raise ModelError(
                "a program runs on the CPU", where=self.info.name, remedy="give --device cpu"
            )

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Compute the features of a batch: float32 (N, 3, H, W) -> float32 (N, dim)."""
        return self.program.run(self._engine, np.ascontiguousarray(images))

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """Compute as :meth:`run`, of tensors."""
        import torch

        return torch.from_numpy(self.run(batch.numpy()))


def make_program(backbone: Backbone) -> tuple[Program, Mapping[str, bytes]]:
    """Make the program of a loaded backbone; returns it and its constants by digest.

    Raises:
        ModelError: The engine lacks an operation, torch cannot trace the forward pass, or the
            features of the program are not torch's.
    """
    from biobench.models.program.capture import capture
    from biobench.models.program.lower import lower

    name = backbone.info.name
    if isinstance(backbone, ProgramBackbone) and backbone.remake is not None:
        return backbone.remake()
    if not isinstance(backbone, ModuleBackbone):
        raise ModelError(
            "is not a torch module",
            where=name,
            remedy="give a model of timm, open_clip or transformers, or a py: class",
        )
    try:
        graph = capture(backbone.module, backbone.forward, backbone.recipe.crop)
        document, constants = lower(graph)
    except NotCarried as error:
        raise ModelError(
            f"the exact engine does not carry it: {error}", where=name, remedy=_TORCH
        ) from error
    except Exception as error:  # torch raises anything while it traces
        raise ModelError(
            f"torch cannot trace its forward pass: {described(error)}",
            where=name,
            remedy=_TORCH,
        ) from error
    try:
        program = Program(canonical_json(document).decode(), constants.get)
    except ValueError as error:  # operations that do not fit, such as a mean over the batch
        raise ModelError(
            f"the exact engine does not carry it: {error}", where=name, remedy=_TORCH
        ) from error
    require_images_apart(program, name)
    _compare(backbone, program)
    return program, constants


def require_images_apart(program: Program, where: str) -> None:
    """Raise ModelError where an image's features depend on its batch (SPEC.md, section
    "Micro-batches")."""
    if not program.images_apart:
        raise ModelError(
            "its features of an image depend on the other images of a batch",
            where=where,
            remedy="give a model that computes each image by itself",
        )


def _compare(backbone: ModuleBackbone, program: Program) -> None:
    import torch

    rows, columns = backbone.recipe.crop
    images = torch.linspace(-1, 1, 2 * 3 * rows * columns).reshape(2, 3, rows, columns)
    with torch.inference_mode():
        expected = backbone.embed(images).numpy()
    found = program.run(Engine(1), images.numpy())
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    if not difference <= DIFFERENCE:
        raise ModelError(
            f"its program gives features that differ from torch's by {difference:.1e} of the "
            "largest",
            where=backbone.info.name,
            remedy="tell the maintainers which model it is",
        )


def export(backbone: Backbone, folder: Path) -> Program:
    """Write a backbone's program, constants and recipe to a folder that is not there yet.

    Raises:
        UsageError: The folder exists, or cannot be made.
        ModelError: As :func:`make_program`.
    """
    from safetensors.numpy import save_file

    if folder.exists():
        raise UsageError("exists already", where=str(folder), remedy="name a new folder")
    require_writable(folder)
    program, constants = make_program(backbone)
    recipe = backbone.recipe
    information = asdict(backbone.info)
    del information["fingerprint"], information["program"]  # of this machine; stated above
    document = {
        "schema": SCHEMA,
        "program": program.digest,
        "model": information,
        "recipe": {
            **recipe.geometry(),
            "mean": list(recipe.mean),
            "std": list(recipe.std),
            "digest": recipe.digest,
        },
    }
    tensors = {name: np.frombuffer(data, np.uint8) for name, data in constants.items()}
    tensors[TABLE] = np.frombuffer(recipe.table_bytes, np.uint8)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        write_atomically(beside / PROGRAM, program.text.encode())
        write_atomically(beside / MODEL, text.encode())
        save_file(tensors, beside / CONSTANTS)
        # The library leaves it to this user alone.
        (beside / CONSTANTS).chmod(0o644)
        beside.chmod(0o755)
        beside.rename(folder)
    except OSError as error:
        raise UsageError(
            f"cannot be written ({error.strerror})", where=str(folder), remedy="free some room"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return program


def load_program(name: ModelName) -> ProgramBackbone:
    """Load the backbone in a folder that :func:`export` wrote.

    What the folder says of the checkpoint is its author's word, so the digest of the program, which
    covers every constant, stands in the place of the checkpoint's.

    Raises:
        ModelError: A file is missing, damaged, or not the one that the others name.
    """
    folder = local_folder(name.target, name.loader)
    path = folder / MODEL
    document = untrusted_checkpoints.read_configuration(path) if path.is_file() else {}
    if document.get("schema") != SCHEMA:
        raise ModelError(
            f"holds no {MODEL} of a program",
            where=str(folder),
            remedy="write one with `biobench models export`",
        )
    try:
        text = read_regular(folder / PROGRAM, MOST_BYTES).decode()
        program, table = _read(text, folder / CONSTANTS)
        if program.digest != document["program"]:
            raise ValueError(f"{PROGRAM} is not the program that {MODEL} names")
        recipe = _recipe(document["recipe"], table)
        features = ramp_features(program, recipe, str(folder))
        stated = ModelInfo(**{**document["model"], "fingerprint": ""})
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"cannot be read ({reason})", where=str(folder), remedy=_REMEDY) from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(described(error), where=str(folder), remedy=_REMEDY) from error
    given, resolved = name.recorded
    info = replace(
        stated,
        name=given,
        resolved=resolved,
        source="local",
        revision=None,
        revision_sources=None,
        weights=program.digest,
        program=program.digest,
        dim=int(features.shape[1]),
        pinned=False,
        trusted=True,
        # Known of the names of models.yaml alone.
        training_data=None,
        overlap=(),
        fingerprint=sha256_bytes(features.astype("<f4").tobytes()),
    )
    return ProgramBackbone(program, recipe, info)


def ramp_features(program: Program, recipe: Recipe, where: str) -> npt.NDArray[np.float32]:
    """Features of one image of ramps, float32 (1, dim).

    Raises:
        ModelError: Images of a batch are mixed, one image needs more memory than there is, or the
            features are not finite, as with a weight that is NaN.
    """
    require_images_apart(program, where)
    require_memory(program.memory(1), where, "for one image")
    image = np.linspace(-1, 1, 3 * recipe.crop[0] * recipe.crop[1], dtype=np.float32)
    features = program.run(Engine(1), image.reshape(1, 3, *recipe.crop))
    if not np.isfinite(features).all():
        raise ModelError(
            "the features of an image are not finite",
            where=where,
            remedy="check the weights, and mean and std in the recipe",
        )
    return features


def _read(text: str, constants: Path) -> tuple[Program, bytes]:
    """Read a program whose constants are in a file, and the value table there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(constants, framework="numpy") as handle:
            names = frozenset(handle.keys())

            def supply(digest: str) -> bytes | None:
                return bytes(handle.get_tensor(digest).tobytes()) if digest in names else None

            if TABLE not in names:
                raise ValueError(f"{CONSTANTS} has no value table")
            return Program(text, supply), bytes(handle.get_tensor(TABLE).tobytes())
    except SafetensorError as error:
        raise ValueError(f"{CONSTANTS} is damaged: {error}") from error


def _recipe(value: Mapping[str, Any], table: bytes) -> Recipe:
    if len(table) != 3 * 256 * 4:
        raise ValueError("the value table has another size")
    lists = ("size", "crop", "pad", "mean", "std")
    fields: dict[str, Any] = {
        key: tuple(item) if key in lists else item for key, item in value.items() if key != "digest"
    }
    recipe = Recipe(**fields, table_bytes=table)
    if recipe.digest != value["digest"]:
        raise ValueError(f"the value table is not that of the recipe in {MODEL}")
    return recipe
