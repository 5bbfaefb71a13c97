"""Section 21.3: linear layers, matrix products and convolutions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from vectors.case import Case, Section, VectorFile
from vectors.exact_tensors import close_to, drawn, operation, words

SECTION = Section("exact-arithmetic", "21.3", "F", "exact")

ACTIVATIONS = {
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "hard_swish": torch.nn.functional.hardswish,
}


def finished(y: Any, given: Mapping[str, Any], of: Mapping[str, Any]) -> Any:
    if "activation" in of:
        y = ACTIVATIONS[of["activation"]](y)
    return y + torch.tensor(given["residual"]) if "residual" in given else y


def linear_rule(given: Mapping[str, Any], of: Mapping[str, Any]) -> Any:
    x, weight = torch.tensor(given["x"]), torch.tensor(given["weight"])
    bias = torch.tensor(given["bias"]) if "bias" in given else None
    return finished(torch.nn.functional.linear(x, weight, bias), given, of).numpy()


def convolution_rule(given: Mapping[str, Any], of: Mapping[str, Any]) -> Any:
    top, left, bottom, right = of["padding"]
    x = torch.nn.functional.pad(
        torch.tensor(given["x"]).permute(0, 3, 1, 2), (left, right, top, bottom)
    )
    bias = torch.tensor(given["bias"]) if "bias" in given else None
    y = torch.nn.functional.conv2d(
        x, torch.tensor(given["weight"]), bias, of["stride"], 0, of["dilation"], of["groups"]
    )
    return finished(y.permute(0, 2, 3, 1), given, of).numpy()


def linears() -> Iterator[Case]:
    def case(id: str, inputs: dict[str, Any], **attributes: Any) -> Case:
        shape = (*inputs["x"].shape[:-1], len(inputs["weight"]))
        id = f"exact-arithmetic/linear/{id}"
        return operation(id, "linear", inputs, shape, close_to(linear_rule), **attributes)

    plain = {"x": drawn("linear/x", 3, 5), "weight": drawn("linear/weight", 4, 5)}
    bias = {**plain, "bias": drawn("linear/bias", 4)}
    residual = {"residual": drawn("linear/residual", 3, 4)}
    yield case("plain", plain)
    yield case("bias", bias)
    yield case("residual", {**plain, **residual})
    for activation in ACTIVATIONS:
        yield case(f"activation-{activation}", bias, activation=activation)
    yield case("bias-activation-residual", {**bias, **residual}, activation="gelu")
    yield case("one-row", {**plain, "x": plain["x"][0]})
    yield case("three-dimensions", {**plain, "x": drawn("linear/deep", 2, 3, 5)})
    yield case("one-column", {"x": drawn("linear/thin", 3, 1), "weight": plain["weight"][:, :1]})
    # 1 + 2^-24 + 2^-24: each rounded on its own gives 1.
    small = np.array([[2.0**-24]], np.float32)
    ones = {"x": np.ones((1, 1), np.float32), "weight": np.ones((1, 1), np.float32)}
    yield case("each-rounded-on-its-own", {**ones, "bias": small[0], "residual": small})
    # The chain underflows to -0, and -0 with the bias +0 is +0, without one -0.
    under = {"x": words("00000001").reshape(1, 1), "weight": words("80000001").reshape(1, 1)}
    yield operation("exact-arithmetic/linear/minus-zero-without-bias", "linear", under, (1, 1))
    zero = {**under, "bias": np.zeros(1, np.float32)}
    yield operation(
        "exact-arithmetic/linear/minus-zero-with-a-bias-of-zero", "linear", zero, (1, 1)
    )


def products() -> Iterator[Case]:
    rule = close_to(lambda given, _: given["a"] @ given["b"])
    for id, left, right in [
        ("plain", (3, 4), (4, 5)),
        ("batches", (2, 2, 3), (2, 3, 2)),
        ("two-dimensions-of-batches", (2, 2, 1, 3), (2, 2, 3, 2)),
        ("long", (1, 33), (33, 2)),
    ]:
        a, b = drawn(f"matmul/{id}/a", *left), drawn(f"matmul/{id}/b", *right)
        shape = (*left[:-1], right[-1])
        yield operation(f"exact-arithmetic/matmul/{id}", "matmul", {"a": a, "b": b}, shape, rule)


STANDARD: dict[str, Any] = {
    "stride": [1, 1], "dilation": [1, 1], "padding": [0, 0, 0, 0], "groups": 1,
}  # fmt: skip


def convolutions() -> Iterator[Case]:
    def case(
        id: str, x: tuple[int, ...], weight: tuple[int, ...], shape: tuple[int, ...],
        more: dict[str, Any] | None = None, **attributes: Any,
    ) -> Case:  # fmt: skip
        inputs = {"x": drawn("conv/x", *x), "weight": drawn("conv/weight", *weight), **(more or {})}
        id = f"exact-arithmetic/conv2d/{id}"
        given = {**STANDARD, **attributes}
        return operation(id, "conv2d", inputs, shape, close_to(convolution_rule), **given)

    image, kernel = (1, 4, 5, 2), (2, 2, 3, 3)
    yield case("plain", image, kernel, (1, 2, 3, 2))
    yield case("padding", image, kernel, (1, 4, 5, 2), padding=[1, 1, 1, 1])
    yield case("padding-of-one-side", image, kernel, (1, 3, 3, 2), padding=[1, 0, 0, 0])
    yield case("padding-of-unequal-sides", image, kernel, (1, 3, 6, 2), padding=[0, 2, 1, 1])
    yield case("stride", (1, 5, 6, 2), kernel, (1, 2, 2, 2), stride=[2, 2])
    yield case("unequal-strides", (1, 5, 6, 2), kernel, (1, 2, 4, 2), stride=[2, 1])
    yield case("dilation", (1, 5, 6, 2), kernel, (1, 1, 2, 2), dilation=[2, 2])
    yield case("unequal-dilations", (1, 5, 6, 2), kernel, (1, 1, 4, 2), dilation=[2, 1])
    yield case("rows-and-columns-of-the-kernel", image, (3, 2, 1, 3), (1, 4, 3, 3))
    yield case("one-by-one", image, (3, 2, 1, 1), (1, 4, 5, 3))
    yield case("patches", (2, 4, 4, 3), (4, 3, 2, 2), (2, 2, 2, 4), stride=[2, 2])
    grouped = (1, 3, 4, 4)
    yield case("groups", grouped, (4, 2, 2, 2), (1, 2, 3, 4), groups=2)
    yield case("more-outputs-than-channels", grouped, (8, 1, 2, 2), (1, 2, 3, 8), groups=4)
    yield case("depthwise", grouped, (4, 1, 3, 3), (1, 3, 4, 4), groups=4, padding=[1, 1, 1, 1])
    more = {"bias": drawn("conv/bias", 2)}
    yield case("bias", image, kernel, (1, 2, 3, 2), more)
    yield case("activation", image, kernel, (1, 2, 3, 2), more, activation="hard_swish")
    more = {**more, "residual": drawn("conv/residual", 1, 2, 3, 2)}
    yield case("activation-and-residual", image, kernel, (1, 2, 3, 2), more, activation="silu")
    # A pixel beside the image is +0 and is multiplied as any other.
    for id, factor in {"infinity-beside-the-image": np.inf, "nan-beside-the-image": np.nan}.items():
        weight = np.ones((1, 1, 1, 3), np.float32)
        weight[0, 0, 0, 0] = factor
        inputs = {"x": np.ones((1, 1, 3, 1), np.float32), "weight": weight}
        given = {**STANDARD, "padding": [0, 1, 0, 1]}
        yield operation(f"exact-arithmetic/conv2d/{id}", "conv2d", inputs, (1, 1, 3, 1), **given)
    # -0 by underflow, then a product with 0 beside the image.
    tiny = np.array([1e-45, -1e-45], np.float32)
    inputs = {"x": tiny[:1].reshape(1, 1, 1, 1), "weight": tiny[::-1].reshape(1, 1, 1, 2)}
    id = "exact-arithmetic/conv2d/minus-zero-at-the-border"
    given = {**STANDARD, "padding": [0, 0, 0, 1]}
    yield operation(id, "conv2d", inputs, (1, 1, 1, 1), **given)


def files() -> Iterator[VectorFile]:
    for name, about, cases, source in [
        ("linears", "Linear layers with what may follow them.", linears(), "torch in float64"),
        ("products", "Matrix products.", products(), "NumPy in float64"),
        ("convolutions", "Convolutions, channels last.", convolutions(), "torch in float64"),
    ]:
        yield SECTION.file(name, about, cases, operation="operation", source=source)
