"""An ONNX file as nodes and arrays, with the checks that a file of somebody else needs.

In: a path. Out: the nodes that the chosen output needs, the tensors by name, the input and its
shape. Nothing outside the file's folder is read, and no number of the file asks for memory that its
bytes do not account for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.files import open_regular, read_regular
from biobench.errors import ModelError
from biobench.models.program.memory import require_memory
from biobench.spec.canonical import canonical_json

OLDEST, NEWEST = 11, 28
"""Versions of ONNX's operators (opset of its default domain) whose rules are known here."""
LARGEST_FILE = (1 << 31) - 1
"""Bytes of a message of protobuf; larger weights lie in a file beside it."""
COPIES = 3
"""So many times the weights are in memory while their program is made: as arrays, as constants of
the program, and as the engine has packed them."""
MOST_NODES = 100_000
_REMEDY = "export the model to ONNX again"
OWN_DOMAINS = ("", "ai.onnx")

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class OnnxGraph:
    """The part of a file that is lowered.

    Attributes:
        nodes: Nodes of the file that the output needs, in its order.
        tensors: Weights and constants by name.
        input: Name of the images.
        shape: The shape that the file states for them; None where a size is open.
        output: Name of the features.
        opset: Version of the operators.
        weights: Digest of the weights (SPEC.md, section "Digests").
        parameters: Number of elements of the weights of floating point.
    """

    nodes: tuple[Any, ...]
    tensors: Mapping[str, Array]
    input: str
    shape: tuple[int | None, ...]
    output: str
    opset: int
    weights: str
    parameters: int


def read_graph(path: Path, output: str | None) -> OnnxGraph:
    """Read a file; ``output`` names the features where the graph has several outputs.

    Raises:
        ModelError: The file is damaged, or has something that is refused: another version of the
            operators, operators of others, several inputs, data outside its folder, NaN.
    """
    import onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(read_regular(path, LARGEST_FILE))
    except OSError as error:
        raise ModelError(
            f"cannot be read ({error.strerror})",
            where=str(path),
            remedy="give a regular file that this user can read, with large weights beside it",
        ) from error
    except Exception as error:  # protobuf raises classes of its own
        raise ModelError("is not an ONNX file", where=str(path), remedy=_REMEDY) from error
    try:
        return _checked(model, path, output)
    except ModelError:
        raise
    except Exception as error:  # onnx raises anything for values that do not fit together
        raise ModelError(
            f"is damaged: {type(error).__name__}: {_line(error)}",
            where=str(path),
            remedy=_REMEDY,
        ) from error


def printable(text: str) -> str:
    """A name of the file for a message: printable ASCII, at most 80 characters."""
    return ascii(text[:80])[1:-1]


def _line(error: BaseException) -> str:
    return printable((str(error).strip() or "?").splitlines()[0])


def _checked(model: Any, path: Path, output: str | None) -> OnnxGraph:
    graph = model.graph
    if not graph.node:
        raise ModelError("is not an ONNX file, or has no nodes", where=str(path), remedy=_REMEDY)
    if len(graph.node) > MOST_NODES:
        raise ModelError(
            f"has more than {MOST_NODES:,} nodes",
            where=str(path),
            remedy="export the image encoder alone, without unrolled loops",
        )
    opset = _opset(model, path)
    _require_room(graph.initializer, path)
    weights = {tensor.name: _array(tensor, path) for tensor in graph.initializer}
    if graph.sparse_initializer:
        raise ModelError(
            "has sparse weights, which are not carried",
            where=str(path),
            remedy="export it with dense weights",
        )
    inputs = [given for given in graph.input if given.name not in weights]
    if len(inputs) != 1:
        raise ModelError(
            f"has {len(inputs)} inputs, and images are one",
            where=str(path),
            remedy="export the part of the model that takes images alone",
        )
    _refuse_second_values([inputs[0].name, *weights], graph.node, path)
    chosen = _chosen([given.name for given in graph.output], output, path)
    nodes = _needed(graph.node, chosen)
    _refuse_custom(nodes, path)
    tensors = dict(weights)
    for node in nodes:
        if node.op_type == "Constant":
            tensors[node.output[0]] = _constant(node, path)
    for name, array in tensors.items():
        _refuse_broken(name, array, path)
    kind = inputs[0].type.tensor_type
    if kind.elem_type != 1:
        raise ModelError(
            "its input is not of float32",
            where=str(path),
            remedy="export it for an input of float32",
        )
    shape = tuple(dim.dim_value or None for dim in kind.shape.dim)
    return OnnxGraph(
        nodes=tuple(node for node in nodes if node.op_type != "Constant"),
        tensors=tensors,
        input=inputs[0].name,
        shape=shape,
        output=chosen,
        opset=opset,
        weights=_digest(weights),
        parameters=sum(x.size for x in weights.values() if x.dtype.kind not in "iub"),
    )


def _require_room(tensors: Any, path: Path) -> None:
    """Refuse more numbers than the memory holds: several tensors may name the same bytes."""
    needed = sum(4 * prod(max(n, 0) for n in tensor.dims) for tensor in tensors)
    require_memory(COPIES * needed, str(path), "for its weights while its program is made")


def _opset(model: Any, path: Path) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in OWN_DOMAINS]
    if len(versions) != 1 or not OLDEST <= versions[0] <= NEWEST:
        stated = versions[0] if len(versions) == 1 else "none"
        raise ModelError(
            f"has version {stated} of ONNX's operators; {OLDEST} to {NEWEST} are read",
            where=str(path),
            remedy="export it again with another opset_version, or use onnx.version_converter",
        )
    return int(versions[0])


def _refuse_custom(nodes: list[Any], path: Path) -> None:
    """Refuse operators that are not ONNX's own: their meaning is somebody's code."""
    for node in nodes:
        if node.domain not in OWN_DOMAINS:
            raise ModelError(
                f"node {printable(node.name)!r} is the operator {printable(node.op_type)} of "
                f"{printable(node.domain)!r}, not one of ONNX's own",
                where=str(path),
                remedy="export the model without custom operators",
            )


def _chosen(names: list[str], output: str | None, path: Path) -> str:
    """The output that is the features."""
    if output is None and len(names) == 1:
        return names[0]
    if output in names:
        return str(output)
    listed = ", ".join(printable(name) for name in names[:8])
    what = "has several outputs" if output is None else f"has no output {printable(output)!r}"
    raise ModelError(
        f"{what}: {listed}", where=str(path), remedy='name one as "output" in the recipe file'
    )


def _refuse_second_values(names: Iterable[str], nodes: Any, path: Path) -> None:
    """Raise ModelError where a name stands for two values: readers would choose different ones."""
    seen = set(names)
    for node in nodes:
        for name in filter(None, node.output):
            if name in seen:
                raise ModelError(
                    f"makes two values of the name {printable(name)!r}",
                    where=str(path),
                    remedy="export it again; onnx.checker says more",
                )
            seen.add(name)


def _needed(nodes: Any, output: str) -> list[Any]:
    """The nodes that an output depends on, in their order."""
    wanted, found = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            found.append(node)
    return found[::-1]


def _constant(node: Any, path: Path) -> Array:
    """The array of a node Constant."""
    (attribute,) = node.attribute
    if attribute.name == "value":
        return _array(attribute.t, path)
    forms = {"value_float": np.float32, "value_int": np.int64}
    if attribute.name in forms:
        one = attribute.f if attribute.name == "value_float" else attribute.i
        return np.array(one, forms[attribute.name])
    lists = {"value_floats": np.float32, "value_ints": np.int64}
    if attribute.name not in lists:
        raise ModelError(
            f"has a constant of {printable(attribute.name)}",
            where=str(path),
            remedy="export it with constants of numbers alone",
        )
    many = attribute.floats if attribute.name == "value_floats" else attribute.ints
    return np.array(list(many), lists[attribute.name])


def _array(tensor: Any, path: Path) -> Array:
    """A tensor of the file, or of a file beside it."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_location != TensorProto.EXTERNAL:
        return np.asarray(numpy_helper.to_array(tensor))
    stated = {entry.key: entry.value for entry in tensor.external_data}
    beside = _beside(path, stated.get("location", ""))
    whole = TensorProto()
    whole.CopyFrom(tensor)
    whole.ClearField("external_data")
    whole.data_location = TensorProto.DEFAULT
    with open_regular(beside) as file:
        size = file.seek(0, 2)
        start = int(stated.get("offset", 0))
        length = int(stated.get("length", size - start))
        if start < 0 or length < 0 or start + length > size:
            raise ModelError(
                f"names bytes {start} to {start + length} of {beside.name}, which has {size}",
                where=str(path),
                remedy="use the files of one export",
            )
        file.seek(start)
        whole.raw_data = file.read(length)
    return np.asarray(numpy_helper.to_array(whole))


def _beside(path: Path, location: str) -> Path:
    """The file of external data that a tensor names; it has to lie in the folder of the model."""
    parts = PurePosixPath(location)
    folder = path.parent.resolve()
    plain = location and not parts.is_absolute() and ".." not in parts.parts
    if not plain or "\\" in location or "\0" in location:
        raise _outside(path, location)
    beside = folder / location
    if not beside.resolve().is_relative_to(folder):
        raise _outside(path, location)
    if not beside.is_file():
        raise ModelError(
            f"names {printable(location)!r}, which is not there",
            where=str(path),
            remedy="put the file of weights beside it",
        )
    return beside


def _outside(path: Path, location: str) -> ModelError:
    return ModelError(
        f"names {printable(location)!r}, a file outside its folder",
        where=str(path),
        remedy="use a model whose weights lie beside it",
    )


def _refuse_broken(name: str, array: Array, path: Path) -> None:
    """Refuse NaN, and an infinity but in a scalar, such as a bound, or a mask."""
    if array.dtype.kind in "iubSUO" or not array.size:
        return
    numbers = array.astype(np.float32, copy=False)
    if np.isnan(numbers).any() or (array.size > 1 and np.isposinf(numbers).any()):
        raise ModelError(
            f"its tensor {printable(name)!r} holds NaN or infinity",
            where=str(path),
            remedy="export the model again, or use another one",
        )


def _digest(weights: Mapping[str, Array]) -> str:
    """Digest of the weights by name, as that of a checkpoint's tensors."""
    names = sorted(weights)
    header = [[name, str(weights[name].dtype), list(weights[name].shape)] for name in names]
    digest = hashlib.sha256(canonical_json(header) + b"\0")
    for data in _bytes(weights[name] for name in names):
        digest.update(data)
    return "sha256:" + digest.hexdigest()


def _bytes(arrays: Iterator[Array]) -> Iterator[bytes]:
    for array in arrays:
        order = array.dtype.newbyteorder("<") if array.dtype.kind in "iufc" else array.dtype
        yield np.ascontiguousarray(array).astype(order, copy=False).tobytes()
