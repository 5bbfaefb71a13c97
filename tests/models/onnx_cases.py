"""ONNX's own cases of one node as programs, for tests and for the table of docs/programs.md.

As a program this prints the counts:

    python tests/models/onnx_cases.py
"""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from biobench import _native
from biobench.models.onnx_graph.lower import Walk
from biobench.models.onnx_graph.node import RULES
from biobench.models.program.document import Dim
from biobench.models.program.lowering import Lowering, NotCarried
from biobench.models.program.moves import part
from biobench.models.program.values import Value, plain, reshape, straight
from biobench.spec.canonical import canonical_json

Batch = Literal["fixed", "open", "made open"]
ROWS = 3
ROOM = 1 << 26
"""Bytes for constants of one case."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case.

    Attributes:
        equal: Number of forms in which its outputs are those that it expects.
        made_open: Number of those with a batch of one that is made open.
        wrong: Those in which they are not, with the difference.
        refused: Reasons why others have no program.
    """

    equal: int
    made_open: int
    wrong: tuple[str, ...]
    refused: tuple[str, ...]


def cases() -> list[Any]:
    """The cases of one node whose operator has a rule and whose values are of float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        found = load_model_tests(kind="node")
    return [case for case in found if _ours(case)]


def _ours(case: Any) -> bool:
    graph = case.model.graph
    if len(case.data_sets) != 1 or not any(node.op_type in RULES for node in graph.node):
        return False
    given, expected = case.data_sets[0]
    arrays = all(isinstance(x, np.ndarray) for x in [*given, *expected])
    if not arrays or not all(x.dtype == np.float32 for x in expected) or not given:
        return False
    floats = [x for x in given if x.dtype == np.float32 and x.size]
    return bool(floats) and all(x.size for x in expected) and given[0].dtype == np.float32


def outcome(case: Any) -> Outcome:
    """Run a case with its inputs as values and as constants, with a fixed and an open batch, and
    with a batch of one that is made open."""
    given, expected = case.data_sets[0]
    equal, made_open, wrong, refused = 0, 0, [], []
    for values, batch in _forms(given):
        try:
            found = _run(case, given, values, batch)
        except NotCarried as error:
            refused.append(str(error))
            continue
        form = f"{case.name}, values {values}, {batch} batch"
        check = _apart_in_rows if batch == "made open" else _apart
        apart = [check(x, y, case.rtol, case.atol) for x, y in zip(found, expected, strict=False)]
        wrong += [f"{form}: {text}" for text in apart if text]
        equal += not any(apart)
        made_open += batch == "made open" and not any(apart)
    return Outcome(equal, made_open, tuple(wrong), tuple(refused))


def _forms(given: Sequence[np.ndarray]) -> Iterator[tuple[tuple[int, ...], Batch]]:
    """The inputs that are values, each with its first axis: fixed, the batch, or a batch of one of
    the file that is made open."""
    floats = [place for place, x in enumerate(given) if x.dtype == np.float32 and x.size]
    for place in floats:
        yield (place,), "fixed"
        if given[place].ndim:
            yield (place,), "open"
        if given[place].shape[:1] == (1,):
            yield (place,), "made open"
    if len(floats) > 1:
        yield tuple(floats), "fixed"


def _apart(found: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> str | None:
    if found.shape != expected.shape:
        return f"shape {found.shape} in the place of {expected.shape}"
    if np.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True):
        return None
    return f"differs by {np.nanmax(np.abs(found - expected)):.1e}"


def _apart_in_rows(found: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> str | None:
    """The case's image is the first and the last of :data:`ROWS`, with another one between them."""
    if len(found) != ROWS:
        return f"{len(found)} rows of {ROWS} images"
    if found[0].tobytes() != found[-1].tobytes():
        return "rows of equal images differ"
    return _apart(found[:1], expected, rtol, atol)


def _run(
    case: Any, given: Sequence[np.ndarray], values: tuple[int, ...], batch: Batch
) -> list[np.ndarray]:
    """The outputs by the engine, each by a program of its own; inputs that are values lie one after
    the other in one input where they are several."""
    first, *others = range(len(case.data_sets[0][1]))
    found = [_output(case, given, values, first, batch)]
    for place in others:
        try:
            found.append(_output(case, given, values, place, batch))
        except NotCarried:
            # Such as the statistics of a norm, which a model that reads them is refused for.
            break
    return found


def _output(
    case: Any,
    given: Sequence[np.ndarray],
    values: tuple[int, ...],
    output: int,
    batch: Batch,
) -> np.ndarray:
    shapes = [tuple(Dim(n) for n in given[place].shape) for place in values]
    if batch != "fixed":
        # One image a row: its own batch is as long as the case has rows.
        shapes = [(Dim(1, batch=True), *shapes[0][1:])]
    packed = len(values) > 1
    size = sum(given[place].size for place in values)
    lowering = Lowering((Dim(size),) if packed else shapes[0])
    whole = plain(lowering.builder.input)
    graph = case.model.graph
    opset = next(entry.version for entry in case.model.opset_import if entry.domain == "")
    names = [entry.name for entry in graph.input]
    results: dict[str, Any] = dict(zip(names, given, strict=True))
    start = 0
    for place, shape in zip(values, shapes, strict=True):
        value = whole
        if packed:
            stop = start + given[place].size
            value = reshape(lowering.builder, part(lowering, whole, 0, start, stop), shape)
            start = stop
        results[names[place]] = value
    walk = Walk(lowering, opset, ROOM, made_open=batch == "made open")
    for node in graph.node:
        if node.op_type == "Constant":
            (attribute,) = node.attribute
            results[node.output[0]] = _constant(attribute)
        else:
            walk.node(node, results)
    found = results.get(graph.output[output].name)
    if found is None:
        raise NotCarried("an output that the rule does not give")
    if not isinstance(found, Value):
        raise NotCarried("a result that depends on no value")
    if batch == "made open" and found.shape[:1] != (Dim(1, batch=True),):
        raise NotCarried("an output without a row for each image")
    document = lowering.builder.document(straight(lowering.builder, found))
    program = _native.Program(canonical_json(document).decode(), lowering.builder.data.get)
    data = np.concatenate([given[place].reshape(-1) for place in values])
    if not packed:
        data = data.reshape(given[values[0]].shape)
    if batch == "made open":
        # Its elements the other way round are another image.
        data = np.concatenate([data, data.reshape(-1)[::-1].reshape(data.shape), data])
    return program.run(_native.Engine(1), data)


def _constant(attribute: Any) -> np.ndarray:
    from onnx import helper, numpy_helper

    found = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return np.asarray(numpy_helper.to_array(found))
    return np.array(found, np.float32 if "float" in attribute.name else np.int64)


def main() -> None:
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for case in cases():
        result = outcome(case)
        op = case.model.graph.node[0].op_type if len(case.model.graph.node) == 1 else "functions"
        kind = "wrong" if result.wrong else "equal" if result.equal else "refused"
        counts[op][kind] += 1
        if kind == "wrong":
            print(case.name, result.wrong)
        elif kind == "refused":
            print(case.name, result.refused[0])
    total: collections.Counter[str] = collections.Counter()
    for op, found in sorted(counts.items()):
        total.update(found)
        print(f"{op}: {dict(found)}")
    print(dict(total))


if __name__ == "__main__":
    main()
