"""Programs in folders: ``biobench models export`` and ``program:FOLDER``.

In: a loaded backbone, or a folder that it was exported to. Out: such a folder, or the backbone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np

from biobench._common.files import read_regular, require_writable, write_atomically
from biobench._native import Program
from biobench.decode.limits import MAX_RECIPE_SIDE
from biobench.decode.recipe import CropRounding, Filter, LongSide, Mode, Recipe
from biobench.errors import ModelError, UsageError
from biobench.models import untrusted_checkpoints
from biobench.models.base import Backbone, ModelInfo
from biobench.models.local_paths import local_folder
from biobench.models.module_backbone import described, first_line
from biobench.models.names import ModelName
from biobench.models.program_model import (
    ProgramBackbone,
    make_program,
    ramp_features,
    read_program,
)
from biobench.spec.canonical import sha256_bytes
from biobench.spec.schema_errors import flaws

SCHEMA = "biobench.model/1"
MODEL, PROGRAM, CONSTANTS = "model.json", "program.json", "constants.safetensors"
TABLE = "table"
"""The recipe's value table among the constants, which are named by their digests."""
MOST_BYTES = 64 << 20
"""Of the text of a program: one of a thousand layers has some 4 MiB."""
_REMEDY = "write it again with `biobench models export`"
ROUNDING = 1e-5
"""How far a value table may be from its recipe's mean and std, of the largest mean or 1."""


def _numbers(count: int, kind: str, **bounds: int) -> dict[str, Any]:
    items = {"type": kind, **bounds}
    return {"type": "array", "items": items, "minItems": count, "maxItems": count}


def _members(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(properties),
        "additionalProperties": False,
    }


_SIDES = _numbers(2, "integer", minimum=1)
DOCUMENT = _members(
    {
        "schema": {"const": SCHEMA},
        "program": {"type": "string"},
        "model": {
            "type": "object",
            # The others say where the checkpoint came from, which nothing here rests on.
            "properties": {field.name: {} for field in fields(ModelInfo)}
            | {
                "licence": {"type": ["string", "null"], "minLength": 1},
                "feature": {"type": "string", "minLength": 1},
                "parameters": {"type": "integer", "minimum": 0},
            },
            "required": ["feature", "licence", "parameters"],
            "additionalProperties": False,
        },
        "recipe": _members(
            {
                "mode": {"enum": [*get_args(Mode)]},
                "size": _SIDES,
                "long_side": {"enum": [*get_args(LongSide)]},
                "filter": {"enum": [*get_args(Filter)]},
                "crop": _SIDES,
                "crop_rounding": {"enum": [*get_args(CropRounding)]},
                "pad": _numbers(3, "integer", minimum=0, maximum=255),
                "mean": _numbers(3, "number"),
                "std": _numbers(3, "number"),
                "digest": {"type": "string"},
            }
        ),
    }
)
"""JSON Schema of model.json."""


def export(backbone: Backbone, folder: Path) -> Program:
    """Write a backbone's program, constants and recipe to a folder that is not there yet.

    Raises:
        UsageError: The folder exists, or cannot be made.
        ModelError: As :func:`make_program`.
    """
    from safetensors import SafetensorError
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
    beside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        write_atomically(beside / PROGRAM, program.text.encode())
        write_atomically(beside / MODEL, text.encode())
        save_file(tensors, beside / CONSTANTS)
        # The library leaves it to this user alone.
        (beside / CONSTANTS).chmod(0o644)
        beside.chmod(0o755)
        beside.rename(folder)
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else first_line(error)
        raise UsageError(
            f"cannot be written ({reason})",
            where=str(folder),
            remedy="free some room, or name another folder",
        ) from error
    finally:
        if beside is not None:
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
        for flaw in flaws(document, DOCUMENT):
            raise ValueError(f"{MODEL}{flaw.pointer and ' '}{flaw.pointer}: {flaw.message}")
        text = read_regular(folder / PROGRAM, MOST_BYTES).decode()
        program, table = _read(text, folder / CONSTANTS, str(folder))
        if program.digest != document["program"]:
            raise ValueError(f"{PROGRAM} is not the program that {MODEL} names")
        recipe = _recipe(document["recipe"], table)
        if json.loads(text)["input"] != ["b", 3, *recipe.crop]:
            raise ValueError("its program is for images of another size than its recipe")
        features = ramp_features(program, recipe, str(folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"cannot be read ({reason})", where=str(folder), remedy=_REMEDY) from error
    except ValueError as error:  # in our own words
        raise ModelError(first_line(error), where=str(folder), remedy=_REMEDY) from error
    except (TypeError, KeyError) as error:
        raise ModelError(described(error), where=str(folder), remedy=_REMEDY) from error
    given, resolved = name.recorded
    stated = document["model"]
    info = ModelInfo(
        name=given,
        resolved=resolved,
        source="local",
        revision=None,
        licence=stated["licence"],
        weights=program.digest,
        feature=stated["feature"],
        dim=int(features.shape[1]),
        parameters=int(stated["parameters"]),
        pinned=False,
        trusted=True,
        fingerprint=sha256_bytes(features.astype("<f4").tobytes()),
        # training_data and overlap are known of the names of models.yaml alone.
        program=program.digest,
    )
    return ProgramBackbone(program, recipe, info, lambda: (program, _constants(folder)))


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


def _constants(folder: Path) -> Mapping[str, bytes]:
    """The constants by their digests."""
    from safetensors.numpy import load_file

    tensors = load_file(folder / CONSTANTS)
    return {name: tensor.tobytes() for name, tensor in tensors.items() if name != TABLE}


def _recipe(value: Mapping[str, Any], table: bytes) -> Recipe:
    if len(table) != 3 * 256 * 4:
        raise ValueError("the value table has another size")
    recipe = Recipe.from_document(value, table)
    if max(*recipe.size, *recipe.crop) > MAX_RECIPE_SIDE:
        raise ValueError(f"its recipe has other sides than from 1 to {MAX_RECIPE_SIDE}")
    if recipe.digest != value["digest"]:
        raise ValueError(f"the value table is not that of the recipe in {MODEL}")
    require_table(recipe)
    return recipe


def require_table(recipe: Recipe) -> None:
    """Hold mean and std, which only people read, to the value table, which decides.

    Every value is (pixel value times a factor - mean) / std, with a factor that libraries choose
    and no recipe states: 1 / 255 in most.

    Raises:
        ValueError: The table holds a number that is not finite, or is that of another mean or std.
    """
    table = recipe.table.astype(np.float64)
    if not np.isfinite(table).all():
        raise ValueError("the value table holds a number that is not finite")
    mean, std = np.array(recipe.mean), np.array(recipe.std)
    with np.errstate(all="ignore"):
        lowest = np.abs(table[:, 0] * std + mean)
        spans = (table[:, 255] - table[:, 0]) * std
        near = ROUNDING * max(1.0, float(np.abs(mean).max()))
        same = (std > 0).all() and (lowest <= near).all()
        same = same and (np.abs(spans - spans[0]) <= ROUNDING * np.abs(spans[0])).all()
    if not same:
        raise ValueError(f"mean and std in {MODEL} are not those of the value table")
