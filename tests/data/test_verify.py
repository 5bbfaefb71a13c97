"""Is it the data set of the document? What differs, and what nobody can say yet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archives import bring, make_dataset, source, tar_of
from task_values import make_task

from biobench.data.fetch import fetch
from biobench.data.file_hashes import ContentIndex
from biobench.data.locate import EMBEDDED
from biobench.data.verify import (
    DataReport,
    add_sources,
    raise_if_different,
    verify,
)
from biobench.errors import DataError
from biobench.spec.documents import Counts, Dataset
from biobench.spec.load import load_spec

SPEC = load_spec()
TASK = SPEC.task("demo-plankton")
SEED = 1


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ContentIndex]:
    found = ContentIndex(tmp_path / "files.sqlite")
    yield found
    found.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a data set that may be damaged."""
    shutil.copytree(EMBEDDED / "demo-plankton", tmp_path / "demo-plankton")
    return tmp_path / "demo-plankton"


def check(root: Path, index: ContentIndex, dataset: Dataset = TASK.dataset) -> DataReport:
    task = replace(TASK, dataset=dataset)
    return verify(dataset, root, [task], index, seed=SEED, workers=2, quiet=True)


def test_the_embedded_data_are_those_of_their_documents(index: ContentIndex) -> None:
    """Nothing differs, and nothing is left open."""
    report = check(EMBEDDED / "demo-plankton", index)
    assert report.differences == []
    assert report.open_values == {}
    assert report.files.digest == TASK.dataset.files["digest"]
    counts = {"train": TASK.counts.train, "test": TASK.counts.test, "classes": TASK.counts.classes}
    assert report.counts == {"demo-plankton": counts}
    raise_if_different(report)


def test_one_other_byte(copy: Path, index: ContentIndex) -> None:
    """The digest differs, also where the old one is remembered."""
    check(copy, index)
    image = sorted(copy.rglob("*.png"))[5]
    content = bytearray(image.read_bytes())
    content[-1] ^= 1
    image.write_bytes(bytes(content))
    report = check(copy, index)
    assert len(report.differences) == 1
    with pytest.raises(DataError, match="1 difference: demo-plankton: files digest is") as caught:
        raise_if_different(report)
    assert caught.value.exit_code == 3


def test_missing_and_empty_files(copy: Path, index: ContentIndex) -> None:
    """Counts of the task and of the files say so; a file without a byte is named."""
    images = sorted((copy / "train").rglob("*.png"))
    images[0].unlink()
    images[1].write_bytes(b"")
    text = "\n".join(check(copy, index).differences)
    assert f"{images[1].relative_to(copy).as_posix()}: is empty" in text
    assert "files count is 318, expected 319" in text
    assert "202 train images found, 203 expected" in text


def test_structural_faults_come_first(copy: Path, index: ContentIndex) -> None:
    """A class folder without an image is exit 3 with its name."""
    for image in sorted((copy / "train").iterdir())[0].iterdir():
        image.unlink()
    with pytest.raises(DataError, match="has no image"):
        check(copy, index)


def test_what_the_documents_leave_open(copy: Path, index: ContentIndex) -> None:
    """It is no difference; the values are found for the document."""
    dataset = replace(TASK.dataset, files={"count": 319, "bytes": None, "digest": None})
    task = replace(TASK, dataset=dataset, counts=Counts(None, TASK.counts.test, None))
    report = verify(dataset, copy, [task], index, seed=SEED, quiet=True)
    assert report.differences == []
    assert report.open_values == {
        "datasets/demo-plankton.yaml": {
            "files/bytes": TASK.dataset.files["bytes"],
            "files/digest": TASK.dataset.files["digest"],
        },
        "tasks/demo-plankton.yaml": {
            "counts/train": TASK.counts.train,
            "counts/classes": TASK.counts.classes,
        },
    }


def test_records_of_archives_fill_the_document(tmp_path: Path, index: ContentIndex) -> None:
    """Size and digest of what was fetched, where the document has null."""
    dataset = make_dataset(source("a.tar"), source("b.csv", bytes=1))
    bring(tmp_path, dataset, {"a.tar": tar_of(("x", b""), compress=False), "b.csv": b"b"})
    fetch(dataset, tmp_path, say=lambda _: None, quiet=True)
    report = DataReport("pebbles", tmp_path, check(EMBEDDED / "demo-plankton", index).files, {})
    add_sources(report, dataset, tmp_path)
    found = report.open_values["datasets/pebbles.yaml"]
    assert set(found) == {"sources/0/bytes", "sources/0/sha256", "sources/1/sha256"}
    assert found["sources/0/bytes"] == 10240


def test_the_first_ten_differences_and_their_count() -> None:
    """A message stays one line whatever is wrong."""
    report = DataReport("pebbles", Path("x"), None, {}, [f"{i}: differs" for i in range(25)])  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"25 differences, the first 10 are: 0: differs;") as caught:
        raise_if_different(report)
    assert "9: differs" in str(caught.value)
    assert "10: differs" not in str(caught.value)


def test_tasks_of_other_data_sets_are_not_counted(copy: Path, index: ContentIndex) -> None:
    """Only the tasks that are given; a data set may have none."""
    report = verify(TASK.dataset, copy, [], index, seed=SEED, quiet=True)
    assert report.counts == {}
    assert make_task().dataset.id not in report.open_values
