"""Messages about data that are not there, or not whole, name commands that can be typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from archives import make_dataset, source
from videos import VIDEOS, film_dataset, film_set

from biobench.data.build import build_manifest
from biobench.data.file_hashes import ContentIndex
from biobench.data.hints import repair_remedy, setup_commands
from biobench.data.locate import EMBEDDED
from biobench.data.sources import archive_folder, sources_of
from biobench.data.verify import verify
from biobench.errors import DataError
from biobench.run.selection import select
from biobench.spec.documents import Dataset
from biobench.spec.load import load_spec

SPEC = load_spec()
BELUGA = "`biobench data fetch beluga`, then `biobench data unpack beluga`"
MAMMALNET = (
    "`biobench data fetch mammalnet`, then `biobench data unpack mammalnet`, then "
    "`biobench data frames mammalnet`"
)


def fetched(dataset: Dataset, data: Path) -> None:
    """Empty archives of every source."""
    folder = archive_folder(data, dataset)
    folder.mkdir(parents=True)
    for one in sources_of(dataset):
        for path in one.paths(folder):
            path.touch()


@pytest.mark.parametrize(("task", "commands"), [("beluga", BELUGA), ("mammalnet", MAMMALNET)])
def test_a_task_whose_data_are_absent(tmp_path: Path, task: str, commands: str) -> None:
    """All steps in order, without what is done already."""
    dataset = SPEC.dataset(task)
    with pytest.raises(DataError) as caught:
        select(SPEC, suite=None, tasks=(task,), data=None, division="official")
    assert str(caught.value).endswith(f"holds {task}/, or put it there: {commands}")
    fetched(dataset, tmp_path)
    assert setup_commands(dataset, tmp_path) == commands.partition(", then ")[2]


def test_what_is_not_published_names_no_command() -> None:
    """Nobody can fetch ImageNet or the archive of a host that is gone."""
    assert setup_commands(SPEC.dataset("imagenet1k")) == ""
    for task in ("imagenet1k", "iwildcam"):
        with pytest.raises(DataError) as caught:
            select(SPEC, suite=None, tasks=(task,), data=None, division="official")
        assert "biobench data" not in str(caught.value)


def test_a_folder_that_lacks_its_annotations(tmp_path: Path) -> None:
    """The remedy depends on whether the archive still lies there."""
    copy = tmp_path / "beluga"
    shutil.copytree(EMBEDDED / "demo-beluga", copy)
    (copy / "beluga.coco/annotations/instances_train2022.json").unlink()
    task = SPEC.task("beluga")
    index = ContentIndex(tmp_path / "files.sqlite")
    first = r"the annotation file is missing; give --data the .*, or unpack the data set "
    for words in (BELUGA, "`biobench data unpack beluga`"):
        line = f"{first}beluga again .move the folder away, then {words}.$"
        with pytest.raises(DataError, match=line):
            build_manifest(task, copy)
        with pytest.raises(DataError, match=line):
            verify(task.dataset, copy, [task], index, seed=1, quiet=True)
        if words == BELUGA:
            fetched(task.dataset, tmp_path)
    index.close()


def test_a_folder_of_frames(tmp_path: Path) -> None:
    """Frames are cut again; tables come out of the archive."""
    dataset = film_dataset(sources=make_dataset(source("a.tar")).sources, videos=VIDEOS)
    film_set(tmp_path / "films", {"train": ["bear"], "test": ["wolf"]})
    assert repair_remedy(dataset, tmp_path / "films") == (
        "add the videos of what is missing and run `biobench data frames films` again"
    )
    (tmp_path / "films/test.csv").unlink()
    assert "then `biobench data frames films`" in repair_remedy(dataset, tmp_path / "films")


def test_a_data_set_that_comes_with_the_package() -> None:
    """There is nothing to unpack."""
    assert (
        repair_remedy(SPEC.dataset("demo-kabr"), EMBEDDED / "demo-kabr") == "install biobench again"
    )
    assert repair_remedy(SPEC.dataset("demo-kabr"), Path("copy")) == (
        "provide a complete copy of the data set demo-kabr"
    )
