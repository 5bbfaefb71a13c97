"""Documents and tables that are not what they seem, one of each kind that was tried."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from drawn import NAMES, draw
from harness import HERE, Bench, Launcher

sys.path.append(str(HERE.parent / "probe"))

from estimators import LABELLED, MAKE, data

from biobench.errors import BiobenchError

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]


def annotations(root: Path) -> tuple[Path, str]:
    """A small beluga data set; its JSON file and the text in it."""
    base = root / "beluga/beluga.coco"
    images, notes = [], []
    for i in range(8):
        draw(base / "images/train2022" / f"{i}.png", i, i % 2)
        images.append({"id": i, "file_name": f"{i}.png", "width": 24, "height": 24})
        notes.append({"id": i, "image_id": i, "category_id": 1, "name": f"whale{i % 2}"})
    (base / "annotations").mkdir()
    text = json.dumps({"images": images, "annotations": notes, "categories": []})
    return base / "annotations/instances_train2022.json", text


JSON: dict[str, Callable[[str], bytes]] = {
    "repeated key of the document": lambda text: (text[:-1] + ', "images": []}').encode(),
    "repeated key of an annotation": lambda text: text.replace(
        '"name": "whale0"', '"name": "whale1", "name": "whale0"', 1
    ).encode(),
    "repeated id of an image": lambda text: text.replace(
        '"id": 1,', '"id": 1, "id": 0,', 1
    ).encode(),
    "UTF-16 with a mark": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "Latin-1": lambda text: text.replace("whale0", "whal\xe9").encode("latin-1"),
    "NaN": lambda text: text.replace('"width": 24', '"width": NaN', 1).encode(),
    "an id of 5,000 digits": lambda text: text.replace(
        '"id": 1,', f'"id": {"9" * 5000},', 1
    ).encode(),
    "nested 100,000 deep": lambda text: ("[" * 100_000 + "]" * 100_000).encode(),
    "cut off": lambda text: text[: len(text) // 2].encode(),
    "followed by more": lambda text: (text + "{}").encode(),
    "bytes of nothing": lambda text: bytes(4096),
    "a lone surrogate": lambda text: text.replace("whale0", "\\ud800", 1).encode(),
}
"""Annotation files that leave a doubt or are none."""


@pytest.mark.parametrize("kind", JSON)
def test_annotations_that_leave_a_doubt(
    kind: str, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """One line with the file, exit 3: nobody else's parser would choose as ours does."""
    path, text = annotations(tmp_path)
    path.write_bytes(JSON[kind](text))
    arguments = ["run", "--model", "demo", "--task", "beluga", "--data", str(tmp_path)]
    line = launcher.start([*arguments, "--dry-run"], tmp_path).done(60).refused(3)
    assert path.name in line
    assert line.isprintable()
    tally("annotation files that leave a doubt", 1, 0)


def test_annotations_with_a_mark_of_their_encoding(
    launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """UTF-8 with a byte order mark is read or refused, and not misread."""
    path, text = annotations(tmp_path)
    path.write_bytes(codecs.BOM_UTF8 + text.encode())
    arguments = ["run", "--model", "demo", "--task", "beluga", "--data", str(tmp_path)]
    done = launcher.start([*arguments, "--dry-run"], tmp_path).done(60)
    assert done.code == 0 or path.name in done.refused(3)
    tally("annotation files that leave a doubt", 1, 0)


YAML = {
    "billion laughs": "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
        for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
    ),
    "a tag that runs code": "task: !!python/object/apply:os.system [touch ran]\n",
    "a repeated key": "task: a\ntask: b\n",
    "an anchor to itself": "task: &a [*a]\n",
    "a merge key": "base: &b {task: x}\n<<: *b\n",
    "nested 100,000 deep": "[" * 100_000,
    "a document of two": "task: a\n---\ntask: b\n",
    "a tab": "task:\n\t- a\n",
    "UTF-16": None,
    "a terminal escape": 'task: "\\e]0;owned\\a"\n',
    "a name that climbs": "task: ../../x\n",
    "a name that ends in a newline": 'task: "abc\\n"\n',
    "a date": "task: 2024-01-01\n",
    "a base 60 number": "task: 1:2:3\n",
    "an empty document": "",
    "a key that is a list": "? [a, b]\n: c\n",
}  # fmt: skip
"""Task files of strangers."""


@pytest.mark.parametrize("kind", YAML)
def test_hostile_task_files(
    kind: str, bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """One line, exit 4 (or 2), at once; nothing is run, nothing escapes to the terminal."""
    text, sound = YAML[kind], yaml.safe_load((bench.root / "classes.yaml").read_text())
    path = tmp_path / "hostile.yaml"
    if text is None:
        path.write_bytes(yaml.safe_dump(sound).encode("utf-16"))
    else:
        del sound["task"]
        rest = "" if not text or text.endswith(("[", "b\n")) else yaml.safe_dump(sound)
        path.write_text(text + rest)
    arguments = ["run", "--model", "demo", "--task", str(path), "--data", str(bench.root / "data")]
    line = launcher.start([*arguments, "--dry-run"], tmp_path).done(60).refused(2, 4)
    assert line.isprintable()
    assert not (tmp_path / "ran").exists()
    tally("hostile task files", 1, 0)


@pytest.mark.parametrize("name", LABELLED)
def test_labels_up_to_the_largest(name: str, tally: Tally) -> None:
    """Ids around 2**31 and 2**32 are ids like others: the same predictions, or a refusal."""
    matrix, small = data(name)
    tried = 0
    for top in (2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**53 + 1):
        labels = np.where(small == 2, top, small).astype(np.int64)
        try:
            probe = MAKE[name]().fit(matrix, labels)
        except BiobenchError:
            continue
        if name == "centroid":
            found, right = probe.nearest_labels(matrix), None
            right = MAKE[name]().fit(matrix, small).nearest_labels(matrix)
        else:
            found, right = probe.predict(matrix), MAKE[name]().fit(matrix, small).predict(matrix)
        np.testing.assert_array_equal(found, np.where(right == 2, top, right))
        tried += 1
    assert tried
    tally("label ids up to 2^53", tried, 0)


@pytest.mark.parametrize("top", [2**31 - 1, 2**31, 2**32, 2**63, 10**30])
def test_written_label_ids_of_a_table(
    top: int, bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Names of classes that are numbers of any size are names, and no two become one."""
    root = tmp_path / "data" / "drawn"
    for split in ("train", "test"):
        for label, name in enumerate((str(top), str(top + 1), str(top - 2**31))):
            for i in range(4):
                draw(root / split / name / f"{split}{label}{i:02}.png", i, label)
    task = tmp_path / "classes.yaml"
    task.write_text((bench.root / "classes.yaml").read_text())
    arguments = ["run", "--model", "py:small_net:SmallNet", "--task", str(task)]
    arguments += ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    arguments += ["--store", str(tmp_path / "store"), "--device", "cpu"]
    launcher.start(arguments, bench.root).done().good()
    document = json.loads((tmp_path / "out/results.json").read_bytes())
    assert document["tasks"]["classes"]["counts"]["classes"] == len(NAMES)
    tally("class names that are large numbers", 1, 0)


HOSTILE = (
    "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "=1+1", "@SUM(A1)", "${7*7}",
    "{{7*7}}", "\x1b]0;owned\x07", "a\u202egnp.exe", "-->", "]]>", "\u2028", "nul\ufffe", "%00",
)  # fmt: skip
"""Names of classes as strangers write them."""


def test_hostile_class_names(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Nothing of a name reaches the screen or the page as it is."""
    root, lines = tmp_path / "data" / "drawn", ["image,set,species"]
    for split in ("train", "test"):
        for label, name in enumerate(HOSTILE):
            for i in range(2):
                path = f"{split}/{label}-{i}.png"
                draw(root / path, i, label % 3)
                cell = name.replace('"', '""')
                lines.append(f'{path},{split},"{cell}"')
    (root / "all.csv").write_text("\n".join(lines) + "\n")
    value = yaml.safe_load((bench.root / "classes.yaml").read_text())
    value["dataset"]["layout"] = {
        "id": "csv",
        "options": {
            "table": "all.csv", "path": "{image}", "label": "species",
            "split": {"column": "set", "train": ["train"], "test": ["test"]},
        },
    }  # fmt: skip
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump(value))
    arguments = [
        "run",
        "--model",
        "py:small_net:SmallNet",
        "--task",
        str(tmp_path / "classes.yaml"),
    ]
    arguments += ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    arguments += ["--store", str(tmp_path / "store"), "--device", "cpu"]
    done = launcher.start(arguments, bench.root).done()
    assert all(c.isprintable() or c == "\n" for c in done.out + done.err), done.err
    if done.code:
        done.refused(3)
    else:
        page = (tmp_path / "out/report.html").read_text()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "\x1b" not in page
    tally("hostile strings as class names", len(HOSTILE), 0)
