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
from biobench.decode.limits import MAX_RECIPE_SIDE
from biobench.decode.recipe import Recipe
from biobench.errors import ModelError, UsageError
from biobench.models import untrusted_checkpoints
from biobench.models.base import Backbone, ModelInfo
from biobench.models.local_paths import local_folder
from biobench.models.module_backbone import ModuleBackbone, described, first_line
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
DIFFERENCE = 1e-5
"""Largest difference to torch's features, of the largest feature. Rounding gives some 1e-6, the
wrong one of GELU's two forms 4e-5 and more."""
CHAINS = 10
"""By how much further than torch a program may be from float64, where terms of a model cancel and
torch's own rounding is large: one long chain of sums is 3 to 5 times less accurate than blocks."""
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
        program = read_program(canonical_json(document).decode(), constants.get, name)
    except ValueError as error:  # operations that do not fit, such as a mean over the batch
        raise ModelError(
            f"the exact engine does not carry it: {error}", where=name, remedy=_TORCH
        ) from error
    require_images_apart(program, name)
    require_features_of_torch(backbone, program)
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


def require_features_of_torch(backbone: ModuleBackbone, program: Program) -> None:
    """Raise ModelError where a program gives features that rounding does not make of torch's."""
    import torch

    rows, columns = backbone.recipe.crop
    images = torch.linspace(-1, 1, 2 * 3 * rows * columns).reshape(2, 3, rows, columns)
    with torch.inference_mode():
        expected = backbone.embed(images).numpy()
    found = program.run(Engine(1), images.numpy())
    difference = _apart(found, expected)
    if difference <= DIFFERENCE:
        return
    try:
        truth = _in_double(backbone, images)
    except RuntimeError:  # types that the module sets itself
        truth = expected
    if not _apart(found, truth) <= CHAINS * _apart(expected, truth):
        raise ModelError(
            f"its program gives features that differ from torch's by {difference:.1e} of the "
            "largest",
            where=backbone.info.name,
            remedy="tell the maintainers which model it is",
        )


def _apart(found: npt.NDArray[np.floating], expected: npt.NDArray[np.floating]) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _in_double(backbone: ModuleBackbone, images: torch.Tensor) -> npt.NDArray[np.floating]:
    """Features by torch in float64; the module, which is in float32, keeps its bits."""
    import torch

    backbone.module.double()
    try:
        with torch.inference_mode():
            features: npt.NDArray[np.floating] = backbone.forward(images.double()).numpy()
    finally:
        backbone.module.float()
    return features


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
        program, table = _read(text, folder / CONSTANTS, str(folder))
        if program.digest != document["program"]:
            raise ValueError(f"{PROGRAM} is not the program that {MODEL} names")
        recipe = _recipe(document["recipe"], table)
        if json.loads(text)["input"] != ["b", 3, *recipe.crop]:
            raise ValueError("its program is for images of another size than its recipe")
        features = ramp_features(program, recipe, str(folder))
        stated = ModelInfo(**{**document["model"], "fingerprint": ""})
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"cannot be read ({reason})", where=str(folder), remedy=_REMEDY) from error
    except ValueError as error:  # in our own words
        raise ModelError(first_line(error), where=str(folder), remedy=_REMEDY) from error
    except (TypeError, KeyError) as error:
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
    # Ramps are made in float64, then in float32.
    ramps = (8 + 4) * 3 * recipe.crop[0] * recipe.crop[1]
    require_memory(program.memory(1) + ramps, where, "for one image")
    image = np.linspace(-1, 1, 3 * recipe.crop[0] * recipe.crop[1], dtype=np.float32)
    features = program.run(Engine(1), image.reshape(1, 3, *recipe.crop))
    if not np.isfinite(features).all():
        raise ModelError(
            "the features of an image are not finite",
            where=where,
            remedy="check the weights, and mean and std in the recipe",
        )
    return features


def read_program(text: str, supply: Callable[[str], bytes | None], where: str) -> Program:
    """Read a program whose constants are supplied by their digests.

    Raises:
        ValueError: The text is no program, or a constant is not the one that it names.
        ModelError: The constants need more memory than there is.
    """
    require_memory(Program.constants_memory(text), where, "for its constants")
    return Program(text, supply)


def _read(text: str, constants: Path, where: str) -> tuple[Program, bytes]:
    """Read a program whose constants are in a file, and the value table there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(constants, framework="numpy") as handle:
            names = frozenset(handle.keys())

            def supply(digest: str) -> bytes | None:
                return bytes(handle.get_tensor(digest).tobytes()) if digest in names else None

            if TABLE not in names:
                raise ValueError(f"{CONSTANTS} has no value table")
            program = read_program(text, supply, where)
            for place, constant in enumerate(json.loads(text)["constants"]):
                # One that is read already, of the size that the text states.
                if constant["type"] == "float32" and constant["digest"] in names:
                    numbers = handle.get_tensor(constant["digest"]).view("<f4")
                    if np.isnan(numbers).any():
                        raise ValueError(f"constant c{place} holds NaN")
            return program, bytes(handle.get_tensor(TABLE).tobytes())
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
    sides = (*recipe.size, *recipe.crop)
    if min(sides) < 1 or max(sides) > MAX_RECIPE_SIDE:
        raise ValueError(f"its recipe has other sides than from 1 to {MAX_RECIPE_SIDE}")
    if recipe.digest != value["digest"]:
        raise ValueError(f"the value table is not that of the recipe in {MODEL}")
    return recipe
