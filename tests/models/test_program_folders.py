"""A program folder that cannot be run is refused in one line before the first image is read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from biobench.cli import execute
from biobench.decode.recipe import Recipe
from biobench.models.program_folder import CONSTANTS, MODEL, PROGRAM


class Folder:
    """The parts of a program folder under change, and the folder that they make.

    Attributes:
        program: The document.
        model: The document beside it.
        constants: By their digests, as bytes.
    """

    def __init__(self, source: Path) -> None:
        self.program: dict[str, Any] = json.loads((source / PROGRAM).read_text())
        self.model: dict[str, Any] = json.loads((source / MODEL).read_text())
        self.constants = load_file(source / CONSTANTS)

    def numbers(self, place: int) -> np.ndarray:
        entry = self.program["constants"][place]
        return self.constants[entry["digest"]].view("<f4").reshape(entry["shape"]).copy()

    def put(self, place: int, numbers: np.ndarray) -> None:
        """Put a constant in the place of another."""
        data = numbers.astype("<f4").tobytes()
        digest = _digest(data)
        self.constants[digest] = np.frombuffer(data, np.uint8)
        entry = {"digest": digest, "shape": list(numbers.shape), "type": "float32"}
        self.program["constants"][place] = entry

    def add(self, operation: str, shape: list[Any], attributes: Any = None, **inputs: Any) -> None:
        """Add an operation, whose value is the output."""
        operations = self.program["operations"]
        entry = {"operation": operation, "inputs": inputs, "shape": shape}
        operations.append({**entry, "attributes": attributes or {}})
        self.program["output"] = f"v{len(operations) - 1}"

    def write(self, folder: Path) -> str:
        """The name of the model."""
        folder.mkdir()
        text = json.dumps(self.program, sort_keys=True, separators=(",", ":"))
        self.model["program"] = _digest(text.encode())
        (folder / PROGRAM).write_text(text)
        (folder / MODEL).write_text(json.dumps(self.model))
        save_file(self.constants, folder / CONSTANTS)
        return f"program:{folder}"


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def lacks_an_operation(folder: Folder) -> None:
    folder.program["operations"][2]["operation"] = "sort"


def nan_that_no_feature_shows(folder: Folder) -> None:
    weight, bias = folder.numbers(1), folder.numbers(2)
    folder.put(1, np.concatenate([weight, np.full((1, 32), np.nan)]))
    folder.put(2, np.append(bias, 0))
    folder.program["operations"][-1]["shape"] = ["b", 33]
    folder.add("slice", ["b", 32], {"axis": 1, "start": 0, "end": 32, "step": 1}, x="v6")


def more_constants_than_memory(folder: Folder) -> None:
    """One of 16 MiB, which each of a hundred thousand operations packs."""
    folder.put(1, np.zeros((1 << 17, 32)))
    folder.program["operations"].pop()
    for _ in range(100_000):
        folder.add("linear", ["b", 1 << 17], x="v5", weight="c1")


def larger_values_than_memory(folder: Folder) -> None:
    """Three hundred of almost 8 GiB each, which are there at once."""
    large = ["b", 60_000_000, 32]
    folder.program["operations"].pop()
    folder.add("reshape", ["b", 1, 32], x="v5")
    for _ in range(300):
        folder.add("expand", large, x="v6")
    folder.add("add", large, a="v7", b="v8")
    for place in range(9, 307):
        folder.add("add", large, a=folder.program["output"], b=f"v{place}")
    folder.add("mean", ["b", 32], {"axes": [1]}, x=folder.program["output"])


def _crop(folder: Folder, side: int) -> None:
    recipe = folder.model["recipe"]
    recipe["size"] = recipe["crop"] = [side, side]
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in recipe.items()}
    del fields["digest"]
    table = folder.constants["table"].tobytes()
    recipe["digest"] = Recipe(**fields, table_bytes=table).digest


def images_of_another_size(folder: Folder) -> None:
    _crop(folder, 36)


def images_that_no_run_has(folder: Folder) -> None:
    """Which no memory holds, either."""
    _crop(folder, 1_000_000)


def values_that_are_no_list(folder: Folder) -> None:
    folder.program["output"] = "v1"


def _stated(member: str, value: Any) -> Callable[[Folder], None]:
    """Puts a value of the model that no digest covers."""

    def change(folder: Folder) -> None:
        folder.model["model"][member] = value

    return change


def _of_recipe(member: str, value: Any) -> Callable[[Folder], None]:
    """Puts a value of the recipe, whose digest follows."""

    def change(folder: Folder) -> None:
        recipe = folder.model["recipe"]
        recipe[member] = value
        fields = {key: tuple(v) if isinstance(v, list) else v for key, v in recipe.items()}
        del fields["digest"]
        table = folder.constants["table"].tobytes()
        recipe["digest"] = Recipe(**fields, table_bytes=table).digest

    return change


def no_recipe(folder: Folder) -> None:
    folder.model["recipe"] = 5


def a_table_with_infinity(folder: Folder) -> None:
    table = folder.constants["table"].view("<f4").copy()
    table[7] = np.inf
    folder.constants["table"] = np.frombuffer(table.tobytes(), np.uint8)
    _of_recipe("pad", [0, 0, 0])(folder)


OTHER_TABLE = "mean and std in model.json are not those of the value table"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (values_that_are_no_list, "gives 3 dimensions for each image, not a list of features"),
        (_stated("parameters", "x"), 'model.json /model/parameters: "x" is not an integer'),
        (_stated("parameters", -5), "model.json /model/parameters: "),
        (_stated("licence", ["a"]), "model.json /model/licence: "),
        (_stated("feature", {"a": 1}), "model.json /model/feature: "),
        (_stated("other", 1), "model.json /model/other: unknown key"),
        (no_recipe, "model.json /recipe: 5 is not a mapping"),
        (_of_recipe("size", [32.5, 32]), "model.json /recipe/size/0: 32.5 is not an integer"),
        (_of_recipe("size", [True, 32]), "model.json /recipe/size/0: true is not an integer"),
        (_of_recipe("pad", [300, 0, 0]), "model.json /recipe/pad/0: "),
        (_of_recipe("mode", "zzz"), "model.json /recipe/mode: "),
        (_of_recipe("filter", "zzz"), "model.json /recipe/filter: "),
        (_of_recipe("mean", [0.4]), "model.json /recipe/mean: "),
        (_of_recipe("mean", [0.4, 0.5, 0.5]), OTHER_TABLE),
        (_of_recipe("mean", [float("nan")] * 3), OTHER_TABLE),
        (_of_recipe("std", [0, 0, 0]), OTHER_TABLE),
        (_of_recipe("std", [0.5, 0.5, 0.4]), OTHER_TABLE),
        (a_table_with_infinity, "the value table holds a number that is not finite"),
        (lacks_an_operation, r'program, operation 2 \(sort\): no operation is called "sort"'),
        (nan_that_no_feature_shows, "constant c1 holds NaN"),
        (more_constants_than_memory, r"needs [0-9,]+ MiB for its constants, and [0-9,]+ MiB are"),
        (larger_values_than_memory, r"needs [0-9,]+ MiB for one image, and [0-9,]+ MiB are free"),
        (images_that_no_run_has, "its recipe has other sides than from 1 to 4096"),
        (images_of_another_size, "its program is for images of another size than its recipe"),
    ],
)
def test_a_bad_folder_is_one_line(
    change: Callable[[Folder], None],
    line: str,
    small_program: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Protects: what can be known of a program before the first image is said then, in one line,
    and nothing is asked of the memory that it does not have."""
    folder = Folder(Path(small_program.removeprefix("program:")))
    change(folder)
    name = folder.write(tmp_path / "bad")
    out = tmp_path / "out"
    options = ["--task", "demo-plankton", "--out", str(out), "--store", str(tmp_path / "store")]
    assert execute(["run", "--model", name, *options]) == 5
    printed = capsys.readouterr().err
    assert re.fullmatch(f"biobench: .*bad: {line}.*; .*\n", printed), printed
    assert not out.exists()
