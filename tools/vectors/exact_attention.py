"""Section 21.6: attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vectors.case import Case, Section, VectorFile
from vectors.exact_tensors import Array, close_to, drawn, operation

SECTION = Section("exact-layers", "21.6", "F", "exact")


def rule(given: Mapping[str, Any], of: Mapping[str, Any]) -> Any:
    scores = np.einsum("bihd,bjhd->bhij", given["q"], given["k"]) * of["scale"]
    if "bias" in given:
        bias = given["bias"]
        scores = scores + np.concatenate([bias] * (len(scores) // len(bias)))
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("bhij,bjhd->bihd", e / e.sum(-1, keepdims=True), given["v"])


def factors(
    name: str, batch: int, queries: int, keys: int, heads: int, width: int, value_width: int
) -> dict[str, Array]:
    return {
        "q": drawn(f"{name}/q", batch, queries, heads, width, scale=2),
        "k": drawn(f"{name}/k", batch, keys, heads, width, scale=2),
        "v": drawn(f"{name}/v", batch, keys, heads, value_width),
    }


def cases() -> Iterator[Case]:
    def case(id: str, given: dict[str, Array], *, checked: bool = True, scale: float = 0.5) -> Case:
        shape = (*given["q"].shape[:3], given["v"].shape[3])
        check = close_to(rule) if checked else None
        id = f"exact-layers/attention/{id}"
        return operation(id, "attention", given, shape, check, scale=scale)

    one = factors("one", 1, 3, 3, 1, 4, 4)
    yield case("one-head", one)
    yield case("scale", one, scale=0.3)
    yield case("heads", factors("heads", 1, 3, 3, 2, 2, 2))
    two = factors("two", 2, 2, 3, 2, 2, 2)
    yield case("more-keys-than-queries", factors("keys", 1, 2, 4, 1, 3, 3))
    yield case("values-of-another-width", factors("values", 1, 2, 3, 2, 2, 3))
    yield case("one-query", factors("query", 1, 1, 5, 2, 2, 2))
    yield case("more-keys-than-lanes", factors("long", 1, 2, 19, 1, 3, 2))
    yield case("batch", two)
    yield case("bias", {**one, "bias": drawn("bias", 1, 1, 3, 3)})
    # Products that are larger than the bias, so that their rounding moves the sum.
    rounding = {**factors("rounding", 1, 4, 6, 1, 2, 1), "bias": drawn("rounding", 1, 1, 4, 6)}
    rounding["q"] = rounding["q"] * np.float32(5)
    yield case("bias-and-a-scale-that-rounds", rounding, scale=0.3)
    yield case("bias-of-all-heads", {**two, "bias": drawn("bias/all", 1, 1, 2, 3)})
    yield case("bias-of-each-head", {**two, "bias": drawn("bias/each", 1, 2, 2, 3)})
    yield case("bias-of-each-row", {**two, "bias": drawn("bias/rows", 2, 1, 2, 3)})
    four = factors("four", 4, 1, 2, 1, 2, 1)
    yield case("rows-of-a-bias-in-turn", {**four, "bias": drawn("bias/turn", 2, 1, 1, 2)})
    lower = np.where(np.tril(np.ones((3, 3))) > 0, 0, -np.inf).astype(np.float32)
    yield case("mask", {**one, "bias": lower.reshape(1, 1, 3, 3)})
    none = np.array([[0, -np.inf, 0], [-np.inf] * 3, [0, 0, 0]], np.float32)
    masked = {**one, "bias": none.reshape(1, 1, 3, 3)}
    yield case("query-whose-keys-are-all-masked", masked, checked=False)
    yield case("scores-far-apart", {**one, "q": one["q"] * np.float32(64)})
    odd = one["v"].copy()
    odd[0, 1, 0, 0] = np.inf
    last = np.array([0, -np.inf, 0], np.float32) + np.zeros((3, 1), np.float32)
    masked = {**one, "v": odd, "bias": last.reshape(1, 1, 3, 3)}
    yield case("infinite-value-of-a-masked-key", masked, checked=False)


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "attention", "Scaled dot products, biases and masks.", cases(),
        operation="operation", source="NumPy in float64",
    )  # fmt: skip
