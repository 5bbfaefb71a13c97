"""Section 21.5: normalisations and softmax."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from vectors.case import Case, Section, VectorFile
from vectors.exact_tensors import Array, close_to, drawn, operation

SECTION = Section("exact-layers", "21.5", "F", "exact")

INF, NAN = math.inf, math.nan
Given = Mapping[str, Any]


def standardised(x: Any, eps: float, axes: tuple[int, ...]) -> Any:
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps)


def layer_rule(given: Given, of: Given) -> Any:
    y = standardised(given["x"], of["eps"], (-1,))
    return y * given["weight"] + given["bias"] if "weight" in given else y


def rms_rule(given: Given, of: Given) -> Any:
    x = given["x"]
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + of["eps"]) * given.get("weight", 1.0)


def batch_rule(given: Given, of: Given) -> Any:
    scale = given["weight"] / np.sqrt(given["variance"] + of["eps"])
    return (given["x"] - given["mean"]) * scale + given["bias"]


def group_rule(given: Given, of: Given) -> Any:
    x = given["x"]
    parts = x.reshape(len(x), -1, of["groups"], x.shape[-1] // of["groups"])
    y = standardised(parts, of["eps"], (1, 3)).reshape(x.shape)
    return y * given["weight"] + given["bias"]


def softmax_rule(given: Given, of: Given) -> Any:
    e = np.exp(given["x"] - given["x"].max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def maker(name: str, rule: Callable[[Given, Given], Any]) -> Callable[..., Case]:
    def case(id: str, inputs: dict[str, Any], *, checked: bool = True, **attributes: Any) -> Case:
        shape, check = inputs["x"].shape, close_to(rule) if checked else None
        return operation(f"exact-layers/{name}/{id}", name, inputs, shape, check, **attributes)

    return case


def affine(name: str, width: int) -> dict[str, Array]:
    return {"weight": drawn(f"{name}/weight", width), "bias": drawn(f"{name}/bias", width)}


def layers() -> Iterator[Case]:
    case = maker("layer_norm", layer_rule)
    x = drawn("layer_norm", 2, 6, scale=3)
    yield case("plain", {"x": x}, eps=1e-6)
    yield case("weight-and-bias", {"x": x, **affine("layer_norm", 6)}, eps=1e-6)
    yield case("large-epsilon", {"x": x}, eps=0.5)
    long = {"x": drawn("layer_norm/long", 1, 37), **affine("layer_norm/long", 37)}
    yield case("more-than-lanes", long, eps=1e-5)
    yield case("far-from-zero", {"x": drawn("layer_norm/far", 1, 20) + np.float32(64)}, eps=1e-5)
    yield case("three-dimensions", {"x": drawn("layer_norm/deep", 2, 2, 4)}, eps=1e-5)
    yield case("one-element", {"x": x[:, :1]}, eps=1e-5)
    yield case("equal-elements", {"x": np.full((1, 5), 0.1, np.float32)}, checked=False, eps=1e-12)
    zeros = np.zeros((1, 4), np.float32)
    yield case("zero-variance-without-epsilon", {"x": zeros}, checked=False, eps=0.0)
    odd = np.array([[1, INF, 2], [1, NAN, 2], [1, 2, 4]], np.float32)
    yield case("special", {"x": odd}, checked=False, eps=1e-5)


def root_means() -> Iterator[Case]:
    case = maker("rms_norm", rms_rule)
    x = drawn("rms_norm", 2, 6, scale=3)
    weight = {"weight": drawn("rms_norm/weight", 6)}
    yield case("plain", {"x": x}, eps=1e-6)
    yield case("weight", {"x": x, **weight}, eps=1e-6)
    yield case("large-epsilon", {"x": x, **weight}, eps=0.5)
    yield case("more-than-lanes", {"x": drawn("rms_norm/long", 1, 37)}, eps=1e-5)
    yield case("zeros", {"x": np.zeros((1, 4), np.float32)}, checked=False, eps=0.0)
    odd = np.array([[1, INF, 2], [1, NAN, 2], [1e30, 2, 4]], np.float32)
    yield case("special", {"x": odd}, checked=False, eps=1e-5)


def batches() -> Iterator[Case]:
    case = maker("batch_norm", batch_rule)
    channels = {
        "mean": drawn("batch_norm/mean", 3), "variance": np.abs(drawn("batch_norm/variance", 3)),
        **affine("batch_norm", 3),
    }  # fmt: skip
    x = drawn("batch_norm", 2, 2, 2, 3)
    yield case("image", {"x": x, **channels}, eps=1e-5)
    yield case("large-epsilon", {"x": x, **channels}, eps=0.5)
    yield case("rows", {"x": x[0, 0], **channels}, eps=1e-5)
    zero = {**channels, "variance": np.zeros(3, np.float32)}
    yield case("zero-variance-without-epsilon", {"x": x[0, 0], **zero}, checked=False, eps=0.0)


def groups() -> Iterator[Case]:
    case = maker("group_norm", group_rule)
    inputs = {"x": drawn("group_norm", 2, 2, 3, 4), **affine("group_norm", 4)}
    for count in (1, 2, 4):
        yield case(f"{count}-of-4", inputs, groups=count, eps=1e-5)
    yield case("large-epsilon", inputs, groups=2, eps=0.5)
    yield case(
        "positions-in-one-dimension", {**inputs, "x": drawn("g", 1, 5, 4)}, groups=2, eps=1e-5
    )
    wide = {"x": drawn("group_norm/wide", 1, 2, 2, 12), **affine("group_norm/wide", 12)}
    yield case("more-than-lanes", wide, groups=2, eps=1e-5)


def softmaxes() -> Iterator[Case]:
    case = maker("softmax", softmax_rule)
    yield case("drawn", {"x": drawn("softmax", 3, 5, scale=4)})
    yield case("more-than-lanes", {"x": drawn("softmax/long", 1, 37, scale=4)})
    yield case("one-element", {"x": np.array([[3], [-80]], np.float32)})
    yield case("equal-elements", {"x": np.full((1, 7), 2, np.float32)})
    yield case("far-apart", {"x": np.array([[100, 0, -5], [300, 299, 190]], np.float32)})
    masked = [[0, -INF, 1], [-INF, -INF, 2], [-INF, -INF, -INF], [1, 2, 3]]
    yield case("masked", {"x": np.array(masked, np.float32)}, checked=False)
    odd = np.array([[1, INF, 2], [1, NAN, 2]], np.float32)
    yield case("special", {"x": odd}, checked=False)


def files() -> Iterator[VectorFile]:
    for name, about, cases in [
        ("layer_norm", "Layer normalisation.", layers()),
        ("rms_norm", "Normalisation by the root of the mean square.", root_means()),
        ("batch_norm", "Batch normalisation with given moments.", batches()),
        ("group_norm", "Group normalisation.", groups()),
        ("softmax", "Softmax of rows.", softmaxes()),
    ]:
        yield SECTION.file(name, about, cases, operation="operation", source="NumPy in float64")
