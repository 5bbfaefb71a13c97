"""The image-folder layout: what is an item, what is ignored, and each fault's own message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from task_values import make_task, plant

from biobench.data.layouts import find_items
from biobench.data.manifest import Item
from biobench.errors import DataError, SpecError

GOOD = ("train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/b/4.jpg")


def items(root: Path) -> list[Item]:
    return find_items(root, make_task().dataset.layout, "train-test")


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        items(root)
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert "\n" not in message, "an error is one line"
    assert str(root) in message, "an error names the folder"
    return message


def test_an_item_is_known_by_its_path_and_its_class_folder(tmp_path: Path) -> None:
    """Ids, labels and splits come from the tree alone."""
    found = items(plant(tmp_path, *GOOD))
    assert sorted((i.id, i.path, i.label, i.split) for i in found) == [
        ("train/a/1.jpg", "train/a/1.jpg", "a", "train"),
        ("train/b/2.jpg", "train/b/2.jpg", "b", "train"),
        ("val/a/3.jpg", "val/a/3.jpg", "a", "test"),
        ("val/b/4.jpg", "val/b/4.jpg", "b", "test"),
    ]


def test_extensions_count_in_any_case_and_images_at_any_depth(tmp_path: Path) -> None:
    """Cameras write .JPG; some archives keep a folder more below the class."""
    plant(
        tmp_path, *GOOD, "train/a/x.JPG", "train/a/y.Jpeg", "train/a/z.PNG", "train/a/deep/er.png"
    )
    labels = {i.path: i.label for i in items(tmp_path)}
    for path in ("train/a/x.JPG", "train/a/y.Jpeg", "train/a/z.PNG", "train/a/deep/er.png"):
        assert labels[path] == "a"


def test_hidden_files_and_other_kinds_of_files_are_no_items(tmp_path: Path) -> None:
    """Files that a file manager, a notebook or an archive leaves behind change no manifest."""
    plant(tmp_path, *GOOD)
    before = items(tmp_path)
    plant(
        tmp_path, "train/.DS_Store", "train/a/.hidden.jpg", "train/.ipynb_checkpoints/1.jpg",
        "train/a/Thumbs.db", "train/readme.txt", "train/a/notes.csv", "other/a/9.jpg",
    )  # fmt: skip
    assert items(tmp_path) == before


def test_a_link_to_another_disk_is_followed(tmp_path: Path) -> None:
    """Class folders and files are often links to where the data really lie."""
    plant(tmp_path / "disk", "c/5.jpg", "loose.jpg")
    root = plant(tmp_path / "data", *GOOD)
    (root / "train" / "c").symlink_to(tmp_path / "disk" / "c")
    (root / "train" / "a" / "6.jpg").symlink_to(tmp_path / "disk" / "loose.jpg")
    paths = {i.path for i in items(root)}
    assert {"train/c/5.jpg", "train/a/6.jpg"} <= paths


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    """The first thing that goes wrong for a new user."""
    assert "the data folder is missing" in refusal(tmp_path / "nowhere")


def test_a_missing_split_folder_is_named(tmp_path: Path) -> None:
    """A half-unpacked data set never gives a score."""
    assert "val: the folder is missing" in refusal(plant(tmp_path, *GOOD[:2]))


def test_a_split_that_is_a_file_is_named(tmp_path: Path) -> None:
    """An archive that was not unpacked is no folder."""
    assert "val: a folder is expected" in refusal(plant(tmp_path, *GOOD[:2], "val"))


def test_a_class_folder_without_an_image_is_named(tmp_path: Path) -> None:
    """An empty class folder means lost files; in upstream's code it is an error too."""
    root = plant(tmp_path, *GOOD, "train/c/notes.txt")
    assert "train/c: the class folder has no image" in refusal(root)


def test_an_image_outside_a_class_folder_is_named(tmp_path: Path) -> None:
    """A flat folder of images has no labels."""
    assert "train/9.jpg: the image lies outside" in refusal(plant(tmp_path, *GOOD, "train/9.jpg"))


def test_an_image_of_another_format_is_not_dropped_in_silence(tmp_path: Path) -> None:
    """Leaving a .jp2 or .heic out would change the data set unseen."""
    message = refusal(plant(tmp_path, *GOOD, "val/a/scan.JP2", "val/b/phone.heic"))
    assert "2 faults" in message
    assert "val/a/scan.JP2: an image format that is not read" in message


def test_a_name_that_is_not_utf8_is_named_readably(tmp_path: Path) -> None:
    """Such a name has no place in a manifest and must not break the message either."""
    plant(tmp_path, *GOOD)
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/train/a/caf\xe9.jpg")).touch()
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    message = refusal(tmp_path)
    assert "the name is not UTF-8" in message
    message.encode("utf-8", "strict")


def test_a_link_loop_ends(tmp_path: Path) -> None:
    """A link to a parent folder would otherwise be walked for ever."""
    root = plant(tmp_path, *GOOD)
    (root / "train" / "a" / "up").symlink_to(root / "train")
    assert "train/a/up: a symbolic link loop" in refusal(root)


def test_two_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    """A loop over two folders is a loop too."""
    root = plant(tmp_path, *GOOD)
    (root / "train" / "a" / "x").symlink_to(root / "train" / "b")
    (root / "train" / "b" / "y").symlink_to(root / "train" / "a")
    assert "a symbolic link loop" in refusal(root)


def test_a_link_to_itself_and_a_dangling_link_are_named(tmp_path: Path) -> None:
    """A link that gives no image is a missing image."""
    root = plant(tmp_path, *GOOD)
    (root / "train" / "a" / "self.jpg").symlink_to("self.jpg")
    (root / "train" / "b" / "gone.jpg").symlink_to("/nowhere/gone.jpg")
    message = refusal(root)
    assert "train/a/self.jpg: the link cannot be followed" in message
    assert "train/b/gone.jpg: the link leads to nothing" in message


def test_a_message_lists_ten_faults_and_counts_all(tmp_path: Path) -> None:
    """A broken archive of thousands still gives one readable line; equal faults are one of ten."""
    base = plant(tmp_path, *GOOD, *(f"train/c{i:02}/x.txt" for i in range(25)))
    message = refusal(base)
    first = ", ".join(f"train/c{i:02}" for i in range(10))
    assert f"25 faults: {first} and 15 more: the class folder has no image; repair" in message
    for i in range(12):
        (base / "train" / f"bad{i:02}\\x").mkdir()
    message = refusal(base)
    assert message.count("the class folder has no image") == 1
    few = plant(tmp_path / "few", *GOOD, "train/c/x.txt", "train/d/x.txt")
    assert (
        "2 faults: train/c: the class folder has no image; train/d: the class folder has"
        in refusal(few)
    )


def test_a_line_break_in_a_name_stays_on_one_line(tmp_path: Path) -> None:
    """Names come from strangers' archives."""
    message = refusal(plant(tmp_path, *GOOD, "train/bad\nname/x.txt"))
    assert "bad\\nname" in message


def test_an_unknown_layout_names_the_known_ones(tmp_path: Path) -> None:
    """Own task files can misspell a layout."""
    layout = make_task("imagefolder").dataset.layout
    with pytest.raises(SpecError, match="known layouts: coco, csv, image-folder"):
        find_items(tmp_path, layout, "train-test")


def test_links_that_double_in_every_folder_end(tmp_path: Path) -> None:
    """No loop, and a billion paths: two links in each of thirty folders."""
    root = plant(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/1.png")
    for level in range(30):
        folder = tmp_path / "levels" / str(level)
        folder.mkdir(parents=True)
        for name in ("x", "y"):
            (folder / name).symlink_to(f"../{level + 1}")
    plant(tmp_path, "levels/30/1.png")
    (root / "train/a/x").symlink_to("../../levels/0")
    assert "more than 64 ways lead to one folder by links" in refusal(root)


def test_a_folder_that_is_linked_twice_is_walked_twice(tmp_path: Path) -> None:
    """Links are followed, wherever they lead, as the specification says."""
    root = plant(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/1.png")
    plant(tmp_path, "disk/2.png")
    for name in ("x", "y"):
        (root / "train/a" / name).symlink_to("../../disk")
    found = [item.path for item in find_items(root, make_task().dataset.layout, "train-test")]
    assert found[:3] == ["train/a/1.png", "train/a/x/2.png", "train/a/y/2.png"]
