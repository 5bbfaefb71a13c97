"""Tables and annotation files of absurd size: answered at once, in little room.

Each runs in a process of its own, since the peak of a process's memory never falls.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from task_values import write_coco

from biobench.data.layouts.coco import MOST_VALUES
from biobench.data.layouts.table import MOST_BYTES, MOST_LINES, MOST_RECORD
from processor_time import processor_time

MOST_SECONDS = 10.0
MOST_MEMORY = 500e6

pytestmark = pytest.mark.slow

CLIPS = {
    "tables": {"gallery": "t.csv"}, "delimiter": " ", "path": "frames/{path}", "label": "label",
    "label_ids": 8, "subject": "{video}/{clip}", "position": "frame",
}  # fmt: skip
"""A row a frame, as in KABR's tables: of all layouts the one with the most to keep of each row."""

PROGRAM = """
import json, sys
from pathlib import Path
from biobench.data.layouts import csv, find
from biobench.errors import DataError
from biobench.spec.documents import Layout

root, layout, options, rule, there = sys.argv[1:]
if there:
    csv.FolderListing = lambda base: lambda path: True
try:
    said = str(len(find(Path(root), Layout(layout, json.loads(options)), rule).items))
except DataError as error:
    said = str(error)
with open("/proc/self/status") as status:  # not ru_maxrss, which begins with that of the parent
    memory = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
print(json.dumps([said, memory * 1024]))
"""


def answer(
    root: Path, layout: str = "csv", *, most: float = 1, there: bool = False, **options: object
) -> str:
    """The outcome for it; checks that processor time and memory are at most ``most`` times the
    bounds. there: images are not looked for, since a million of them would have to be made."""
    given = options or {"tables": {"gallery": "t.csv"}, "path": "{image}", "label": "label"}
    command = [sys.executable, "-c", PROGRAM, str(root), layout, json.dumps(given), "leave-one-out"]
    command.append("there" if there else "")
    with processor_time() as spent:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    said, memory = json.loads(run.stdout)
    assert spent.seconds < most * MOST_SECONDS
    assert memory < most * MOST_MEMORY
    assert len(said) < 20_000
    return str(said)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"image,label\n")
        file.truncate(MOST_BYTES + 1)


def filled(unit: bytes, count: int, start: bytes = b"image,label\n") -> Callable[[Path], None]:
    return lambda path: path.write_bytes(start + unit * count) and None


ABSURD: dict[str, tuple[Callable[[Path], None], str]] = {
    "large": (sparse, "the table has more than 256 MiB"),
    "many lines": (filled(b"a\n", MOST_LINES + 1), f"more than {MOST_LINES} lines"),
    "many rows of a Macintosh": (filled(b"a,b\r", MOST_LINES + 1), f"more than {MOST_LINES} rows"),
    "one line": (filled(b"a,", 2 * MOST_RECORD), "characters in one record"),
    "one line of large letters": (
        filled("🐟,".encode(), MOST_RECORD),
        "characters in one record",
    ),
    "one record of many lines": (
        filled(b'"' + b" " * 20 + b'\n",', MOST_RECORD // 20),
        "characters in one record",
    ),
    "an open quote": (filled(b"a\n", 1_000_000, b'image,label\n"'), "field larger than"),
    "a header of many columns": (filled(b"a,", MOST_RECORD // 3, b""), "no column"),
    "rows of another width": (filled(b"a\n", 300_000), "300000 faults"),
}


@pytest.mark.parametrize("kind", ABSURD)
def test_absurd_tables(tmp_path: Path, kind: str) -> None:
    """One line that says what is wrong, however large the file is."""
    make, expected = ABSURD[kind]
    make(tmp_path / "t.csv")
    assert expected in answer(tmp_path)


@pytest.mark.depth
def test_the_largest_table(tmp_path: Path) -> None:
    """As many rows as a table may have, each sound by itself, and none has its image."""
    rows = MOST_LINES - 1
    with (tmp_path / "t.csv").open("w") as file:
        file.write("image,label\n")
        file.writelines(f"images/{i:07}.jpg,{i % 1000}\n" for i in range(rows))
    said = answer(tmp_path, most=2)
    assert f": {rows} faults, the first 10 are: t.csv line 2: the image is missing" in said


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(True, id="all there", marks=pytest.mark.depth),
        pytest.param(False, id="missing"),
    ],
)
def test_a_large_table_of_clips(tmp_path: Path, there: bool) -> None:
    """As many rows as a table may have; where clips are missing, each is one fault."""
    rows = MOST_LINES - 1 if there else 10_000
    with (tmp_path / "t.csv").open("w") as file:
        file.write("video clip frame path label\n")
        file.writelines(
            f"v{i // 3000} {i // 50} {i % 50} {i // 3000:04}/{i:07}.jpg {i % 8}\n"
            for i in range(rows)
        )
    said = answer(tmp_path, most=2, there=there, **CLIPS)
    if there:
        assert said == str(rows)
    else:
        assert f": {rows // 50} faults, the first 10 are: t.csv line 2: 50 images are" in said


def test_a_name_as_long_as_a_cell_can_be(tmp_path: Path) -> None:
    """It is refused in a message that a screen holds."""
    (tmp_path / "t.csv").write_text("image,label\n" + "\x1b" * 131_000 + ",a\n")
    assert len(answer(tmp_path)) < 2_000


def test_absurd_annotation_files(tmp_path: Path) -> None:
    """Too large, of too many values, nested, and with names as long as the file."""
    coco = {"annotations": "annotations.json", "images": "images", "label": "name"}
    many = '{"images": [' + "[]," * (MOST_VALUES + 1) + "[]]}"
    nested = '{"images": ' + "[" * 2_000_000
    long = json.dumps({"images": [{"id": 1, "file_name": "a" * 9_000_000}], "annotations": []})
    for text, expected in (
        (many, f"more than {MOST_VALUES} values"),
        (nested, "nested too deeply"),
        (long, "2 faults"),
        ('{"a": ' + "9" * 5_000_000 + "}", "not JSON that can be read"),
    ):
        write_coco(tmp_path, text)
        assert expected in answer(tmp_path, "coco", **coco)
    with (tmp_path / "annotations.json").open("r+b") as file:
        file.truncate(1 << 40)
    assert "more than 67 MB" in answer(tmp_path, "coco", **coco)


def test_what_is_not_read_of_annotations_takes_no_room(tmp_path: Path) -> None:
    """Outlines and boxes are most of a real file."""
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 1, "height": 2} for i in range(4_000)]
    notes = [
        {"image_id": i, "name": "ab"[i % 2], "segmentation": [[0.5 + i] * 60], "bbox": [1, 2, 3, 4]}
        for i in range(4_000)
    ]
    document = {"info": {"x": 1}, "images": images, "annotations": notes}
    write_coco(tmp_path, document)
    for i in range(4_000):
        (tmp_path / f"images/{i}.jpg").touch()
    coco = {"annotations": "annotations.json", "images": "images", "label": "name"}
    assert answer(tmp_path, "coco", **coco) == "4000"
