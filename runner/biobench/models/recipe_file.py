"""A recipe that a person writes beside a model that states none (docs/programs.md).

In: the path of the model. Out: its recipe, and which output is taken. The members are those of the
recipe that ``biobench models show`` prints and that results state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from biobench._common.files import read_regular
from biobench.decode.recipe import CropRounding, Filter, LongSide, Mode
from biobench.errors import ModelError
from biobench.models import recipes
from biobench.spec.canonical import CanonicalError, parse_json
from biobench.spec.yaml_source import SourceError, parse_yaml

if TYPE_CHECKING:
    from biobench.decode.recipe import Recipe

SUFFIXES = (".recipe.json", ".recipe.yaml", ".recipe.yml")
EXAMPLE = (
    '{"mode": "shortest", "size": 256, "crop": 224, "filter": "bicubic", '
    '"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}'
)
MOST_BYTES = 1 << 20
NEEDED = ("mode", "size", "crop", "filter", "mean", "std")
OTHERS = ("long_side", "crop_rounding", "pad", "digest", "output")


@dataclass(frozen=True)
class RecipeFile:
    """A recipe, and the name of the output that is the features; None where there is one alone."""

    recipe: Recipe
    output: str | None


def read_recipe_file(model: Path) -> RecipeFile:
    """Read the recipe beside a model: ``x.recipe.json`` or ``x.recipe.yaml`` of ``x.onnx``.

    Raises:
        ModelError: There is none, or two; or a member is missing, unknown, or has a value that no
            recipe has.
    """
    paths = [model.with_suffix(suffix) for suffix in SUFFIXES]
    there = [path for path in paths if path.is_file()]
    if not there:
        raise ModelError(
            "has no recipe: how images become its input",
            where=str(model),
            remedy=f"write {paths[0].name} beside it, such as {EXAMPLE}",
        )
    if len(there) > 1:
        names = " and ".join(path.name for path in there)
        raise ModelError(f"has two recipes, {names}", where=str(model), remedy="remove one")
    value = _read(there[0])
    try:
        return _recipe(value)
    except ModelError as error:
        raise ModelError(
            error.what, where=str(there[0]), remedy=f"write it such as {EXAMPLE}"
        ) from error


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = read_regular(path, MOST_BYTES)
        value = (
            parse_json(content)
            if path.suffix == ".json"
            else parse_yaml(content.decode("utf-8"), str(path)).value
        )
    except OSError as error:
        raise ModelError(
            f"cannot be read ({error.strerror})",
            where=str(path),
            remedy="give a text of at most 1 MB that this user can read",
        ) from error
    except UnicodeDecodeError as error:
        raise ModelError(
            f"is not UTF-8 at byte {error.start}", where=str(path), remedy="save it as UTF-8"
        ) from error
    except CanonicalError as error:
        raise ModelError(
            f"is not valid: {str(error)[:200]}",
            where=str(path),
            remedy=f"write it such as {EXAMPLE}",
        ) from error
    except SourceError as error:
        problem = error.problem
        raise ModelError(problem.message, where=problem.place, remedy=problem.remedy) from error
    if not isinstance(value, Mapping):
        raise ModelError("is not an object", where=str(path), remedy=f"write it such as {EXAMPLE}")
    return value


def _recipe(value: Mapping[str, Any]) -> RecipeFile:
    for name in NEEDED:
        if name not in value:
            raise ModelError(f"has no {name}")
    for name in value:
        if name not in NEEDED + OTHERS:
            raise ModelError(f"has an unknown member {str(name)[:80]!r}")
    output = value.get("output")
    if output is not None and not isinstance(output, str):
        raise ModelError("output must be the name of an output")
    mean, std = (_numbers(value, name) for name in ("mean", "std"))
    if min(std) <= 0:
        raise ModelError("std must be above 0")
    size, crop = _sides(value, "size"), _sides(value, "crop")
    mode: Mode = _one_of(value, "mode", get_args(Mode), "")
    if mode in ("shortest", "longest") and size[0] != size[1]:
        raise ModelError(f"mode {mode!r} takes one size")
    long_side: LongSide = _one_of(value, "long_side", get_args(LongSide), "floor")
    rounding: CropRounding = _one_of(value, "crop_rounding", get_args(CropRounding), "half-even")
    recipe = recipes.build(
        mode=mode,
        size=size,
        crop=crop,
        resample=_one_of(value, "filter", get_args(Filter), ""),
        table=value_table(mean, std),
        mean=mean,
        std=std,
        long_side=long_side,
        crop_rounding=rounding,
        pad=_pad(value.get("pad")),
    )
    if value.get("digest", recipe.digest) != recipe.digest:
        raise ModelError(
            "states the digest of another recipe; leave it out unless its values are those of "
            "torchvision's Normalize"
        )
    return RecipeFile(recipe, output)


def value_table(mean: list[float], std: list[float]) -> npt.NDArray[np.float32]:
    """Values of torchvision's ``Normalize(ToTensor())``, without torchvision, float32 (3, 256)."""
    pixels = np.arange(256, dtype=np.float32) / np.float32(255)
    with np.errstate(all="ignore"):
        low, high = (np.array(x, np.float32)[:, None] for x in (mean, std))
        return np.ascontiguousarray((pixels - low) / high)


def _one_of(value: Mapping[str, Any], name: str, names: tuple[str, ...], default: str) -> Any:
    found = value.get(name, default)
    if found not in names:
        raise ModelError(f"{name} must be one of {', '.join(names)}")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Mapping[str, Any], name: str) -> list[float]:
    found = value[name] if isinstance(value[name], list) else [value[name]]
    if not all(map(_is_number, found)) or len(found) not in (1, 3):
        raise ModelError(f"{name} must be three numbers, or one")
    return list(recipes.three(found))


def _sides(value: Mapping[str, Any], name: str) -> tuple[int, int]:
    found = value[name] if isinstance(value[name], list) else [value[name]] * 2
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in found)
    if not whole or len(found) != 2:
        raise ModelError(f"{name} must be a number of pixels, or two: height and width")
    return found[0], found[1]


def _pad(value: Any) -> tuple[int, int, int]:
    """The colour of what lies beside an image; results state None where nothing can."""
    found = [0, 0, 0] if value is None else value
    whole = isinstance(found, list) and len(found) == 3
    if not whole or not all(type(n) is int and 0 <= n <= 255 for n in found):
        raise ModelError("pad must be three numbers from 0 to 255")
    return found[0], found[1], found[2]
