"""Files of models, and the folders of their results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.errors import UsageError
from biobench.run.model_list import (
    ListedModel,
    list_models,
    options_of_models,
    read_models,
)
from biobench.run.options import Options

ENTRIES = [
    "demo",
    {"model": "hf:google/siglip2-large", "revision": "v1"},
    {"model": "timm:./x.safetensors", "arch": "vit_tiny_patch16_224", "precision": "float16"},
]
LISTED = [
    ListedModel("demo"),
    ListedModel("hf:google/siglip2-large@v1"),
    ListedModel("timm:./x.safetensors#vit_tiny_patch16_224", "float16"),
]


def test_lines_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    """Protects the three spellings; comments and empty lines do not count in the first."""
    lines = tmp_path / "models.txt"
    lines.write_text(
        "# ours\n\ndemo\nhf:google/siglip2-large@v1\n timm:./x.safetensors#vit_tiny_patch16_224 \n"
    )
    assert [m.name for m in read_models(lines)] == [m.name for m in LISTED]
    (tmp_path / "models.json").write_text(json.dumps(ENTRIES))
    assert read_models(tmp_path / "models.json") == LISTED
    (tmp_path / "models.yaml").write_text(
        "- demo\n- {model: 'hf:google/siglip2-large', revision: v1}\n"
        "- model: timm:./x.safetensors\n  arch: vit_tiny_patch16_224\n  precision: float16\n"
    )
    assert read_models(tmp_path / "models.yaml") == LISTED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "models.yaml: "),
        ("[]", "names no model"),
        ("models: [demo]", "is not a list"),
        ("- [demo]", "entry 1 is neither"),
        ("- demo\n- {arch: x}", "entry 2 is neither"),
        ("- {model: demo, revison: v1}", "the key 'revison'; its keys are model, revision, arch"),
        ("- {model: demo, precision: int8}", "precision of entry 1 is 'int8'"),
        ("- {model: 'hf:a/b', revision: 12}", "revision of entry 1 must be text"),
        ("- {model: 'hf:a/b@v1', revision: v2}", "has a revision already"),
        ("- {model: 'timm:./x', revision: v2}", "is local"),
        ("- {model: demo, arch: x}", "belongs to a local file"),
        ("- &a demo\n- *a", "anchors"),
        ("{", "models.yaml"),
    ],
)
def test_a_file_that_is_no_list_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    """Protects from a typing error that scores another model than was meant."""
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_models(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text."""
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    for name in ("missing.txt", ".", "binary.txt"):
        with pytest.raises(UsageError, match="--models"):
            read_models(tmp_path / name)


def test_an_architecture_belongs_to_one_model(tmp_path: Path) -> None:
    """Protects --arch from being applied to a model that it was not meant for."""
    assert list_models(["timm:./x.pt"], None, "vit") == ([ListedModel("timm:./x.pt#vit")], False)
    assert list_models(["a", "b"], None, None)[1]
    for names, file in ((["a", "b"], None), (["a"], tmp_path / "models.txt"), ([], tmp_path)):
        with pytest.raises(UsageError, match="one --model"):
            list_models(names, file, "vit")
    with pytest.raises(UsageError, match="no model"):
        list_models([], None, None)


def test_a_model_given_twice_runs_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says so; another precision is another run."""
    options = Options(model="demo", out=Path("out"))
    listed = [*LISTED, ListedModel("demo", "float32"), ListedModel("demo", "float16")]
    made = options_of_models(options, listed)
    assert capsys.readouterr().err.count("runs once") == 1
    assert [(one.model, one.precision, one.folder) for one in made] == [
        ("demo", "float32", "demo"),
        ("hf:google/siglip2-large@v1", "float32", "hf-google-siglip2-large-v1"),
        (
            "timm:./x.safetensors#vit_tiny_patch16_224", "float16",
            "timm-x.safetensors-vit_tiny_patch16_224-float16",
        ),
        ("demo", "float16", "demo-float16"),
    ]  # fmt: skip


@given(st.lists(st.text(st.sampled_from("aB/:.-_~#@é"), min_size=1, max_size=6), min_size=1))
def test_no_two_models_share_a_folder(names: list[str]) -> None:
    """Whatever names are called, also where a file system does not tell a from A."""
    options = Options(model="demo", out=Path("out"), quiet=True)
    made = options_of_models(options, [ListedModel(name) for name in names])
    folders = [str(one.folder).lower() for one in made]
    assert len(set(folders)) == len(folders) == len(set(names))
    assert all(folder and "/" not in folder and folder not in (".", "..") for folder in folders)
