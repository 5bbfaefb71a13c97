"""Section 21.10: programs, among them a tiny transformer and a tiny convolutional network."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vectors.case import Case, Section, VectorFile, refused
from vectors.exact_tensors import Array, bits, drawn, tensor

SECTION = Section("exact-programs", "21.10", "F", "exact")


class Builder:
    """A program under construction: each call adds an operation and gives the name of its value."""

    def __init__(self, name: str, *shape: int | str) -> None:
        self.name = name
        self.input = list(shape)
        self.constants: list[Any] = []
        self.operations: list[dict[str, Any]] = []

    def constant(self, values: Any) -> str:
        self.constants.append(values)
        return f"c{len(self.constants) - 1}"

    def drawn(self, *shape: int, scale: float = 0.5) -> str:
        name = f"programs/{self.name}/{len(self.constants)}"
        return self.constant(drawn(name, *shape, scale=scale))

    def __call__(
        self, operation: str, shape: Sequence[int | str], inputs: Mapping[str, Any], **of: Any
    ) -> str:
        of = {key: bits(v) if isinstance(v, float) else v for key, v in of.items()}
        self.operations.append(
            {
                "operation": operation,
                "inputs": dict(inputs),
                "attributes": of,
                "shape": list(shape),
            }
        )
        return f"v{len(self.operations) - 1}"

    def program(self, output: str) -> dict[str, Any]:
        return {
            "schema": "biobench.program/1",
            "input": self.input,
            "constants": [described(values) for values in self.constants],
            "operations": self.operations,
            "output": output,
        }

    def given(self, output: str, values: Array) -> dict[str, Any]:
        constants = [tensor(values) for values in self.constants]
        return {"program": self.program(output), "constants": constants, "input": tensor(values)}


def described(values: Any) -> dict[str, Any]:
    """A constant's entry in a program."""
    integers = np.asarray(values).dtype.kind == "i"
    content = np.asarray(values, "<i8" if integers else "<f4")
    digest = hashlib.sha256(content.tobytes()).hexdigest()
    element = "int64" if integers else "float32"
    return {"digest": f"sha256:{digest}", "shape": list(content.shape), "type": element}


def digest_check(given: Any, output: Any) -> bool:
    """Python's own JSON writer, which of a program gives the canonical text."""
    text = json.dumps(given["program"], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return bool(output["digest"] == f"sha256:{digest}")


def transformer() -> Builder:
    """Two patches by two of an image of 4 x 4, width 6, two heads, one block with layer scale, mean
    of the patches."""
    b = Builder("transformer", "b", 4, 4, 3)
    conv = {"stride": [2, 2], "dilation": [1, 1], "padding": [0, 0, 0, 0], "groups": 1}
    rows = ["b", 5, 6]
    patches = b(
        "conv2d", ["b", 2, 2, 6],
        {"x": "input", "weight": b.drawn(6, 3, 2, 2), "bias": b.drawn(6)}, **conv,
    )  # fmt: skip
    patches = b("reshape", ["b", 4, 6], {"x": patches})
    first = b("expand", ["b", 1, 6], {"x": b.drawn(1, 1, 6)})
    x = b("concatenate", rows, {"parts": [first, patches]}, axis=1)
    x = b("add", rows, {"a": x, "b": b.drawn(5, 6)})
    norm = {"weight": b.drawn(6, scale=2), "bias": b.drawn(6)}
    y = b("layer_norm", rows, {"x": x, **norm}, eps=1e-6)
    y = b("linear", ["b", 5, 18], {"x": y, "weight": b.drawn(18, 6), "bias": b.drawn(18)})
    y = b("reshape", ["b", 5, 3, 2, 3], {"x": y})
    heads = []
    for i in range(3):
        part = b("slice", ["b", 5, 1, 2, 3], {"x": y}, axis=2, start=i, end=i + 1, step=1)
        heads.append(b("reshape", ["b", 5, 2, 3], {"x": part}))
    y = b("attention", ["b", 5, 2, 3], dict(zip("qkv", heads, strict=True)), scale=0.5)
    y = b("reshape", rows, {"x": y})
    y = b("linear", rows, {"x": y, "weight": b.drawn(6, 6), "bias": b.drawn(6)})
    y = b("mul", rows, {"a": y, "b": b.drawn(6)})
    x = b("add", rows, {"a": x, "b": y})
    norm = {"weight": b.drawn(6, scale=2), "bias": b.drawn(6)}
    y = b("layer_norm", rows, {"x": x, **norm}, eps=1e-6)
    y = b(
        "linear", ["b", 5, 12], {"x": y, "weight": b.drawn(12, 6), "bias": b.drawn(12)},
        activation="gelu",
    )  # fmt: skip
    second = {"weight": b.drawn(6, 12), "bias": b.drawn(6), "residual": x}
    x = b("linear", rows, {"x": y, **second})
    x = b("slice", ["b", 4, 6], {"x": x}, axis=1, start=1, end=5, step=1)
    x = b("mean", ["b", 6], {"x": x}, axes=[1])
    norm = {"weight": b.drawn(6, scale=2), "bias": b.drawn(6)}
    b("layer_norm", ["b", 6], {"x": x, **norm}, eps=1e-5)
    return b


def convolutional() -> Builder:
    """A stem with batch normalisation and a pooling, and an inverted residual with squeeze and
    excitation."""
    b = Builder("convolutional", "b", 6, 6, 3)

    def conv(
        x: str, shape: Sequence[int | str], outputs: int, inside: int, side: int, **of: Any
    ) -> str:
        border = [side // 2] * 4
        given = {"stride": [1, 1], "dilation": [1, 1], "padding": border, "groups": 1, **of}
        return b("conv2d", shape, {"x": x, "weight": b.drawn(outputs, inside, side, side)}, **given)

    def norm(x: str, shape: Sequence[int | str], channels: int) -> str:
        mean, weight, bias = b.drawn(channels), b.drawn(channels, scale=2), b.drawn(channels)
        name = f"programs/{b.name}/{len(b.constants)}"
        variance = b.constant(np.abs(drawn(name, channels)))
        inputs = {"x": x, "mean": mean, "variance": variance, "weight": weight, "bias": bias}
        return b("batch_norm", shape, inputs, eps=1e-5)

    image = ["b", 3, 3, 4]
    x = norm(conv("input", image, 4, 3, 3, stride=[2, 2]), image, 4)
    x = b("relu", image, {"x": x})
    pool = {"kernel": [3, 3], "stride": [1, 1], "dilation": [1, 1], "padding": [1, 1, 1, 1]}
    x = b("max_pool2d", image, {"x": x}, **pool)
    wide = ["b", 3, 3, 8]
    y = b("hard_swish", wide, {"x": norm(conv(x, wide, 8, 4, 1), wide, 8)})
    y = b("silu", wide, {"x": norm(conv(y, wide, 8, 1, 3, groups=8), wide, 8)})
    small = ["b", 1, 1, 8]
    s = b("adaptive_avg_pool2d", small, {"x": y}, size=[1, 1])
    s = b(
        "linear",
        ["b", 1, 1, 2],
        {"x": s, "weight": b.drawn(2, 8), "bias": b.drawn(2)},
        activation="relu",
    )
    s = b(
        "linear",
        small,
        {"x": s, "weight": b.drawn(8, 2), "bias": b.drawn(8)},
        activation="hard_sigmoid",
    )
    y = b("mul", wide, {"a": y, "b": s})
    y = norm(conv(y, image, 4, 8, 1), image, 4)
    x = b("add", image, {"a": x, "b": y})
    x = b("mean", ["b", 4], {"x": x}, axes=[1, 2])
    b("linear", ["b", 6], {"x": x, "weight": b.drawn(6, 4), "bias": b.drawn(6)})
    return b


def short() -> Builder:
    """Windows as rows of a batch, turned back: dimensions that are multiples of the batch."""
    b = Builder("windows", "b", 4, 2)
    x = b("reshape", ["2b", 2, 2], {"x": "input"})
    x = b("add", ["2b", 2, 2], {"a": x, "b": b.drawn(1, 2, 2)})
    x = b("softmax", ["2b", 2, 2], {"x": x})
    x = b("reshape", ["b", 4, 2], {"x": x})
    x = b("gather", ["b", 3, 2], {"x": x, "indices": b.constant(np.array([3, 0, 0]))}, axis=1)
    b("amax", ["b", 2], {"x": x}, axes=[1])
    return b


def last(builder: Builder) -> str:
    return f"v{len(builder.operations) - 1}"


def cases() -> Iterator[Case]:
    for builder, side, channels in ((transformer(), 4, 3), (convolutional(), 6, 3)):
        values = drawn(f"programs/{builder.name}/input", 2, side, side, channels, scale=2)
        given = builder.given(last(builder), values)
        yield Case(f"exact-programs/{builder.name}", given, digest_check)
    builder = short()
    values = drawn("programs/windows/input", 3, 4, 2, scale=2)
    right = builder.given(last(builder), values)
    yield Case("exact-programs/multiples-of-the-batch", right, digest_check)
    one = builder.given(last(builder), values[:1])
    yield Case("exact-programs/multiples-of-a-batch-of-one", one, digest_check)
    yield Case(
        "exact-programs/output-is-an-earlier-value", builder.given("v1", values), digest_check
    )
    yield Case("exact-programs/output-is-the-input", builder.given("input", values), digest_check)
    fixed = Builder("fixed", 1, 3)
    fixed("neg", [1, 3], {"x": "input"})
    ones = np.array([[0.0, 1, -2]], np.float32)
    yield Case("exact-programs/input-without-a-batch", fixed.given("v0", ones), digest_check)
    pairs = Builder("pairs", "2b", 2)
    pairs("reshape", ["b", 4], {"x": "input"})
    given = pairs.given("v0", drawn("programs/pairs/input", 4, 2))
    yield Case("exact-programs/input-of-two-rows-of-the-batch", given, digest_check)
    read = Builder("read", "b", 2)
    twice = read("mul", ["b", 2], {"a": "input", "b": "input"})
    read("sub", ["b", 2], {"a": twice, "b": read.drawn(2)})
    given = read.given("v1", drawn("programs/read/input", 2, 2))
    yield Case("exact-programs/value-read-twice", given, digest_check)

    flat = Builder("flat", "b", 2, 2)
    flat("reshape", ["b", 4], {"x": "input"})
    turned = flat.given("v0", drawn("programs/flat/input", 2, 2, 2))
    yield Case("exact-programs/reshape", turned, digest_check)

    # Each is one change of a program above.
    def changed(id: str, program: dict[str, Any], operation: int, **members: Any) -> Case:
        wrong = copy.deepcopy(program)
        wrong["program"]["operations"][operation].update(members)
        return Case(f"exact-programs/error/{id}", wrong, refused)

    name = "shape-that-the-operation-does-not-give"
    yield changed(name, given, 1, shape=["b", 1])
    yield changed("reshape-to-another-number-of-elements", turned, 0, shape=["b", 3])
    yield changed("value-that-comes-later", given, 0, inputs={"a": "input", "b": "v1"})
    yield changed("its-own-value", given, 0, inputs={"a": "input", "b": "v0"})


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "programs", "Programs with their constants and an input.", cases(),
        operation="program", source="Python's JSON, for the digests",
    )  # fmt: skip
