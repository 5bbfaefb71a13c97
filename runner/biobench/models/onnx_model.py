"""ONNX files as models: ``onnx:FILE`` (docs/programs.md).

In: a file and the recipe beside it. Out: a backbone whose features the exact engine computes, by
the operations of the file as they stand there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from biobench._common.optional_dependencies import require_onnx
from biobench._native import Program
from biobench.errors import ModelError
from biobench.models.base import ModelInfo
from biobench.models.local_paths import local_file
from biobench.models.names import ModelName
from biobench.models.onnx_graph.read import OnnxGraph, printable, read_graph
from biobench.models.program.lowering import NotCarried
from biobench.models.program.memory import require_memory
from biobench.models.program_model import ProgramBackbone, ramp_features, read_program
from biobench.models.recipe_file import RecipeFile, read_recipe_file
from biobench.spec.canonical import canonical_json, sha256_bytes


def load_onnx(name: ModelName) -> ProgramBackbone:
    """Load the backbone of an ONNX file.

    Raises:
        ModelError: The file or its recipe cannot be taken, the engine lacks an operator, or the
            model needs more memory than there is.
    """
    require_onnx()
    path = local_file(name.target)
    given = read_recipe_file(path)
    program, graph, _ = _program(path, given)
    features = ramp_features(program, given.recipe, str(path))
    stated, resolved = name.recorded
    info = ModelInfo(
        name=stated,
        resolved=resolved,
        source="local",
        revision=None,
        licence=None,
        weights=graph.weights,
        feature="graph_output",
        dim=int(features.shape[1]),
        parameters=graph.parameters,
        pinned=False,
        trusted=True,
        fingerprint=sha256_bytes(features.astype("<f4").tobytes()),
        program=program.digest,
    )

    def remake() -> tuple[Program, Mapping[str, bytes]]:
        again, _, constants = _program(path, given)
        return again, constants

    return ProgramBackbone(program, given.recipe, info, remake)


def _program(path: Path, given: RecipeFile) -> tuple[Program, OnnxGraph, Mapping[str, bytes]]:
    from biobench.models.onnx_graph.lower import lower

    require_memory(path.stat().st_size, str(path), "to be read")
    graph = read_graph(path, given.output)
    _require_input(graph, given, path)
    try:
        document, constants = lower(graph, given.recipe.crop)
        program = read_program(canonical_json(document).decode(), constants.get, str(path))
    except NotCarried as error:
        raise ModelError(
            f"the exact engine does not carry it: {error}",
            where=str(path),
            remedy="export it for inference with standard operators, or give the model as "
            "py:package.module:Class",
        ) from error
    except ValueError as error:  # of the engine: operations that do not fit
        raise ModelError(
            f"has no program: {error}",
            where=str(path),
            remedy="export it for images of its recipe's size, or give the model as "
            "py:package.module:Class",
        ) from error
    return program, graph, constants


def _require_input(graph: OnnxGraph, given: RecipeFile, path: Path) -> None:
    """Refuse an input that is no batch of images of the recipe's size."""
    shape, crop = graph.shape, given.recipe.crop
    stated = ", ".join("?" if size is None else str(size) for size in shape)
    where = f"{path}: input {printable(graph.input)!r}"
    if len(shape) != 4 or shape[1] not in (3, None):
        raise ModelError(
            f"has the shape ({stated}), not (batch, 3, rows, columns)",
            where=where,
            remedy="export the model for images with the channels first",
        )
    if shape[0] not in (None, 1):
        raise ModelError(
            f"has a fixed batch of {shape[0]}",
            where=where,
            remedy="export the model with a dynamic first axis, or for one image",
        )
    if any(side not in (None, n) for side, n in zip(shape[2:], crop, strict=True)):
        raise ModelError(
            f"takes images of {shape[2] or '?'} x {shape[3] or '?'} pixels, and its recipe gives "
            f"{crop[0]} x {crop[1]}",
            where=where,
            remedy="write its size as crop in the recipe",
        )
