"""Operations and programs in exact arithmetic (SPEC.md, section 21)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from biobench._common.exact_engine import engine
from biobench._native import Program
from biobench.conformance.operations import Invalid
from biobench.spec.load import Spec


def _operation(given: Mapping[str, Any], spec: Spec) -> Any:
    """One operation, as a program whose operands are all constants."""
    tensors: list[Any] = []

    def placed(value: Any) -> Any:
        if isinstance(value, list):
            return [placed(part) for part in value]
        tensors.append(value)
        return f"c{len(tensors) - 1}"

    inputs = {name: placed(value) for name, value in given["inputs"].items()}
    held = [_bytes(tensor) for tensor in tensors]
    program = {
        "schema": "biobench.program/1",
        "input": [1],
        "constants": [_constant(*pair) for pair in zip(tensors, held, strict=True)],
        "operations": [
            {
                "operation": given["operation"],
                "inputs": inputs,
                "attributes": given["attributes"],
                "shape": given["shape"],
            }
        ],
        "output": "v0",
    }
    output = _run(program, held, np.zeros(1, np.float32))[1]
    return {"bits": bits(output)}


def _program(given: Mapping[str, Any], spec: Spec) -> Any:
    held = [_bytes(tensor) for tensor in given["constants"]]
    values = np.frombuffer(_bytes(given["input"]), np.float32)
    digest, output = _run(given["program"], held, values.reshape(given["input"]["shape"]))
    return {"digest": digest, "shape": list(output.shape), "bits": bits(output)}


def _run(
    program: Mapping[str, Any], held: list[bytes], values: npt.NDArray[np.float32]
) -> tuple[str, npt.NDArray[np.float32]]:
    by_digest = {_digest(content): content for content in held}
    try:
        made = Program(json.dumps(program), by_digest.get)
        return made.digest, made.run(engine(), values)
    except ValueError as error:
        raise Invalid("value") from error


def _constant(tensor: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    element = "int64" if "indices" in tensor else "float32"
    return {"digest": _digest(content), "shape": tensor["shape"], "type": element}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _bytes(tensor: Mapping[str, Any]) -> bytes:
    """Little-endian bytes of a tensor, row-major."""
    if "indices" in tensor:
        return np.array(tensor["indices"], "<i8").tobytes()
    return np.array([int(word, 16) for word in tensor["bits"].split()], "<u4").tobytes()


def bits(values: npt.NDArray[np.float32]) -> str:
    """The numbers in hexadecimal, row-major, every NaN as the one that digests have."""
    plain = np.where(np.isnan(values), np.float32(np.nan), values).astype("<f4")
    return " ".join(f"{word:08x}" for word in plain.view("<u4").ravel().tolist())


OPERATIONS = {"exact.operation": _operation, "exact.program": _program}
