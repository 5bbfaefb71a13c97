"""The order of a program's operations: its data flow alone decides it."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np
import pytest
import torch
from carried import program_of
from hypothesis import given
from hypothesis import strategies as st

from biobench.models.program.document import Builder, Dim, Reference
from biobench.models.program.order import INPUTS, ordered
from biobench.spec.location import spec_root


class Attention(torch.nn.Module):
    """One layer of attention that computes keys, queries and values in a stated order."""

    def __init__(self, order: str, *, idle: bool) -> None:
        super().__init__()
        self.parts = torch.nn.ModuleDict({part: torch.nn.Linear(12, 12) for part in "qkv"})
        self.order = order
        self.idle = idle

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.flatten(2).transpose(1, 2).reshape(-1, 4, 12)
        found = {part: self.parts[part](rows).reshape(-1, 4, 3, 4).transpose(1, 2)
                 for part in self.order}  # fmt: skip
        if self.idle:
            found["unused"] = torch.relu(rows) * 3.5
        attended = torch.nn.functional.scaled_dot_product_attention(
            found["q"], found["k"], found["v"]
        )
        return attended.transpose(1, 2).reshape(-1, 48)


@pytest.mark.slow
def test_the_order_of_a_library_s_statements_does_not_count() -> None:
    """Protects: a checkpoint keeps its program where a version of a library computes keys before
    queries, or something that nothing reads, as versions of transformers did."""
    torch.manual_seed(0)
    models = [Attention(order, idle=idle) for order, idle in
              (("qkv", False), ("kvq", False), ("vqk", True))]  # fmt: skip
    for model in models:
        model.load_state_dict(models[0].state_dict())
    texts = {program_of(model.eval(), model, 4).text for model in models}
    assert len(texts) == 1


def drawn(choices: random.Random) -> dict[str, Any]:
    """A program of additions of earlier values and constants, all with one shape."""
    builder = Builder((Dim(1, batch=True), Dim(2)))
    values: list[Reference] = [builder.input]
    for _ in range(choices.randint(1, 12)):
        pair = [builder.constant(np.full((1, 2), choices.randint(0, 3), np.float32))
                if choices.random() < 0.3 else choices.choice(values) for _ in "ab"]  # fmt: skip
        inputs = dict(zip("ab", pair, strict=True))
        values.append(builder.operation("add", inputs, builder.input.shape))
    return builder.document(values[-1])


def shuffled(document: dict[str, Any], choices: random.Random) -> dict[str, Any]:
    """The program with its operations in another order that has each before its readers, and its
    constants in any order."""
    old = document["operations"]
    places: list[int] = []
    while len(places) < len(old):
        ready = [
            place
            for place, operation in enumerate(old)
            if place not in places
            and all(int(name[1:]) in places for name in operation["inputs"].values()
                    if name.startswith("v"))
        ]  # fmt: skip
        places.append(choices.choice(ready))
    constants = choices.sample(range(len(document["constants"])), len(document["constants"]))
    names = {f"v{place}": f"v{number}" for number, place in enumerate(places)}
    names |= {f"c{place}": f"c{number}" for number, place in enumerate(constants)}
    names["input"] = "input"
    return {
        **document,
        "constants": [document["constants"][place] for place in constants],
        "operations": [
            {**old[place], "inputs": {k: names[v] for k, v in old[place]["inputs"].items()}}
            for place in places
        ],
        "output": names[document["output"]],
    }


@given(st.randoms(use_true_random=False))
def test_every_order_of_the_same_operations_gives_one_document(choices: random.Random) -> None:
    """Protects: the order that comes out depends on no order that went in; each operation stands
    before its readers, and neither an operation nor a constant stands without one."""
    document = drawn(choices)
    found = ordered(document)
    assert ordered(shuffled(document, choices)) == found
    assert ordered(found) == found
    read = [name for operation in found["operations"] for name in operation["inputs"].values()]
    assert {f"v{place}" for place in range(len(found["operations"]))} == {
        name for name in [*read, found["output"]] if name.startswith("v")
    }
    for place, operation in enumerate(found["operations"]):
        for name in operation["inputs"].values():
            assert not name.startswith("v") or int(name[1:]) < place
    constants = {name for name in read if name.startswith("c")}
    assert constants == {f"c{place}" for place in range(len(found["constants"]))}


def test_every_input_of_the_specification_has_its_place() -> None:
    """Protects: an operation with an input that is not in the list would end the making of a
    program."""
    text = (spec_root() / "SPEC.md").read_text()
    (table,) = re.findall(r"\n\| operation \| inputs .*\n\|[-|]+\n((?:\|.*\n)+)", text)
    cells = [line.split("|")[2] for line in table.splitlines()]
    names = {name for cell in cells for name in re.findall(r"\w+", cell)}
    assert len(cells) >= 18
    assert names == set(INPUTS)
