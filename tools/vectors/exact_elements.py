"""Section 21.8: operations of two values, and those that copy bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vectors.case import Case, Section, VectorFile, refused
from vectors.exact_tensors import Array, array, bits, drawn, operation, words

SECTION = Section("exact-elements", "21.8", "F", "exact")

RULES = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}


def broadcast(given: Any, output: Any) -> bool:
    """NumPy's float32 operation, which the processor does."""
    a, b = (array(given["inputs"][name]) for name in "ab")
    return bool(output["bits"] == bits(RULES[given["operation"]](a, b)))


def copied(given: Any, output: Any) -> bool:
    """NumPy's copies."""
    inputs = {
        name: [array(part) for part in value] if isinstance(value, list) else array(value)
        for name, value in given["inputs"].items()
    }
    found = copy(given["operation"], inputs, given["attributes"], given["shape"])
    return list(found.shape) == given["shape"] and output["bits"] == bits(found)


def copy(name: str, given: Mapping[str, Any], of: Mapping[str, Any], shape: list[int]) -> Array:
    if name == "concatenate":
        return np.concatenate(given["parts"], of["axis"])
    x: Array = given["x"]
    if name == "slice":
        places = np.arange(of["start"], of["end"], of["step"])
        return np.take(x, places, of["axis"])
    if name == "gather":
        return np.take(x, given["indices"], of["axis"])
    if name == "permute":
        return x.transpose(of["axes"])
    if name == "pad":
        widths = list(zip(of["before"], of["after"], strict=True))
        return np.pad(x, widths, constant_values=words(of["value"])[0])
    return np.ascontiguousarray(
        x.reshape(shape) if name == "reshape" else np.broadcast_to(x, shape)
    )


def pairs() -> Iterator[Case]:
    a, b = drawn("elements/a", 2, 2, 3), drawn("elements/b", 2, 2, 3)
    for name in RULES:
        for form, right in {"equal-shapes": b, "row": b[0, 0], "column": b[0, :, :1]}.items():
            id = f"exact-elements/{name}/{form}"
            yield operation(id, name, {"a": a, "b": right}, a.shape, broadcast)
    for form, left, right in [
        ("one-number", a, b[0, 0, :1]),
        ("first-of-fewer-dimensions", a[0], b),
        ("both-stand-for-any", a[:, :1], b[:1]),
        ("ones-at-both-ends", a[:, :, :1], b[:1, :1]),
    ]:
        shape = np.broadcast_shapes(left.shape, right.shape)
        id = f"exact-elements/sub/{form}"
        yield operation(id, "sub", {"a": left, "b": right}, shape, broadcast)
    # Two columns beside three.
    wrong = {"a": a, "b": drawn("elements/b", 2, 2)}
    yield operation("exact-elements/sub/sizes-that-differ", "sub", wrong, a.shape, refused)


def moves() -> Iterator[Case]:
    x = drawn("moves", 2, 3, 2)

    def case(id: str, name: str, shape: tuple[int, ...], given: Any = None, **of: Any) -> Case:
        inputs = {"x": x} if given is None else given
        return operation(f"exact-elements/{name}/{id}", name, inputs, shape, copied, **of)

    parts = {"parts": [x, drawn("moves/more", 2, 3, 2)]}
    for axis in range(3):
        shape = tuple(2 * n if d == axis else n for d, n in enumerate(x.shape))
        yield case(f"axis-{axis}", "concatenate", shape, parts, axis=axis)
    unequal = {"parts": [x, x[:, :1], x[:, 1:]]}
    yield case("parts-of-unequal-sizes", "concatenate", (2, 6, 2), unequal, axis=1)
    yield case("axis-0", "slice", (1, 3, 2), axis=0, start=1, end=2, step=1)
    yield case("axis-1", "slice", (2, 2, 2), axis=1, start=1, end=3, step=1)
    yield case("step", "slice", (2, 2, 2), axis=1, start=0, end=3, step=2)
    yield case("step-beyond-the-end", "slice", (2, 1, 2), axis=1, start=1, end=3, step=2)
    yield case("flat", "reshape", (12,))
    yield case("more-dimensions", "reshape", (2, 3, 1, 2))
    yield case("rows-and-columns", "reshape", (2, 2, 3))
    yield case("first-and-last", "permute", (2, 3, 2), axes=[2, 1, 0])
    yield case("in-turn", "permute", (3, 2, 2), axes=[1, 2, 0])
    yield case("in-turn-backwards", "permute", (2, 2, 3), axes=[2, 0, 1])
    yield case("row", "expand", (2, 3, 2), {"x": x[0, 0]})
    yield case("column", "expand", (2, 3, 2), {"x": x[:, :, :1]})
    border = {"before": [0, 1, 0], "after": [0, 0, 2]}
    yield case("zeros", "pad", (2, 4, 4), **border, value="00000000")
    yield case("minus-infinities", "pad", (2, 4, 4), **border, value="ff800000")
    for axis, indices in enumerate(([1], [2, 0, 0, 1], [1, 0])):
        shape = tuple(len(indices) if d == axis else n for d, n in enumerate(x.shape))
        given = {"x": x, "indices": np.array(indices)}
        yield case(f"axis-{axis}", "gather", shape, given, axis=axis)
    zeros = {"x": np.array([[-0.0, np.inf, 1e-45]], np.float32)}
    yield case("special-values", "permute", (3, 1), zeros, axes=[1, 0])


def files() -> Iterator[VectorFile]:
    for name, about, cases in [
        ("pairs", "Operations of two values whose dimensions align at the end.", pairs()),
        ("moves", "Operations that copy bits.", moves()),
    ]:
        yield SECTION.file(name, about, cases, operation="operation", source="NumPy")
