"""Programs of the exact engine through the extension."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from biobench._native import Engine, Program
from biobench.errors import ModelError
from biobench.models.program_model import require_images_apart

RNG = np.random.default_rng(5)
WEIGHT = RNG.standard_normal((7, 40), np.float32)
BIAS = RNG.standard_normal(7, np.float32)


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


DATA = {digest(a.tobytes()): a.tobytes() for a in (WEIGHT, BIAS)}


def text(**changes: Any) -> str:
    document: dict[str, Any] = {
        "schema": "biobench.program/1",
        "input": ["b", 40],
        "constants": [
            {"digest": digest(a.tobytes()), "shape": list(a.shape), "type": "float32"}
            for a in (WEIGHT, BIAS)
        ],
        "operations": [
            {
                "operation": "linear",
                "inputs": {"x": "input", "weight": "c0", "bias": "c1"},
                "attributes": {"activation": "relu"},
                "shape": ["b", 7],
            }
        ],
        "output": "v0",
    }
    return json.dumps({**document, **changes})


def test_a_program_computes_what_it_says() -> None:
    program = Program(text(), DATA.get)
    x = RNG.standard_normal((50, 40), np.float32)
    found = program.run(Engine(1), x)
    assert found.dtype == np.float32
    expected = np.maximum(x.astype(float) @ WEIGHT.T.astype(float) + BIAS, 0)
    assert np.abs(found - expected).max() < 1e-5


def test_bits_depend_on_neither_threads_nor_batch() -> None:
    program = Program(text(), DATA.get)
    x = RNG.standard_normal((50, 40), np.float32)
    whole = program.run(Engine(1), x).tobytes()
    assert program.run(Engine(3), x).tobytes() == whole
    engine = Engine(2)
    rows = [program.run(engine, x[i : i + 1]).tobytes() for i in range(50)]
    assert b"".join(rows) == whole


def test_the_digest_is_that_of_canonical_json() -> None:
    from biobench.spec.canonical import canonical_json

    program = Program(text(), DATA.get)
    assert program.text.encode() == canonical_json(json.loads(text()))
    assert program.digest == digest(program.text.encode())
    assert "v0 [b, 7] = linear(bias=c1, weight=c0, x=input, activation=" in program.explain()
    assert program.memory(3) == 3 * 7 * 4


def folded(inner: str) -> str:
    """A program that moves the batch inwards, and folds or normalises it there."""
    shape, out = [4, "b", 8], {"inputs": {"x": "v0"}, "shape": ["b", 32]}
    moved = {"operation": "permute", "inputs": {"x": "input"}, "attributes": {"axes": [1, 0, 2]}}
    weights = {"weight": "c0", "bias": "c0"}
    norm = {"inputs": {"x": "v0", **weights}, "attributes": {"groups": 2, "eps": "3727c5ac"}}
    last = {
        "reshape": {"operation": "reshape", "attributes": {}, **out},
        "group_norm": {"operation": "group_norm", **norm, "shape": shape},
    }[inner]
    ones = [{"digest": digest(ONES), "shape": [8], "type": "float32"}]
    operations = [{**moved, "shape": shape}, last]
    return text(input=["b", 4, 8], constants=ones, operations=operations, output="v1")


ONES = np.ones(8, np.float32).tobytes()


def test_a_program_that_mixes_images_is_told() -> None:
    """Features by item, and level F, rest on images that are computed apart."""
    assert Program(text(), DATA.get).images_apart
    mixing = Program(folded("reshape"), {digest(ONES): ONES}.get)
    assert not mixing.images_apart
    with pytest.raises(ModelError, match="depend on the other images of a batch"):
        require_images_apart(mixing, "model")


def test_images_that_are_folded_and_come_back_are_apart() -> None:
    """Attention with the tokens first, as CLIP has it, folds the batch behind them for a while."""
    inner, moved = ["4b", 8], {"axes": [1, 0, 2]}
    steps: list[tuple[str, dict[str, Any], list[Any]]] = [
        ("permute", moved, [4, "b", 8]), ("reshape", {}, inner), ("gelu", {}, inner),
        ("reshape", {}, [4, "b", 8]), ("permute", moved, ["b", 4, 8]), ("reshape", {}, ["b", 32]),
    ]  # fmt: skip
    operations = [
        {
            "operation": name,
            "inputs": {"x": f"v{i - 1}" if i else "input"},
            "attributes": attributes,
            "shape": shape,
        }
        for i, (name, attributes, shape) in enumerate(steps)
    ]
    document = {"input": ["b", 4, 8], "constants": [], "operations": operations, "output": "v5"}
    program = Program(text(**document), {}.get)
    assert program.images_apart
    x = RNG.standard_normal((5, 4, 8), np.float32)
    whole = program.run(Engine(7), x)
    assert program.run(Engine(1), x).tobytes() == whole.tobytes()
    assert not Program(text(**{**document, "output": "v2"}), {}.get).images_apart


def test_a_group_holds_no_batch() -> None:
    """Else its mean would be that of several images, and depend on how a batch is cut."""
    with pytest.raises(ValueError, match=r"x must be \(batch, \.\.\., channels\)"):
        Program(folded("group_norm"), {digest(ONES): ONES}.get)


def test_the_engine_says_what_it_computes_with() -> None:
    engine = Engine(2)
    assert engine.threads == 2
    assert engine.instruction_set in {"scalar", "avx2", "avx512", "neon"}


def test_an_unknown_instruction_set_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOBENCH_ENGINE_ISA", "mmx")
    with pytest.raises(ValueError, match='has no instruction set "mmx"; it has scalar'):
        Engine(1)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="0 threads could not be started"):
        Engine(0)
    with pytest.raises(ValueError, match="no operation is called"):
        Program(text().replace("linear", "liner"), DATA.get)
    with pytest.raises(ValueError, match="constant c0 is not there"):
        Program(text(), lambda _: None)
    with pytest.raises(ValueError, match="constant c0 has the digest sha256:"):
        Program(text(), lambda _: bytes(WEIGHT.nbytes))
    program = Program(text(), DATA.get)
    for shape in ((2, 41), (0, 40), (40,)):
        with pytest.raises(ValueError, match=r"input: shape \[b, 40\], not"):
            program.run(Engine(1), np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="must be C-contiguous"):
        program.run(Engine(1), np.zeros((40, 3), np.float32).T)


def test_an_error_of_the_supplier_is_raised() -> None:
    def supply(_: str) -> bytes:
        raise LookupError("the disk is gone")

    with pytest.raises(LookupError, match="the disk is gone"):
        Program(text(), supply)
