"""`onnx:FILE`: a file of somebody else is a model by its operators, or is refused in one line."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from biobench.errors import ModelError
from biobench.models.load import load_model
from biobench.models.program import memory
from biobench.models.program_folder import export
from biobench.models.program_model import ProgramBackbone
from onnx_files import RECIPE, SIDE, small_model, written


def loaded(name: str) -> ProgramBackbone:
    found = load_model(name, {})
    assert isinstance(found, ProgramBackbone)
    return found


def refused(name: str) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(name, {})
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_code == 5
    return text


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 3, SIDE, SIDE)).astype(np.float32)


def test_a_file_is_a_model(tmp_path: Path) -> None:
    """Name, width, digests and recipe are there, and the features are those of the definition."""
    model = loaded(written(tmp_path, small_model()))
    info = model.info
    assert (info.name, info.resolved, info.source) == ("onnx:./small.onnx",) * 2 + ("local",)
    assert (info.dim, info.parameters, info.pinned) == (5, 8 * 3 * 16 + 40 + 5, False)
    assert info.program == model.program.digest != info.weights
    assert model.recipe.crop == (SIDE, SIDE)
    batch = images(3)
    weights = {x.name: numpy_helper.to_array(x) for x in small_model().graph.initializer}
    patches = batch.reshape(3, 3, SIDE // 4, 4, SIDE // 4, 4)
    maps = np.einsum("ncyixj,ocij->noyx", patches, weights["stem"])
    expected = np.maximum(maps, 0).mean(axis=(2, 3)) @ weights["head"].T + weights["shift"]
    found = model.run(batch)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.run(batch[1:2])[0], found[1])


def test_other_weights_are_another_model(tmp_path: Path) -> None:
    """The digest of the weights is of names, types, shapes and elements, wherever they lie."""
    one = loaded(written(tmp_path, small_model())).info
    shift = {"shift": np.ones(5, np.float32)}
    other = loaded(written(tmp_path, small_model(weights=shift), name="other")).info
    assert one.weights != other.weights
    assert one.program != other.program
    assert loaded(written(tmp_path, external(), name="beside")).info.weights == one.weights


def external(location: str = "small.data", **stated: int) -> Any:
    """The small model with a tensor in a file beside it, which is not written here."""
    model = small_model()
    for tensor in model.graph.initializer:
        if tensor.name == "head":
            set_external_data(tensor, location, **stated)
            tensor.ClearField("raw_data")
    return model


@pytest.fixture(autouse=True)
def _data(tmp_path: Path) -> None:
    """Write the file of data that :func:`external` names."""
    (head,) = (x for x in small_model().graph.initializer if x.name == "head")
    (tmp_path / "small.data").write_bytes(head.raw_data)


@pytest.mark.parametrize("location", ["../x.data", "/etc/passwd", "a/../../x", "link.data", ""])
def test_data_outside_the_folder_is_refused(tmp_path: Path, location: str) -> None:
    """By its name and by a link, so that no file of the user's becomes weights."""
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "link.data").symlink_to(tmp_path / "small.data")
    assert "outside its folder" in refused(written(folder, external(location)))


@pytest.mark.parametrize("name", ["model.onnx", "./model.onnx"])
def test_a_bare_file_has_a_hint(name: str) -> None:
    """The name of a file without its loader is answered with the whole name."""
    assert f"did you mean onnx:{name}?" in refused(name)


def test_damaged_data(tmp_path: Path) -> None:
    """A file that is not there, or shorter than what is named."""
    assert "not there" in refused(written(tmp_path, external("gone.data")))
    assert "which has 160" in refused(written(tmp_path, external(offset=100, length=160)))
    assert "is damaged" in refused(written(tmp_path, external(length=12)))


def test_a_batch_of_one_becomes_any(tmp_path: Path) -> None:
    """A file that states one image gives the program of one that states any."""
    one, any_number = (
        loaded(written(tmp_path, small_model(batch=batch), name=name)).program.digest
        for batch, name in ((1, "one"), ("n", "any"))
    )
    assert one == any_number
    assert "fixed batch of 4" in refused(written(tmp_path, small_model(batch=4)))


@pytest.mark.parametrize(
    ("target", "batch"), [((-1, 5), "n"), ((-1, 5), 1), ((1, 5), 1), ((0, -1), "n"), ((1, -1), 1)]
)
def test_sizes_that_mean_the_batch(tmp_path: Path, target: tuple[int, ...], batch: Any) -> None:
    """A reshape keeps each image's numbers in its row."""
    shape = helper.make_node("Reshape", ["features", "to"], ["end"], "again")
    made = small_model(
        batch=batch, extra=[shape], output="end", weights={"to": np.array(target, np.int64)}
    )
    plain = loaded(written(tmp_path, small_model(), name="plain"))
    np.testing.assert_array_equal(
        loaded(written(tmp_path, made)).run(images(3)), plain.run(images(3))
    )


def after(
    op: str, *constants: Any, batch: Any = "n", opset: int = 17, domain: str = "", **attributes: Any
) -> Any:
    """The small model with one node more; constants are its further inputs."""
    names = [f"k{i}" for i in range(len(constants))]
    node = helper.make_node(op, ["features", *names], ["end"], "last", domain=domain, **attributes)
    weights = {name: np.array(x) for name, x in zip(names, constants, strict=True)}
    return small_model(batch=batch, opset=opset, extra=[node], output="end", weights=weights)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: after("Sin"), "node 'last' (Sin): the exact engine lacks this operator"),
        (lambda: after("Softmax", axis=0), "over the batch"),
        (lambda: after("ReduceMean", axes=[0]), "over the batch"),
        (lambda: after("Reshape", [1, 5]), "a fixed batch"),
        (lambda: after("Gather", 0, axis=0), "a part of the batch"),
        (lambda: after("Gather", 0, axis=0, batch=1), "a part of the batch"),
        (lambda: after("Transpose", perm=[1, 0]), "an output of shape (5, b)"),
        (lambda: after("Unsqueeze", [0]), "an output of shape (1, b, 5)"),
        (lambda: after("Tile", [1, 1 << 30]), "a constant of 5,368,709,120 numbers"),
        (lambda: after("Expand", [1 << 30, 1, 5]), "and 2^31 are too many"),
        (lambda: after("Split", axis=1, num_outputs=1 << 40, opset=18), "another number of parts"),
        (lambda: after("Gelu", domain="com.microsoft"), "not one of ONNX's own"),
        (lambda: after("Reshape", [5, -1]), "a shape that mixes images"),
        (lambda: after("Relu", alpha=1.0), "the attribute 'alpha'"),
        (lambda: after("Add", np.ones(7, np.float32)), "cannot be broadcast"),
        (lambda: small_model(opset=7), "has version 7 of ONNX's operators; 11 to"),
        (lambda: small_model(opset=99), "has version 99"),
        (lambda: small_model(image=[SIDE, SIDE, 3]), "not (batch, 3, rows, columns)"),
        (lambda: small_model(image=[3, 64, 64]), "its recipe gives 32 x 32"),
        (lambda: small_model(output="pooled"), "an output of shape (b, 8, 1, 1)"),
        (lambda: small_model(output="nowhere"), "does not depend on the images"),
    ],
)
def test_what_is_not_carried_is_named(tmp_path: Path, model: Any, words: str) -> None:
    """In one line with exit 5, and never by other numbers."""
    assert words in refused(written(tmp_path, model()))


def test_constants_take_no_memory_that_the_file_does_not_have(tmp_path: Path) -> None:
    """A few bytes can ask for a table of any size."""
    huge = np.array([1 << 20, 1 << 20], np.int64)
    nodes = [
        helper.make_node("ConstantOfShape", ["sizes"], ["zeros"], "table"),
        helper.make_node("Add", ["features", "zeros"], ["end"], "sum"),
    ]
    model = small_model(extra=nodes, output="end", weights={"sizes": huge})
    assert "far more memory than the file has bytes" in refused(written(tmp_path, model))


def test_memory_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model larger than the machine is refused before it is read."""
    name = written(tmp_path, small_model())
    size = (tmp_path / "small.onnx").stat().st_size
    for few, purpose in ((size - 1, "to be read"), (size, "for its weights")):
        monkeypatch.setattr(memory, "available_memory", lambda few=few: few)
        assert f" MiB {purpose}" in refused(name)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_broken_weights_are_named(tmp_path: Path, number: float) -> None:
    """Attention and maxima can hide a NaN."""
    broken = {"stem": np.full((8, 3, 4, 4), number, np.float32)}
    assert "tensor 'stem' holds NaN or infinity" in refused(
        written(tmp_path, small_model(weights=broken))
    )


def test_a_recipe_is_needed(tmp_path: Path) -> None:
    """The message says what to write, and that is a recipe."""
    text = refused(written(tmp_path, small_model(), None))
    assert "write small.recipe.json beside it, such as {" in text
    example = json.loads(text[text.index("{") : text.index("}") + 1])
    (tmp_path / "small.recipe.yaml").write_text(json.dumps({**example, "size": 40, "crop": SIDE}))
    assert loaded(f"onnx:{tmp_path}/small.onnx").recipe.size == (40, 40)
    written(tmp_path, small_model())
    assert "has two recipes" in refused(f"onnx:{tmp_path}/small.onnx")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mean": None}, "mean must be three numbers"),
        ({"size": 0}, "sides from 1"),
        ({"size": [32, 40]}, "takes one size"),
        ({"crop": "32"}, "crop must be a number of pixels"),
        ({"mode": "fit"}, "mode must be one of"),
        ({"filter": "cubic"}, "filter must be one of"),
        ({"std": [0, 0, 0]}, "std must be above 0"),
        ({"std": [0.2, -0.3, 0.4]}, "std must be above 0"),
        ({"std": 1e-60}, "not finite"),
        ({"mean": 10**400}, "beyond 2^53 - 1"),
        ({"mean": 1e60}, "not finite"),
        ({"pad": [0, 0, 256]}, "pad must be"),
        ({"resample": "bicubic"}, "unknown member 'resample'"),
        ({"digest": "sha256:0"}, "another recipe"),
        ({"output": "nothing"}, "has no output 'nothing': features"),
    ],
)
def test_a_wrong_recipe_is_explained(tmp_path: Path, change: Any, words: str) -> None:
    """By its member."""
    assert words in refused(written(tmp_path, small_model(), {**RECIPE, **change}))


@pytest.mark.parametrize("suffix", ["json", "yaml"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"size": 32, "size": 64}', "size"),
        ('{"mean": ' + "9" * 400 + "}", "9"),
        ('{"mean": .inf}', ""),
        ("[" * 100_000, ""),
        ("{", ""),
        ("[1]", "is not an object"),
    ],
)
def test_a_damaged_recipe_is_one_line(tmp_path: Path, suffix: str, text: str, words: str) -> None:
    """No member is taken for another of its name, and no number passes the range of float64."""
    name = written(tmp_path, small_model(), None)
    (tmp_path / f"small.recipe.{suffix}").write_text(text)
    line = refused(name)
    assert f"small.recipe.{suffix}" in line
    assert words in line
    assert "has no mode" not in line


def test_a_recipe_that_was_printed_is_one(tmp_path: Path) -> None:
    """A recipe as `models show` prints it can be copied beside a file."""
    shown = loaded(written(tmp_path, small_model())).recipe
    again = loaded(written(tmp_path, small_model(), shown.document(), name="again")).recipe
    assert again == shown


@pytest.mark.parametrize("data", [b"", b"\x08", b"not a model", b"\xff" * 100])
def test_another_file(tmp_path: Path, data: bytes) -> None:
    """A file that is no ONNX file gives an error of one line."""
    name = written(tmp_path, small_model())
    (tmp_path / "small.onnx").write_bytes(data)
    assert "ONNX file" in refused(name)


def test_damage_is_refused(tmp_path: Path) -> None:
    """Any byte of a file may be another one: it is a model still, or a ModelError."""
    name = written(tmp_path, small_model())
    path = tmp_path / "small.onnx"
    whole = path.read_bytes()
    draw = np.random.default_rng(2)
    for _ in range(300):
        data = bytearray(whole)
        place = int(draw.integers(len(data) - 2200, len(data)))
        data[place] = int(draw.integers(256))
        path.write_bytes(bytes(data))
        with suppress(ModelError):
            load_model(name, {})


def test_the_library_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it one line says what to install."""
    name = written(tmp_path, small_model())
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "onnx is not installed; pip install 'biobench[onnx]'" in refused(name)


def test_several_outputs(tmp_path: Path) -> None:
    """The recipe names the one that is taken."""
    model = small_model()
    model.graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["n", 8]))
    assert "has several outputs: features, flat" in refused(written(tmp_path, model))
    assert loaded(written(tmp_path, model, {**RECIPE, "output": "flat"})).info.dim == 8


def test_it_is_exported_as_a_program(tmp_path: Path) -> None:
    """`models export` gives a folder whose program has the same digest and features."""
    model = loaded(written(tmp_path, small_model()))
    export(model, tmp_path / "program")
    again = loaded(f"program:{tmp_path}/program")
    assert again.program.digest == model.program.digest
    assert again.recipe == model.recipe
    np.testing.assert_array_equal(again.run(images(2)), model.run(images(2)))


def test_the_program_is_of_the_engine(tmp_path: Path) -> None:
    """The operations are those of the file in their order; none is fused or left out."""
    text = loaded(written(tmp_path, small_model())).program.text
    operations = [entry["operation"] for entry in json.loads(text)["operations"]]
    assert [x for x in operations if x not in ("permute", "reshape")] == [
        "conv2d", "relu", "mean", "linear",
    ]  # fmt: skip


def test_a_name_of_two_values_is_refused(tmp_path: Path) -> None:
    """Readers would choose different ones; a file that onnx.checker refuses, too."""
    model = small_model()
    first = model.graph.node[0]
    model.graph.node.insert(1, helper.make_node("Neg", [first.output[0]], [first.output[0]]))
    assert "makes two values of the name" in refused(written(tmp_path, model))
