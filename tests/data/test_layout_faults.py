"""Every layout against every kind of bad input: exit 3, the first ten places and their number.

What a layout cannot have is left out: an image folder has no rows, ids or label numbers of its own.
An image that no row names is no fault, since tables decide; `data verify` counts it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from task_values import COCO, TABLES, coco_document, make_task, plant, write_coco, write_tables

from biobench.data.build import build_manifest
from biobench.data.file_hashes import ContentIndex
from biobench.data.verify import verify
from biobench.errors import DataError
from biobench.spec.documents import Task

MANY = 13
SOUND = 8
FRAMES = {
    **TABLES,
    "path": "frames/{image:stem}/{n}.jpg",
    "subject": "{image:stem}",
    "frames": {"column": "n", "count": 2, "digits": 2},
}
POSITIONS = {**TABLES, "subject": "{clip}", "position": "n"}
VIEW = {"kind": "frames", "frames": 2, "stride": 1, "start": "middle", "pool": "max"}
VIEW |= {"clip_label": "most-frequent", "short": "error", "missing": "error"}
NUMBERS: dict[str, Any] = {"label_rule": "written-ids", "division": "compat"}

Bad = Callable[[Path], None]


def images(folder: str = "", count: int = SOUND + MANY) -> list[str]:
    return [f"{folder}{i:02}.jpg" for i in range(count)]


def coco(root: Path, change: Callable[[dict[str, Any]], None], present: int) -> None:
    document = coco_document(["ann", "bob"] * ((SOUND + MANY) // 2) + ["ann"])
    for image in document["images"]:
        image["file_name"] = f"{image['id']:02}.jpg"
    change(document)
    write_coco(root, document, *images()[:present])


def coco_missing_file(root: Path) -> None:
    coco(root, lambda d: None, SOUND)


def coco_row_without_image(root: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        del document["images"][SOUND:]

    coco(root, change, SOUND + MANY)


def coco_image_without_row(root: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        del document["annotations"][SOUND:]

    coco(root, change, SOUND + MANY)


def coco_duplicate_id(root: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        for image in document["images"][SOUND:]:
            image["id"] = 0
        del document["annotations"][SOUND:]

    coco(root, change, SOUND + MANY)


def coco_label(root: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        for annotation in document["annotations"][SOUND:]:
            annotation["name"] = 7

    coco(root, change, SOUND + MANY)


def folder_missing_file(root: Path) -> None:
    plant(root, *(f"{split}/{name}/1.jpg" for split in ("train", "val") for name in "ab"))
    for path in images("train/a/x", MANY):
        (root / path).symlink_to("/nowhere")


def folder_image_outside_a_class(root: Path) -> None:
    plant(root, *(f"{split}/{name}/1.jpg" for split in ("train", "val") for name in "ab"))
    plant(root, *images("train/x", MANY))


def folder_empty_class(root: Path) -> None:
    plant(root, *(f"{split}/{name}/1.jpg" for split in ("train", "val") for name in "ab"))
    plant(root, *(f"train/empty{i:02}/notes.txt" for i in range(MANY)))


def table(rows: list[str], header: str = "image,label") -> str:
    return header + "\n" + "".join(f"{row}\n" for row in rows)


def csv(root: Path, rows: list[str], *present: str, header: str = "image,label") -> None:
    sound = [f"{image},{i % 2}" for i, image in enumerate(images(count=SOUND))]
    tables = {"train.csv": table([*sound, *rows], header), "test.csv": table(["t.jpg,1"], header)}
    write_tables(root, tables, *images(count=SOUND), "t.jpg", *present)


def csv_missing_file(root: Path) -> None:
    csv(root, [f"{image},0" for image in images()[SOUND:]])


def csv_duplicate_id(root: Path) -> None:
    csv(root, ["00.jpg,0"] * MANY)


def csv_label_that_is_no_number(root: Path) -> None:
    csv(root, [f"{image},cat" for image in images()[SOUND:]], *images())


def csv_label_out_of_range(root: Path) -> None:
    csv(root, [f"{image},1000000" for image in images()[SOUND:]], *images())


def csv_label_missing(root: Path) -> None:
    csv(root, [f"{image}," for image in images()[SOUND:]], *images())


def clips(root: Path, rows: list[str], *names: str) -> None:
    sound = [f"{image},{i % 2}" for i, image in enumerate(images(count=SOUND))]
    tables = {"train.csv": table([*sound, *rows]), "test.csv": table(["t.jpg,1"])}
    stems = [*(f"{i:02}" for i in range(SOUND)), "t", *names]
    write_tables(root, tables, *(f"frames/{stem}/{n:02}.jpg" for stem in stems for n in (1, 2)))


def frames_missing_file(root: Path) -> None:
    clips(root, [f"c{i:02}.mp4,0" for i in range(MANY)], *(f"c{i:02}" for i in range(MANY)))
    for i in range(MANY):
        (root / f"frames/c{i:02}/02.jpg").unlink()


def frames_duplicate_id(root: Path) -> None:
    clips(root, ["00.mp4,0"] * MANY)


def frames_label_out_of_range(root: Path) -> None:
    clips(root, [f"c{i:02}.mp4,-1" for i in range(MANY)], *(f"c{i:02}" for i in range(MANY)))


def positions(root: Path, rows: list[str], *present: str) -> None:
    header = "image,label,clip,n"
    sound = [f"s{i}/{n}.jpg,{i % 2},s{i},{n}" for i in range(4) for n in (0, 1)]
    test = ["t/0.jpg,1,t,0", "t/1.jpg,1,t,1"]
    tables = {"train.csv": table([*sound, *rows], header), "test.csv": table(test, header)}
    paths = [f"s{i}/{n}.jpg" for i in range(4) for n in (0, 1)]
    write_tables(root, tables, *paths, "t/0.jpg", "t/1.jpg", *present)


def positions_missing_file(root: Path) -> None:
    there = [f"c{i:02}/0.jpg" for i in range(MANY)]
    positions(root, [f"c{i:02}/{n}.jpg,0,c{i:02},{n}" for n in (0, 1) for i in range(MANY)], *there)


def positions_missing_clips(root: Path) -> None:
    positions(root, [f"c{i:02}/{n}.jpg,0,c{i:02},{n}" for i in range(MANY) for n in range(20)])


def frames_missing_clips(root: Path) -> None:
    clips(root, [f"c{i:02}.mp4,0" for i in range(MANY)])


def positions_duplicate(root: Path) -> None:
    rows = [f"c/{i:02}.jpg,0,c,5" for i in range(MANY + 1)]
    positions(root, rows, *images("c/", MANY + 1))


def positions_short_clip(root: Path) -> None:
    rows = [f"c/{i:02}.jpg,0,c{i:02},0" for i in range(MANY)]
    positions(root, rows, *images("c/", MANY))


def task(layout: str, options: dict[str, Any] | None, **more: Any) -> Task:
    if layout == "coco":
        more["split_rule"] = "leave-one-out"
    return make_task(layout, options, **more)


WHALES = task("coco", COCO)
FOLDER = task("image-folder", None)
NUMBERED = task("csv", TABLES, **NUMBERS)
NUMBERED_FRAMES = task("csv", FRAMES, view=VIEW, **NUMBERS)
FRAMES_TASK = task("csv", FRAMES, view=VIEW)
POSITIONS_TASK = task("csv", POSITIONS, view=VIEW)
TABLES_TASK = task("csv", TABLES)

CASES: list[tuple[Bad, Task, list[str]]] = [
    (coco_missing_file, WHALES, ["images/08.jpg, images/09.jpg", "images/17.jpg and 3 m"]),
    (coco_row_without_image, WHALES, ["/annotations/8: no image has the id 8", "s/17:"]),
    (coco_image_without_row, WHALES, ["images/08.jpg: image 8 has no annotation", "17"]),
    (coco_duplicate_id, WHALES, ["/images/8, /images/9", "/images/17 and 3 more: dupl"]),
    (coco_label, WHALES, ["/annotations/8, /annotations/9", "must be a non-empty stri"]),
    (folder_missing_file, FOLDER, ["train/a/x00.jpg, ", "x09.jpg and 3 more: the link"]),
    (folder_image_outside_a_class, FOLDER, ["train/x00.jpg, ", "x09.jpg and 3 more"]),
    (folder_empty_class, FOLDER, ["train/empty00, ", "has no image"]),
    (csv_missing_file, TABLES_TASK, ["train.csv line 10: the image is missing: 08.jpg", "17.jpg"]),
    (csv_duplicate_id, TABLES_TASK, ["train.csv line 10, ", "the id 00.jpg is taken at train.cs"]),
    (csv_label_that_is_no_number, NUMBERED, ["08.jpg, ", "17.jpg and 3 more", "'cat'"]),
    (csv_label_out_of_range, NUMBERED, ["08.jpg, ", "is above 999999"]),
    (csv_label_missing, TABLES_TASK, ["train.csv line 10, ", "column 'label' is empty"]),
    (frames_missing_file, FRAMES_TASK, ["is missing: frames/c00/02.jpg", "c09/02.jpg"]),
    (frames_duplicate_id, FRAMES_TASK, ["the id frames/00/01.jpg is taken at"]),
    (frames_label_out_of_range, NUMBERED_FRAMES, ["'-1' is not an integer from 0"]),
    (
        frames_missing_clips,
        FRAMES_TASK,
        ["10: 2 images are missing, the first is frames/c00/01", "c09"],
    ),
    (
        positions_missing_file,
        POSITIONS_TASK,
        ["train.csv line 23: the image is missing: c00/1.jpg"],
    ),
    (
        positions_missing_clips,
        POSITIONS_TASK,
        ["10: 20 images are missing, the first is c00/0", "c09"],
    ),
    (positions_duplicate, POSITIONS_TASK, ["train.csv line 11, ", "position 5 of the su"]),
    (positions_short_clip, POSITIONS_TASK, ["c00, c01", "has 1 of the 2 frames"]),
]


@pytest.mark.parametrize(
    ("spoil", "task", "words"), CASES, ids=lambda v: getattr(v, "__name__", "")
)
def test_the_first_ten_and_their_number(
    tmp_path: Path, spoil: Bad, task: Task, words: list[str]
) -> None:
    """One line that names places and counts all of them; nothing is skipped in silence."""
    spoil(tmp_path)
    with pytest.raises(DataError) as caught:
        build_manifest(task, tmp_path, seed=1)
    message = str(caught.value)
    assert caught.value.exit_code == 3
    assert message.isprintable()
    assert f"{MANY} faults" in message
    for text in words:
        assert text in message


def test_a_class_that_only_the_test_split_has(tmp_path: Path) -> None:
    """Its items cannot be right; they are counted, and more than half of them are no test."""
    write_tables(
        tmp_path,
        {"train.csv": table(["1.jpg,a", "2.jpg,b"]), "test.csv": table(["3.jpg,a", "4.jpg,c"])},
        "1.jpg", "2.jpg", "3.jpg", "4.jpg",
    )  # fmt: skip
    assert build_manifest(task("csv", TABLES), tmp_path).excluded == 1
    write_tables(tmp_path, {"test.csv": table(["3.jpg,x", "4.jpg,c"])})
    with pytest.raises(DataError, match="2 of 2 test items have no train example of their class"):
        build_manifest(task("csv", TABLES), tmp_path)


def test_images_that_nothing_names(tmp_path: Path) -> None:
    """They are no items; `data verify` says how many there are and names them."""
    csv(tmp_path, [], *images("extra/", MANY), "extra/.hidden.jpg", "extra/notes.txt")
    index = ContentIndex(tmp_path / "index.sqlite")
    own = task("csv", TABLES)
    report = verify(own.dataset, tmp_path, [own], index, seed=1, quiet=True)
    assert list(report.unnamed) == images("extra/", MANY)
    assert not [line for line in report.differences if "extra" in line]
    coco(tmp_path / "coco", lambda d: None, SOUND + MANY)
    plant(tmp_path / "coco", "images/deep/z.PNG")
    own = task("coco", COCO)
    report = verify(own.dataset, tmp_path / "coco", [own], index, seed=1, quiet=True)
    assert list(report.unnamed) == ["images/deep/z.PNG"]
    index.close()
