"""Rules for operators of ONNX that work element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from biobench.models.onnx_graph.node import Node, Rule, broadcast, lowers, shape_of
from biobench.models.program import elementwise as torch_rules
from biobench.models.program.document import Dim
from biobench.models.program.lowering import Lowering, NotCarried, Operand
from biobench.models.program.values import Value, plain, straight

FUNCTIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Exp": "exp",
    "Erf": "erf",
    "Sqrt": "sqrt",
    "Neg": "neg",
    "HardSwish": "hard_swish",
}
BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}
POWERS = {1.0: 1, 2.0: 2, 3.0: 3}


def apply(lowering: Lowering, function: str, x: Operand) -> Value:
    """A function of each element."""
    return torch_rules.apply(lowering, function, x)


def binary(lowering: Lowering, name: str, a: Operand, b: Operand) -> Value:
    """An operation of two operands, broadcast."""
    if not isinstance(a, int | float) and not isinstance(b, int | float):
        broadcast(shape_of(a), shape_of(b))
    return torch_rules.binary(lowering, name, a, b)


def _applying(function: str) -> Rule:
    return lambda node: apply(node.lowering, function, node.value(0))


for _op, _function in FUNCTIONS.items():
    lowers(_op)(_applying(_function))


@lowers(*BINARY)
def arithmetic(node: Node) -> Value:
    """a + b, and so on."""
    return binary(node.lowering, BINARY[node.op], node.operand(0), node.operand(1))


@lowers("Sum", "Mean", "Max", "Min")
def of_many(node: Node) -> Value:
    """The sum, the mean, the largest or the smallest of several, element by element."""
    operands, lowering = node.all(), node.lowering
    first, found = next((i, x) for i, x in enumerate(operands) if isinstance(x, Value))
    for x in operands[:first] + operands[first + 1 :]:
        if node.op in ("Sum", "Mean"):
            found = binary(lowering, "add", found, x)
        else:
            found = larger(lowering, found, x, smaller=node.op == "Min")
    if node.op == "Mean":
        found = binary(lowering, "div", found, float(len(operands)))
    return found


def larger(lowering: Lowering, x: Value, other: Operand, *, smaller: bool = False) -> Value:
    """The larger of two, or the smaller, with the bits of one of them."""
    if smaller:
        negative = -other if not isinstance(other, Value) else apply(lowering, "neg", other)
        found = larger(lowering, apply(lowering, "neg", x), negative)
        return apply(lowering, "neg", found)
    if isinstance(other, np.ndarray) and other.size == 1 and other.ndim <= len(x.shape):
        other = float(other.reshape(-1)[0])
    if isinstance(other, int | float):
        return torch_rules.larger(lowering, x, float(other))
    shape = broadcast(x.shape, shape_of(other))
    parts = [
        torch_rules.with_last_axis(lowering, expanded(lowering, y, shape)).reference
        for y in (x, other)
    ]
    beside = lowering.builder.operation(
        "concatenate", {"parts": parts}, (*shape, Dim(2)), axis=len(shape)
    )
    return torch_rules.largest_beside(lowering, beside)


def expanded(lowering: Lowering, x: Operand, shape: Any) -> Value:
    """An operand repeated to a shape."""
    value = lowering.value(x)
    if value.shape == shape:
        return value
    reference = straight(lowering.builder, value)
    return plain(lowering.builder.operation("expand", {"x": reference}, shape))


@lowers("Clip")
def clip(node: Node) -> Value:
    """Between two numbers."""
    x = node.value(0)
    low = node.attribute("min") if node.opset < 11 else node.scalar(1)
    high = node.attribute("max") if node.opset < 11 else node.scalar(2)
    return torch_rules.bounded(node.lowering, x, low, high)


@lowers("HardSigmoid")
def hard_sigmoid(node: Node) -> Value:
    """A line between 0 and 1."""
    x, lowering = node.value(0), node.lowering
    alpha, beta = node.attribute("alpha", 0.2), node.attribute("beta", 0.5)
    if np.float32(alpha) == np.float32(1 / 6) and beta == 0.5:
        return apply(lowering, "hard_sigmoid", x)
    line = binary(lowering, "add", binary(lowering, "mul", x, alpha), beta)
    return torch_rules.bounded(lowering, line, 0.0, 1.0)


@lowers("Gelu")
def gelu(node: Node) -> Value:
    """GELU by erf, or by tanh."""
    form = node.attribute("approximate", "none")
    node.require(form in ("none", "tanh"), f"the approximation {form!r}")
    return torch_rules.gelu(node.lowering, node.value(0), form)


@lowers("Swish")
def swish(node: Node) -> Value:
    """x sigmoid(alpha x)."""
    x, alpha = node.value(0), node.attribute("alpha", 1.0)
    if alpha == 1.0:
        return apply(node.lowering, "silu", x)
    gate = apply(node.lowering, "sigmoid", binary(node.lowering, "mul", x, alpha))
    return binary(node.lowering, "mul", x, gate)


@lowers("LeakyRelu", "PRelu")
def leaky_relu(node: Node) -> Value:
    """x above 0, and a multiple of it below."""
    x, lowering = node.value(0), node.lowering
    slope = node.attribute("alpha", 0.01) if node.op == "LeakyRelu" else node.operand(1)
    below = apply(lowering, "relu", apply(lowering, "neg", x))
    found = binary(lowering, "sub", apply(lowering, "relu", x),
                   binary(lowering, "mul", below, slope))  # fmt: skip
    node.require(found.shape == x.shape, "a slope of more axes than x")
    return found


@lowers("Elu")
def elu(node: Node) -> Value:
    """x above 0, and alpha (exp(x) - 1) below."""
    x, lowering = node.value(0), node.lowering
    below = apply(lowering, "neg", apply(lowering, "relu", apply(lowering, "neg", x)))
    less = binary(lowering, "sub", apply(lowering, "exp", below), 1.0)
    scaled = binary(lowering, "mul", less, node.attribute("alpha", 1.0))
    return binary(lowering, "add", apply(lowering, "relu", x), scaled)


@lowers("Abs")
def absolute(node: Node) -> Value:
    """Lower Abs."""
    return magnitude(node.lowering, node.value(0))


def magnitude(lowering: Lowering, x: Value) -> Value:
    """x without its sign: what is above 0 and what is below, of which one is 0."""
    above, below = apply(lowering, "relu", x), apply(lowering, "neg", x)
    return binary(lowering, "add", above, apply(lowering, "relu", below))


@lowers("Softsign")
def softsign(node: Node) -> Value:
    """x / (1 + abs(x))."""
    x, lowering = node.value(0), node.lowering
    return binary(lowering, "div", x, binary(lowering, "add", magnitude(lowering, x), 1.0))


@lowers("Reciprocal")
def reciprocal(node: Node) -> Value:
    """1 / x."""
    return binary(node.lowering, "div", 1.0, node.value(0))


@lowers("Pow")
def power(node: Node) -> Value:
    """Powers by products, and the square root."""
    x, exponent, lowering = node.value(0), node.scalar(1), node.lowering
    if exponent == 0.5:
        return apply(lowering, "sqrt", x)
    if exponent not in POWERS:
        raise NotCarried(f"the power {exponent}")
    found = x
    for _ in range(POWERS[exponent] - 1):
        found = binary(lowering, "mul", found, x)
    return found
