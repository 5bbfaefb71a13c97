"""Tensors of float32 as the vectors of section 21 hold them, and cases of single operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench.spec.generator import Stream
from vectors.case import Case
from vectors.drawn import SEED

Array = npt.NDArray[np.float32]
Inputs = Mapping[str, Any]
"""Arrays, or lists of arrays, by the names of section 21.10."""


def bits(values: npt.ArrayLike) -> str:
    """Eight hexadecimal digits a number, row-major."""
    words = np.asarray(values, np.float32).view(np.uint32).ravel()
    return " ".join(f"{word:08x}" for word in words.tolist())


def words(text: str) -> Array:
    """The numbers of hexadecimal digits."""
    return np.array([int(word, 16) for word in text.split()], np.uint32).view(np.float32)


def tensor(values: Any) -> dict[str, Any]:
    """A tensor as a case holds it; integers are indices."""
    array = np.asarray(values)
    if array.dtype.kind == "i":
        return {"shape": list(array.shape), "indices": array.ravel().tolist()}
    array = array.astype(np.float32)
    return {"shape": list(array.shape), "bits": bits(array)}


def array(value: Mapping[str, Any]) -> npt.NDArray[Any]:
    """The inverse of :func:`tensor`."""
    if "indices" in value:
        return np.array(value["indices"], np.int64).reshape(value["shape"])
    return words(value["bits"]).reshape(value["shape"])


def drawn(name: str, *shape: int, scale: float = 1.0) -> Array:
    """Numbers in [-scale, scale) whose sums and products are inexact."""
    values = Stream(SEED, f"vectors/exact/{name}").floats(int(np.prod(shape)))
    return ((2 * np.array(values) - 1) * scale).astype(np.float32).reshape(shape)


def near(*values: float) -> Array:
    """Each number with its two neighbours."""
    centre = np.array(values, np.float32)
    ends = [np.nextafter(centre, np.float32(end), dtype=np.float32) for end in (-np.inf, np.inf)]
    return np.stack([ends[0], centre, ends[1]], axis=1).ravel()


def operation(
    id: str,
    name: str,
    inputs: Inputs,
    shape: Sequence[int],
    check: Callable[[Any, Any], Any] | None = None,
    **attributes: Any,
) -> Case:
    """A case of one operation whose output has ``shape``; a float among the attributes is written
    as its bits."""
    held = {
        key: [tensor(part) for part in value] if isinstance(value, list) else tensor(value)
        for key, value in inputs.items()
    }
    given = {
        "operation": name,
        "inputs": held,
        "attributes": {
            key: bits(value) if isinstance(value, float) else value
            for key, value in attributes.items()
        },
        "shape": list(shape),
    }
    return Case(id, given, check)


Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], npt.ArrayLike]
"""``(arrays by name, attributes) -> the output`` in float64, or in any arithmetic of its own."""


def arrays(given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a case in float64, indices as they are."""

    def one(value: Mapping[str, Any]) -> Any:
        found = array(value)
        return found if "indices" in value else found.astype(np.float64)

    return {
        name: [one(part) for part in value] if isinstance(value, list) else one(value)
        for name, value in given["inputs"].items()
    }


def attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a case with floats as numbers."""
    return {
        key: float(words(value)[0]) if key in ("eps", "scale", "value") else value
        for key, value in given["attributes"].items()
    }


def close_to(rule: Rule, room: float = 1e-5) -> Callable[[Any, Any], str | None]:
    """A check against a rule in float64: NaN and infinities at the same places, the rest within
    ``room`` of the largest number."""

    def check(given: Any, output: Any) -> str | None:
        if "error" in output:
            return "an error"
        with np.errstate(all="ignore"):
            expected = np.asarray(rule(arrays(given), attributes(given)), np.float64)
        found = words(output["bits"]).astype(np.float64)
        if list(expected.shape) != given["shape"]:
            return f"the shape {list(expected.shape)}"
        expected = expected.ravel()
        finite = np.isfinite(found)
        if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
            return f"{found} beside {expected}"
        if not np.isfinite(expected[finite]).all():
            return f"{expected} is not finite where {found} is"
        if not finite.any():
            return None
        apart = np.abs(found - expected)[finite].max() / max(1e-30, np.abs(expected[finite]).max())
        return f"{apart} apart" if apart > room else None

    return check
