"""Section 21.7: poolings and means over dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from vectors.case import Case, Section, VectorFile
from vectors.exact_tensors import close_to, drawn, operation

SECTION = Section("exact-layers", "21.7", "F", "exact")

Given = Mapping[str, Any]


def pooled(given: Given, of: Given) -> Any:
    """The windows as torch's unfold cuts them out, with NaN beside the image."""
    top, left, bottom, right = of["padding"]
    x = torch.tensor(given["x"]).permute(0, 3, 1, 2)
    outside = torch.nn.functional.pad(x, (left, right, top, bottom), value=float("nan"))
    sizes = [
        (n + a + b - d * (k - 1) - 1) // s + 1
        for n, a, b, d, k, s in zip(
            x.shape[2:], (top, left), (bottom, right), of["dilation"], of["kernel"], of["stride"],
            strict=True,
        )
    ]  # fmt: skip
    parts = torch.nn.functional.unfold(
        outside, of["kernel"], of["dilation"], 0, of["stride"]
    ).reshape(len(x), x.shape[1], int(np.prod(of["kernel"])), *sizes)
    if "count_padding" not in of:
        y = parts.nan_to_num(-np.inf).amax(2)
    elif of["count_padding"]:
        y = parts.nan_to_num(0).mean(2)
    else:
        y = parts.nanmean(2)
    return y.permute(0, 2, 3, 1).numpy()


def adaptive(given: Given, of: Given) -> Any:
    x = torch.tensor(given["x"]).permute(0, 3, 1, 2)
    return torch.nn.functional.adaptive_avg_pool2d(x, of["size"]).permute(0, 2, 3, 1).numpy()


STANDARD: dict[str, Any] = {
    "kernel": [2, 2], "stride": [2, 2], "dilation": [1, 1], "padding": [0, 0, 0, 0],
}  # fmt: skip
IMAGE = drawn("pool", 1, 4, 5, 2)
FORMS: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {
    "plain": ((2, 2), {}),
    "overlapping": ((2, 3), {"kernel": [3, 3], "stride": [1, 1]}),
    "padding": ((2, 3), {"kernel": [3, 3], "padding": [1, 1, 1, 1]}),
    "padding-of-one-side": ((2, 3), {"padding": [0, 0, 0, 1]}),
    "unequal-sides": ((4, 2), {"kernel": [1, 3], "stride": [1, 2]}),
    "dilation": ((2, 3), {"dilation": [2, 2], "stride": [1, 1]}),
}


def windows(name: str, rule: Callable[[Given, Given], Any], **more: Any) -> Iterator[Case]:
    kind = "-with-padding" if more.get("count_padding") else ""
    for form, (size, attributes) in FORMS.items():
        id = f"exact-layers/{name}{kind}/{form}"
        given = {**STANDARD, **attributes, **more}
        # One case is enough for two channels.
        x = IMAGE if form == "plain" else IMAGE[..., :1]
        yield operation(id, name, {"x": x}, (1, *size, x.shape[3]), close_to(rule), **given)


def maxima() -> Iterator[Case]:
    yield from windows("max_pool2d", pooled)
    rows = {
        "signed-zeros": [[0.0, -0.0, -0.0, 0.0, -0.0, -0.0]],
        "nan": [[np.nan, 1, 2, np.nan, np.nan, np.nan]],
        "minus-infinity": [[-np.inf, -np.inf, -3, -np.inf, 1, np.inf]],
    }
    for id, row in rows.items():
        x = np.array(row, np.float32).reshape(1, 1, 6, 1)
        given = {**STANDARD, "kernel": [1, 2], "stride": [1, 2]}
        yield operation(
            f"exact-layers/max_pool2d/{id}", "max_pool2d", {"x": x}, (1, 1, 3, 1), **given
        )
    given = {**STANDARD, "padding": [0, 1, 0, 1], "kernel": [1, 2]}
    x = np.full((1, 1, 2, 1), -5, np.float32)
    id = "exact-layers/max_pool2d/negative-at-the-border"
    yield operation(id, "max_pool2d", {"x": x}, (1, 1, 2, 1), **{**given, "stride": [1, 2]})


def means() -> Iterator[Case]:
    yield from windows("avg_pool2d", pooled, count_padding=0)
    yield from windows("avg_pool2d", pooled, count_padding=1)
    x = drawn("pool/many", 1, 5, 5, 1)
    given = {**STANDARD, "kernel": [5, 5], "count_padding": 0}
    id = "exact-layers/avg_pool2d/more-than-lanes"
    yield operation(id, "avg_pool2d", {"x": x}, (1, 1, 1, 1), close_to(pooled), **given)
    # The lanes of a window at the border begin at its first element inside the image.
    x = drawn("pool/lanes", 1, 5, 5, 1)
    given = {**given, "padding": [1, 1, 0, 0], "stride": [1, 1]}
    id = "exact-layers/avg_pool2d/lanes-of-the-elements-inside"
    yield operation(id, "avg_pool2d", {"x": x}, (1, 2, 2, 1), close_to(pooled), **given)


def adaptives() -> Iterator[Case]:
    for form, (image, size) in {
        "even": ((1, 4, 4, 2), [2, 2]),
        "windows-that-share-a-row": ((1, 5, 4, 1), [3, 2]),
        "one": ((2, 3, 3, 2), [1, 1]),
        "more-than-lanes": ((1, 5, 4, 1), [1, 1]),
        "larger-than-the-image": ((1, 2, 3, 1), [3, 4]),
        "unequal-sides": ((1, 7, 3, 1), [2, 3]),
    }.items():
        shape = (image[0], *size, image[3])
        id = f"exact-layers/adaptive_avg_pool2d/{form}"
        given = {"x": drawn("adaptive", *image)}
        yield operation(id, "adaptive_avg_pool2d", given, shape, close_to(adaptive), size=size)


def reductions() -> Iterator[Case]:
    x = drawn("reduce", 2, 3, 3, 2)
    for name, rule in {"mean": np.mean, "amax": np.max}.items():
        for axes in ([1], [2], [1, 2], [2, 3], [1, 2, 3], [0]):
            shape = [n for d, n in enumerate(x.shape) if d not in axes]

            def reduced(given: Given, of: Given, rule: Any = rule) -> Any:
                return rule(given["x"], axis=tuple(of["axes"]))

            id = f"exact-layers/{name}/axes-{'-'.join(map(str, axes))}"
            yield operation(id, name, {"x": x}, shape, close_to(reduced), axes=axes)


def files() -> Iterator[VectorFile]:
    for name, about, cases, source in [
        ("max_pool2d", "The largest of windows.", maxima(), "torch in float64"),
        ("avg_pool2d", "Means of windows.", means(), "torch in float64"),
        ("adaptive", "Means of windows that share an image out.", adaptives(), "torch in float64"),
        ("reductions", "Means and maxima over dimensions.", reductions(), "NumPy in float64"),
    ]:
        yield SECTION.file(name, about, cases, operation="operation", source=source)
