"""A learning curve and the folders of its sizes are written by one run at a time, and stay one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biobench.errors import UsageError
from biobench.report.replace import claimed, refuse_claimed


@pytest.mark.parametrize(("held", "wanted"), [("c", "c/all"), ("c", "c/n-10"), ("c/n-10", "c")])
def test_a_curve_and_its_size_at_once(held: str, wanted: str, tmp_path: Path) -> None:
    """Either of them replaces files that are the other's."""
    (tmp_path / held).mkdir(parents=True)
    with claimed(tmp_path / held):
        with pytest.raises(UsageError, match="is writing a result to this folder") as caught:
            refuse_claimed(tmp_path / wanted)
        assert caught.value.where == str((tmp_path / held).resolve())
        with pytest.raises(UsageError), claimed(tmp_path / wanted):
            pass
    with claimed(tmp_path / wanted):
        pass


def test_by_a_link(tmp_path: Path) -> None:
    """A link to a size is that size."""
    (tmp_path / "c/all").mkdir(parents=True)
    (tmp_path / "link").symlink_to("c/all")
    with claimed(tmp_path / "c"), pytest.raises(UsageError):
        refuse_claimed(tmp_path / "link")


def test_other_folders_side_by_side(tmp_path: Path) -> None:
    with claimed(tmp_path), claimed(tmp_path / "other"), claimed(tmp_path / "another"):
        pass


def test_a_size_of_a_whole_curve_is_not_replaced(tmp_path: Path) -> None:
    """Its curve states the digest of the result that is there."""
    for name in ("all", "n-10"):
        (tmp_path / name).mkdir()
    sizes = [{"results": "n-10/results.json"}, {"results": None}]
    (tmp_path / "curve.json").write_text(json.dumps({"sizes": sizes}))
    with pytest.raises(UsageError, match="a size of the learning curve"):
        refuse_claimed(tmp_path / "n-10")
    with (
        pytest.raises(UsageError, match="a size of the learning curve"),
        claimed(tmp_path / "n-10"),
    ):
        pass
    for free in (tmp_path / "all", tmp_path):
        refuse_claimed(free)
        with claimed(free):
            pass
