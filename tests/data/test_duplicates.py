"""Doubtful content of a data set is said in one line each, and is no failure."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from archives import make_dataset
from task_values import make_task

from biobench.data.file_hashes import ContentIndex
from biobench.data.verify import DataReport, raise_if_different, verify
from biobench.spec.documents import Layout
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

SPEC = load_spec()
SOUND = {
    "train/a/1.png": "1",
    "train/a/2.png": "2",
    "train/b/3.png": "3",
    "val/a/4.png": "4",
    "val/b/5.png": "5",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ContentIndex]:
    found = ContentIndex(tmp_path / "files.sqlite")
    yield found
    found.close()


def lay(root: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def check(
    root: Path,
    index: ContentIndex,
    layout: Layout | None = None,
    view: Mapping[str, Any] | None = None,
) -> DataReport:
    task = make_task(*((layout.id, dict(layout.options)) if layout else ()), view=view)
    dataset = make_dataset(**({"layout": layout} if layout else {}))
    report = verify(dataset, root, [task], index, seed=1, quiet=True)
    raise_if_different(report)
    return report


def test_a_sound_data_set_is_said_nothing_of(tmp_path: Path, index: ContentIndex) -> None:
    """Equal bytes of one class in one split are a matter of taste."""
    files = {**SOUND, "train/a/6.png": "1"}
    assert check(lay(tmp_path / "d", files), index).suspicions == []


def test_the_same_bytes_in_train_and_test(tmp_path: Path, index: ContentIndex) -> None:
    """One line, the first three pairs, and how many more."""
    files = {**SOUND, "val/a/6.png": "2"}
    report = check(lay(tmp_path / "d", files), index)
    assert report.suspicions == [
        "1 image of test has the bytes of one of train: val/a/6.png = train/a/2.png"
    ]
    more = {f"val/a/{i}.png": "1" for i in range(10, 15)}
    (line,) = check(lay(tmp_path / "e", {**SOUND, **more}), index).suspicions
    assert line.startswith("5 images of test have the bytes of one of train: val/a/10.png = train/")
    assert line.endswith(", and 2 more")


def test_the_same_bytes_under_two_classes(tmp_path: Path, index: ContentIndex) -> None:
    """Within a split, and over both."""
    files = {**SOUND, "train/b/6.png": "1", "val/b/7.png": "2"}
    report = check(lay(tmp_path / "d", files), index)
    assert report.suspicions == [
        "1 image of test has the bytes of one of train: val/b/7.png = train/a/2.png",
        "2 images have the bytes of one of another class: train/b/6.png (b) = train/a/1.png (a), "
        "val/b/7.png (b) = train/a/2.png (a)",
    ]


def test_the_same_bytes_twice_in_a_gallery(tmp_path: Path, index: ContentIndex) -> None:
    """A copy within its class is a hit of every model; one of another class is named as such."""
    files = {"a/1.png": "1", "a/2.png": "2", "a/3.png": "1", "b/4.png": "4", "b/5.png": "2"}
    layout = Layout("image-folder", {"splits": {"gallery": "all"}})
    root = lay(tmp_path / "d", {f"all/{path}": text for path, text in files.items()})
    task = make_task(layout.id, dict(layout.options), split_rule="leave-one-out")
    report = verify(make_dataset(layout=layout), root, [task], index, seed=1, quiet=True)
    assert report.suspicions == [
        "1 image of the gallery has the bytes of another one of its class: "
        "all/a/3.png = all/a/1.png",
        "1 image has the bytes of one of another class: all/b/5.png (b) = all/a/2.png (a)",
    ]


def test_an_unknown_class_contradicts_none(tmp_path: Path, index: ContentIndex) -> None:
    """As in a run: the image may be of the class that its copy has."""
    files = {
        "t.csv": "image,label\n1.png,a\n2.png,b\n",
        "u.csv": "image,label\n3.png,?\n4.png,a\n",
        **{"1.png": "1", "2.png": "2", "3.png": "1", "4.png": "4"},
    }
    options = {
        "tables": {"train": "t.csv", "test": "u.csv"},
        "path": "{image}",
        "label": "label",
        "unknown_label": "?",
    }
    root = lay(tmp_path / "d", files)
    task = make_task("csv", options, label_rule="train-names-or-unknown")
    dataset = make_dataset(layout=Layout("csv", options))
    report = verify(dataset, root, [task], index, seed=1, quiet=True)
    assert report.suspicions == [
        "1 image of test has the bytes of one of train: 3.png = 1.png",
    ]


def test_a_split_that_is_a_link_to_another(tmp_path: Path, index: ContentIndex) -> None:
    """The score of such a test split is that of the train split."""
    root = lay(tmp_path / "d", {k: v for k, v in SOUND.items() if k.startswith("train")})
    (root / "val").symlink_to("train")
    first, second = check(root, index).suspicions
    assert first == "val and train are one and the same, by a link"
    assert second.startswith("3 images of test have the bytes of one of train")


def test_tables_that_are_one_file(tmp_path: Path, index: ContentIndex) -> None:
    """Traits and tables are looked at like folders."""
    files = {
        "t.csv": "image,big\n1.png,1\n2.png,0\n",
        "u.csv": "image,big\n3.png,1\n",
        **{"1.png": "1", "2.png": "2", "3.png": "2"},
    }
    options = {
        "tables": {"train": "t.csv", "test": "u.csv"},
        "path": "{image}",
        "traits": [{"column": "big", "one": ["1"], "zero": ["0"]}],
        "drop_incomplete": True,
    }
    assert check(lay(tmp_path / "d", files), index, Layout("csv", options)).suspicions == [
        "1 image of test has the bytes of one of train: 3.png = 2.png",
        "1 image has the bytes of one of other traits: 3.png = 2.png",
    ]


def test_groups_may_share_images(tmp_path: Path, index: ContentIndex) -> None:
    """The small tasks of one data set are apart; their number is told."""
    rows = [
        f"{s}{g}{label}.png,{s},{g},{label}"
        for s in ("train", "test")
        for g in "pq"
        for label in "01"
    ]
    table = "\n".join(["image,split,group,label", *rows]) + "\n"
    images = {row.partition(",")[0]: row.replace(",p,", ",q,").replace("p", "q") for row in rows}
    files = {"t.csv": table, **{name: text.partition(",")[2] for name, text in images.items()}}
    options = {
        "table": "t.csv",
        "split": {"column": "split", "train": ["train"], "test": ["test"]},
        "path": "{image}",
        "label": "label",
        "group": "{group}",
    }
    report = check(lay(tmp_path / "d", files), index, Layout("csv", options))
    assert report.suspicions == []
    assert report.counts == {"pebbles": {"train": 4, "test": 4, "classes": 2, "groups": 2}}


def test_what_is_left_out_is_told(tmp_path: Path, index: ContentIndex) -> None:
    """Clips that are too short, and test items of a class that train has not."""
    rows = [f"{c}{i}.png,{s},{c},{label}" for s, c, label, n in (
        ("train", "k", "x", 2), ("train", "l", "y", 2), ("train", "m", "x", 1),
        ("test", "n", "x", 2), ("test", "o", "z", 2), ("test", "p", "y", 2),
    ) for i in range(n)]  # fmt: skip
    table = "\n".join(["image,split,clip,label", *rows]) + "\n"
    files = {"t.csv": table, **{row.partition(",")[0]: row for row in rows}}
    options = {
        "table": "t.csv",
        "split": {"column": "split", "train": ["train"], "test": ["test"]},
        "path": "{image}",
        "label": "label",
        "subject": "{clip}",
    }
    view = {
        "kind": "frames", "frames": 2, "stride": 1, "start": "middle", "pool": "max",
        "clip_label": "most-frequent", "short": "drop", "missing": "error",
    }  # fmt: skip
    report = check(lay(tmp_path / "d", files), index, Layout("csv", options), view)
    assert report.left_out == {
        "pebbles": [
            "left out: 1 clip is too short or misses frames",
            "1 test item left out, without another example of the class to learn from: 'z' 1",
        ]
    }


@pytest.mark.parametrize("inside", [True, False])
def test_the_command_says_so(tmp_path: Path, inside: bool) -> None:
    """A line for people, a list for programs; in DIR/<id> or in DIR itself, as in a run."""
    root = tmp_path / "inat21" if inside else tmp_path
    dataset = SPEC.dataset("inat21")
    splits = dataset.layout.options["splits"]
    pairs = {"a/1.png": "1", "b/2.png": "2"}
    for split in splits.values():
        lay(root, {f"{split}/{path}": text for path, text in pairs.items()})
    command = [
        sys.executable,
        "-m",
        "biobench",
        "data",
        "verify",
        "inat21",
        "--data",
        str(tmp_path),
    ]
    command += ["--workers", "1"]
    environment = {"BIOBENCH_STORE": str(tmp_path / ".store"), "PATH": "/usr/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "looks wrong: 2 images of test have the bytes of one of train" in done.stdout
    assert done.returncode == 3, "the counts are not those of the document"
    assert "bytes of one" not in done.stderr, "which alone is the reason"
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, env=environment, check=False
    )
    value = json.loads(done.stdout)
    assert len(value["suspicious"]) == 1
    assert value["root"] == str(root)


def test_a_folder_without_the_data_set_is_told_so(tmp_path: Path) -> None:
    """DIR itself is meant only where something of the data set lies in it."""
    (tmp_path / "other").mkdir()
    command = [
        sys.executable,
        "-m",
        "biobench",
        "data",
        "verify",
        "inat21",
        "--data",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "the data set is not there" in done.stderr
    assert "biobench data fetch inat21" in done.stderr
