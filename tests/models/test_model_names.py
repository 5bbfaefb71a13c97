"""Model names: every form, and what a wrong one says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.errors import ModelError
from biobench.models.local_paths import is_path, local_folder
from biobench.models.names import parse_name
from biobench.models.unknown_names import near_names
from biobench.spec.documents import ModelEntry

ENTRIES = {
    "hf:google/siglip2-large": ModelEntry(
        "hf:google/siglip2-large", "hf:google/siglip2-large-patch16-256", None, None, ()
    ),
    "bioclip": ModelEntry("bioclip", "open_clip:hf-hub:imageomics/bioclip", "abc", "MIT", ()),
    "demo": ModelEntry("demo", "timm:tf_efficientnet_lite0", "0.1.0", "Apache-2.0", ()),
}


@pytest.mark.parametrize(
    ("name", "loader", "target", "kind", "revision"),
    [
        ("hf:facebook/dinov2-small", "hf", "facebook/dinov2-small", "hub", None),
        ("hf:o/n@0123abc", "hf", "o/n", "hub", "0123abc"),
        ("hf:o/n@refs/pr/1", "hf", "o/n", "hub", "refs/pr/1"),
        ("hf:./folder", "hf", "./folder", "folder", None),
        ("hf:/models/x@y", "hf", "/models/x@y", "folder", None),
        ("open_clip:ViT-B-32/openai", "open_clip", "ViT-B-32/openai", "registry", None),
        ("open_clip:hf-hub:o/n@r", "open_clip", "o/n", "hub", "r"),
        ("open_clip:../x", "open_clip", "../x", "folder", None),
        ("timm:resnet50.a1_in1k", "timm", "resnet50.a1_in1k", "registry", None),
        ("timm:hf-hub:timm/x", "timm", "timm/x", "hub", None),
        ("timm:~/x", "timm", "~/x", "folder", None),
        ("py:a.b:C.D", "py", "a.b:C.D", "class", None),
        ("demo", "demo", "demo", "registry", None),
        ("bioclip", "open_clip", "imageomics/bioclip", "hub", "abc"),
        ("hf:google/siglip2-large", "hf", "google/siglip2-large-patch16-256", "hub", None),
        ("hf:google/siglip2-large@r", "hf", "google/siglip2-large-patch16-256", "hub", "r"),
        ("bioclip@r", "open_clip", "imageomics/bioclip", "hub", "r"),
        ("open_clip:ViT-B-32/openai@r", "open_clip", "ViT-B-32/openai", "registry", "r"),
        ("timm:resnet50.a1_in1k@r", "timm", "resnet50.a1_in1k", "registry", "r"),
    ],
)
def test_every_form(name: str, loader: str, target: str, kind: str, revision: str | None) -> None:
    """Protects the command line's contract of names."""
    parsed = parse_name(name, ENTRIES)
    assert (parsed.loader, parsed.target, parsed.kind, parsed.revision) == (
        loader, target, kind, revision
    )  # fmt: skip
    assert parsed.given == name


def test_the_resolved_name_goes_on() -> None:
    """Protects the result's provenance: a short name is recorded with what it stood for."""
    assert parse_name("hf:google/siglip2-large", ENTRIES).resolved == (
        "hf:google/siglip2-large-patch16-256"
    )
    assert parse_name("demo", {}).resolved == "timm:tf_efficientnet_lite0"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("demmo", "did you mean demo"),
        ("bioclp", "bioclip"),
        ("resnet50d", "timm:resnet50d"),
        ("vit-b-32", "open_clip:ViT-B-32/"),
        ("tim:resnet50", "did you mean timm:resnet50"),
        ("nothing:like-it", "use hf:REPO"),
        ("hf:", "nothing follows the prefix"),
        ("hf:a/b/c", "not a repository name"),
        ("hf:a b", "not a repository name"),
        ("hf:a/b@", "not a repository name"),
        ("bioclip@", "nothing follows the @"),
        ("timm:resnet50@", "nothing follows the @"),
        ("demo@1", "unknown model name"),
        ("hf:a/b c@d", "hf:./folder"),
        ("open_clip:ViT-B-32", "open_clip:ARCH/TAG"),
        ("py:module", "py:package.module:Class"),
        ("py:mod-ule:Class", "py:package.module:Class"),
        ("./folder", "write hf:./folder"),
        ("qqqqzzzz", "use hf:REPO"),
    ],
)
def test_a_wrong_name_says_what_to_do(name: str, says: str) -> None:
    """Protects the user: one line, exit 5, near names."""
    with pytest.raises(ModelError) as caught:
        parse_name(name, ENTRIES)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("closed", ["model", "config.json"])
def test_a_folder_of_another_user_is_one_line(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's user is seldom the owner of what is mounted. A link to nothing is no matter."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "dangling").symlink_to("nowhere")
    name = parse_name(f"hf:{folder}", {})
    assert local_folder(name.target, name.loader) == folder
    # Root, who may run this, can read everything.
    monkeypatch.setattr(
        os, "access", lambda path, mode: os.path.exists(path) and Path(path).name != closed
    )
    with pytest.raises(ModelError, match=r"cannot be read by this user.*chmod") as caught:
        local_folder(name.target, name.loader)
    assert Path(str(caught.value.where)).name == closed


@given(st.text(max_size=30))
def test_no_other_error_escapes(text: str) -> None:
    """Protects from tracebacks: any text parses or gives a ModelError. The prefix keeps the
    frameworks' lists, which are slow to search, out of it."""
    try:
        parsed = parse_name(f"hf:{text}", ENTRIES)
    except ModelError:
        return
    assert parsed.kind in ("hub", "folder")
    assert (parsed.kind == "folder") == is_path(text)


def test_near_names_ignore_case_and_keep_an_order() -> None:
    """Protects suggestions from depending on the order of a set."""
    names = {"ViT-B-32", "ViT-B-16", "RN50"}
    assert near_names("vit-b-32", names) == ["ViT-B-32", "ViT-B-16"]
