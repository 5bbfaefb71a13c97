"""The states that `biobench data list` gives data sets, by names and sizes alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from archives import PEBBLES, bring, make_dataset, source, tar_of

from biobench.commands.data_list import lines
from biobench.data.state import state_of
from biobench.data.unpack import unpack
from biobench.spec.load import load_spec

ARCHIVE = tar_of(*PEBBLES.items())
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
DATASET = make_dataset(
    source("a.tar.gz", sha256=SHA256, bytes=len(ARCHIVE)), source("b.csv", bytes=3)
)


def test_from_nothing_to_all(tmp_path: Path) -> None:
    """Each step on the way is told from the next."""
    state = state_of(DATASET, tmp_path)
    assert (state.state, state.missing) == ("absent", ("a.tar.gz", "b.csv"))
    assert state.bytes == len(ARCHIVE) + 3
    bring(tmp_path, DATASET, {"a.tar.gz.part": b"x" * 100})
    state = state_of(DATASET, tmp_path)
    assert (state.state, state.missing[0]) == ("partly", "a.tar.gz (100 B of it are there)")
    bring(tmp_path, DATASET, {"a.tar.gz": ARCHIVE})
    assert state_of(DATASET, tmp_path).missing == ("b.csv",)
    bring(tmp_path, DATASET, {"b.csv": b"abc"})
    state = state_of(DATASET, tmp_path)
    assert (state.state, state.missing) == ("partly", ("fetched, not yet unpacked",))
    unpack(DATASET, tmp_path, say=lambda _: None, quiet=True)
    state = state_of(DATASET, tmp_path)
    assert (state.state, state.missing, state.place) == ("present", (), tmp_path / "pebbles")
    (tmp_path / "pebbles" / "val").rename(tmp_path / "elsewhere")
    state = state_of(DATASET, tmp_path)
    assert (state.state, state.missing) == ("partly", ("val",))


def test_without_a_folder() -> None:
    """Embedded data are there; of the others all is missing."""
    spec = load_spec()
    assert state_of(spec.dataset("demo-beluga"), None).state == "present"
    assert state_of(spec.dataset("beluga"), None).missing == ("beluga.coco.tar.gz",)
    assert state_of(spec.dataset("imagenet1k"), None).state == "absent"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    """All facts of every data set, in lines that are no longer than the terminal is wide."""
    spec = load_spec()
    states = [state_of(spec.dataset(id), None) for id in spec.dataset_ids()]
    found = lines(states, width)
    for line in found:
        assert len(line) < width or " " not in line.strip(), line
    text = " ".join(" ".join(found).split())
    for state in states:
        assert f"{state.dataset.id} {state.state}" in text
        assert all(name in text for name in state.missing)
