"""The places where a task's data are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from task_values import make_task

from biobench.data.locate import EMBEDDED, locate
from biobench.errors import DataError


def test_the_folder_of_the_data_set_comes_first(tmp_path: Path) -> None:
    """DIR/<data set id> wins, whether one task is chosen or many."""
    (tmp_path / "pebbles").mkdir()
    assert locate(make_task(), tmp_path) == tmp_path / "pebbles"
    assert locate(make_task(), tmp_path, only_task=True) == tmp_path / "pebbles"


def test_the_folder_itself_serves_one_chosen_task_only(tmp_path: Path) -> None:
    """With many tasks, a folder without their names has none of their data."""
    assert locate(make_task(), tmp_path, only_task=True) == tmp_path
    assert locate(make_task(), tmp_path) is None


def test_without_a_folder_only_the_embedded_data_are_there() -> None:
    """The demo needs no --data; other data sets do."""
    assert locate(make_task(), None, only_task=True) is None
    assert locate(make_task(dataset="demo-beluga"), None) == EMBEDDED / "demo-beluga"


def test_an_embedded_data_set_is_never_looked_for_in_the_folder_itself(tmp_path: Path) -> None:
    """`--data DIR --task demo-beluga` runs the demo, and a copy in DIR can replace it."""
    task = make_task(dataset="demo-beluga")
    assert locate(task, tmp_path, only_task=True) == EMBEDDED / "demo-beluga"
    (tmp_path / "demo-beluga").mkdir()
    assert locate(task, tmp_path) == tmp_path / "demo-beluga"


def test_a_data_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A mistyped --data must not turn into a run without data."""
    with pytest.raises(DataError, match="the data folder is missing") as caught:
        locate(make_task(), tmp_path / "nowhere")
    assert caught.value.exit_code == 3
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        locate(make_task(), tmp_path / "file")
