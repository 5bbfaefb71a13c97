"""Class folders: which images there are, and what is said of a folder of another form."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biobench.data.class_folders.copies import copies
from biobench.data.class_folders.listing import list_images
from biobench.errors import BiobenchError, DataError


def fill(root: Path, *paths: str) -> Path:
    """Files of different content at these paths."""
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.encode())
    return root


def refused(root: Path) -> str:
    with pytest.raises(DataError) as error:
        list_images(root)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_first_folder_is_the_class(tmp_path: Path) -> None:
    """Protects: images lie at any depth below the folder of their class."""
    root = fill(tmp_path, "fox/site-1/day/b.JPG", "fox/a.png", "hare/c.jpeg")
    found = list_images(root)
    assert [(image.path, image.label, image.split) for image in found.images] == [
        ("fox/a.png", "fox", None),
        ("fox/site-1/day/b.JPG", "fox", None),
        ("hare/c.jpeg", "hare", None),
    ]
    assert not found.split
    assert found.notes == ()


@pytest.mark.parametrize("test", ["val", "Test", "valid", "validation"])
def test_a_folder_that_is_already_split(tmp_path: Path, test: str) -> None:
    """Protects: train/ is learnt from and the other side scored, with classes below each."""
    root = fill(tmp_path, "train/fox/a.jpg", "train/hare/b.jpg", f"{test}/fox/c.jpg")
    found = list_images(root)
    assert found.split
    assert {(image.label, image.split) for image in found.images} == {
        ("fox", "train"),
        ("hare", "train"),
        ("fox", "test"),
    }


def test_of_test_and_val_the_test_is_scored(tmp_path: Path) -> None:
    """Protects: a third side is not used, and a note says so."""
    root = fill(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "test/a/4.jpg")
    found = list_images(root)
    assert "val/a/3.jpg" not in [image.path for image in found.images]
    assert found.notes == ("train/ is learnt from and test/ is scored; not used: val",)


def test_a_test_without_classes_is_no_side(tmp_path: Path) -> None:
    """Protects: unlabelled images in test/, as competitions give them, are not scored."""
    root = fill(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "test/4.jpg")
    assert [i.path for i in list_images(root).images if i.split == "test"] == ["val/a/3.jpg"]


def test_classes_may_be_called_train(tmp_path: Path) -> None:
    """Protects: folders of images are classes, whatever their names."""
    root = fill(tmp_path, "train/1.jpg", "test/2.jpg", "bus/3.jpg")
    found = list_images(root)
    assert not found.split
    assert [image.label for image in found.images] == ["bus", "test", "train"]


def test_what_file_managers_leave_is_ignored(tmp_path: Path) -> None:
    """Protects: neither hidden files nor those of file managers are images, classes or noted."""
    fill(tmp_path, "a/1.jpg", "b/2.jpg", ".DS_Store", "a/.DS_Store", "a/Thumbs.db", "a/._1.jpg")
    fill(tmp_path, "__MACOSX/a/._1.jpg", "a/desktop.ini", ".git/x.jpg")
    found = list_images(tmp_path)
    assert [image.path for image in found.images] == ["a/1.jpg", "b/2.jpg"]
    assert found.notes == ()


def test_other_files_are_counted(tmp_path: Path) -> None:
    """Protects: cameras' raw files, which are no items, are named with their number."""
    fill(tmp_path, "a/1.jpg", "b/2.jpg", "a/1.CR2", "b/2.cr2", "a/notes.txt")
    assert list_images(tmp_path).notes == ("3 files that are not images: .cr2 2, .txt 1",)
    for name in ("a/1.CR2", "b/2.cr2"):
        (tmp_path / name).unlink()
    assert list_images(tmp_path).notes == ("1 file that is not an image: .txt 1",)


def test_paths_that_differ_in_case_alone(tmp_path: Path) -> None:
    """Protects: a copy to a disk that ignores case would lose one, so a note names both."""
    fill(tmp_path, "a/X.jpg", "a/x.jpg", "b/2.jpg")
    (note,) = list_images(tmp_path).notes
    assert "a/X.jpg and a/x.jpg" in note


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["a/1.jpg"], "only one class (a) to learn from"),
        (["1.jpg", "2.png"], "no class folders: 2 images in the folder itself"),
        ([], "there is no image in it"),
        (["readme.txt"], "there is no image in it"),
        (["a/1.jpg", "b/2.jpg", "c/readme.txt"], "c: the class folder has no image"),
        (["a/1.jpg", "b/2.jpg", "3.jpg"], "3.jpg: the image lies outside of the class folders"),
        (["train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "val/2.jpg"], "val/2.jpg: the image"),
        (["train/a/1.jpg", "val/b/1.jpg"], "only one class (a) to learn from"),
        (["a/1.jpg", "b/x\\y.jpg"], "b/x\\y.jpg: a backslash in the name"),
    ],
)
def test_another_form_is_one_line(tmp_path: Path, paths: list[str], said: str) -> None:
    """Protects: each wrong folder is one line that says where and what to do."""
    assert said in refused(fill(tmp_path, *paths))


def test_a_missing_folder_and_a_file(tmp_path: Path) -> None:
    """Protects: a path that is no folder is named."""
    assert "the folder is missing" in refused(tmp_path / "none")
    fill(tmp_path, "a.jpg")
    assert "it is a file" in refused(tmp_path / "a.jpg")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    """Protects: a name that no table can hold is a fault and no traceback."""
    fill(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a" / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    assert "the name is not UTF-8" in refused(tmp_path)
    folder = tmp_path / os.fsdecode(b"\xfe")
    with pytest.raises(BiobenchError, match="bytes that are not UTF-8"):
        list_images(folder)


def test_links(tmp_path: Path) -> None:
    """Protects: links to folders are followed; those that lead to nothing or round are faults."""
    fill(tmp_path, "disk/fox/1.jpg", "photos/hare/2.jpg")
    root = tmp_path / "photos"
    (root / "fox").symlink_to("../disk/fox")
    assert [image.path for image in list_images(root).images] == ["fox/1.jpg", "hare/2.jpg"]
    (root / "hare/up").symlink_to("..")
    assert "a symbolic link loop" in refused(root)
    (root / "hare/up").unlink()
    (root / "hare/none.jpg").symlink_to("nothing")
    assert "the link leads to nothing" in refused(root)


def test_copies_are_found_by_content(tmp_path: Path) -> None:
    """Protects: equal bytes are found whatever the names; equal sizes and beginnings are not
    enough."""
    head = bytes(5000)
    for name, data in {
        "a/1": b"same",
        "b/2": b"same",
        "a/3": b"else",
        "a/4": head + b"x",
        "a/5": head + b"y",
        "b/6": head + b"y",
    }.items():
        fill(tmp_path, name)
        (tmp_path / name).write_bytes(data)
    paths = ["a/1", "a/3", "a/4", "a/5", "b/2", "b/6", "b/missing"]
    assert copies(tmp_path, paths, 2) == [["a/1", "b/2"], ["a/5", "b/6"]]
