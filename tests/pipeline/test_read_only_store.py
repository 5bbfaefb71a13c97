"""A store that may only be read: all that is in it is used, and what it lacks is said."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from backbones import MeanColour
from drawn import draw_table, write_task

from biobench import load_results
from biobench._common import store
from biobench._common.store import Store
from biobench.errors import BiobenchError, UsageError
from biobench.pipeline import learning_curve, run
from biobench.run.options import Options

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """A task whose features and predictions the store has, at two sizes."""
    folder = tmp_path_factory.mktemp("read-only")
    draw_table(folder / "data" / "drawn", 6, 2)
    options = Options(
        model=MeanColour(), tasks=(write_task(folder, "groups"),), data=folder / "data",
        store=folder / "store", out=folder / "out", workers=1,
    )  # fmt: skip
    run(options)
    learning_curve(replace(options, out=folder / "curve"), (2, None))
    return options


@pytest.fixture
def mounted(asked: Options, tmp_path: Path) -> Iterator[Path]:
    """The store on a disk that the kernel lets nobody write, root included."""
    place = tmp_path / "mounted"
    place.mkdir()
    for options in (["--bind"], ["-o", "remount,ro,bind"]):
        command = ["mount", *options, str(asked.store), str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["umount", str(place)], capture_output=True, check=False)
            pytest.skip("this user may not mount a folder read-only")
    with pytest.raises(OSError, match="Read-only"):
        (place / "new").write_text("x")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every write of an entry of the store fails as on a disk that became read-only; a list of what
    was tried."""
    tried: list[Path] = []

    def write(path: Path, data: bytes) -> None:
        tried.append(path)
        cause = OSError(errno.EROFS, os.strerror(errno.EROFS))
        raise BiobenchError("cannot be written", where=str(path)) from cause

    monkeypatch.setattr(store, "write_atomically", write)
    return tried


def test_nothing_has_to_be_written(
    mounted: Path, asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same result and the same curve, without a word."""
    options = replace(asked, store=mounted, out=tmp_path / "out")
    assert asked.out is not None
    assert run(options).digests == load_results(asked.out).digests
    learning_curve(options, (2, None))
    assert "store" not in capsys.readouterr().err


def test_what_it_lacks_is_said_before_it_is_computed(
    mounted: Path, asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for the whole run, at the first forward pass; the result is there."""
    said = []

    class Another(MeanColour):
        def __init__(self) -> None:
            super().__init__()
            self.info = replace(self.info, resolved="py:tests:Another")

        def embed(self, batch):  # type: ignore[no-untyped-def]
            said.append(capsys.readouterr().err)
            return super().embed(batch)

    results = run(replace(asked, model=Another(), store=mounted, out=tmp_path / "out"))
    assert results.tasks["groups"]["cost"]["images_per_s"] > 0
    (line,) = (line for line in said[0].splitlines() if "store" in line)
    assert line == (
        f"biobench: the features of 24 of 24 images cannot be kept in the store {mounted}: "
        "this user may only read it"
    )
    assert "store" not in "".join(said[1:]) + capsys.readouterr().err


def test_a_store_that_becomes_read_only(
    refusing: list[Path], asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The computed result is not lost with it: one line, one try, and the result."""
    (tmp_path / "store").mkdir()
    results = run(replace(asked, store=tmp_path / "store", out=tmp_path / "out"))
    assert asked.out is not None
    assert results.digests == load_results(asked.out).digests
    assert len(refusing) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "store" in line]
    assert lines == [
        "biobench: what is computed from here on cannot be kept in the store "
        f"{tmp_path / 'store'}: Read-only file system"
    ]


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room can be made, so that nothing has to be computed twice."""
    import numpy as np

    def write(path: Path, data: bytes) -> None:
        raise BiobenchError("full") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "write_atomically", write)
    with pytest.raises(BiobenchError, match="full"):
        Store(tmp_path).put("features", "sha256:" + "0" * 64, {"features": np.zeros(1)})


def test_a_store_that_is_not_there_and_cannot_be_made(
    asked: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing in it that could be used: a mistake, said before the work."""
    monkeypatch.setattr(os, "access", lambda path, mode: tmp_path / "out" == Path(path))
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="cannot be written in"):
        run(replace(asked, store=tmp_path / "none", out=tmp_path / "out"))
