"""Images that are changed while a run reads them: no score of a mixture, nothing stale kept."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from backbones import MeanColour
from drawn import FOLDERS, draw_folders, metric
from opened_files import Opened

from biobench._common.store import Store
from biobench.errors import DataError
from biobench.pipeline import learning_curve, run
from biobench.report.results import Results
from biobench.run import context
from biobench.run.options import Options

pytestmark = pytest.mark.slow

FIRST = "train/amphora/train000.png"
LAST = "test/ceratium/test213.png"
"""The image that is read first, and the one that is read last."""
MICRO_BATCH = 4
PASSES = 35
"""Micro-batches of the 90 train and the 42 test images, and one image alone."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Of fcntl.h and linux/fs.h."""
CHANGED = "of 132 images were changed while they were read"

Change = Callable[[Path], None]


class Changing(MeanColour):
    """Does something to the images at given forward passes, counted from 0. A pass waits until the
    one before is done, so that it is known what was decoded by then."""

    def __init__(self, *changes: tuple[int, Callable[[], None]], name: str = "one") -> None:
        super().__init__()
        self.info = replace(self.info, name=name, resolved=f"py:tests:{name}")
        self.passes = 0
        self._changes = dict(changes)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        self._changes.get(self.passes, lambda: None)()
        self.passes += 1
        return super().embed(batch)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of three classes, in micro-batches of four; the clock is as fine as can be."""
    monkeypatch.setattr("biobench.data.file_hashes.SETTLED_NS", 0)
    execution = context._execution
    monkeypatch.setattr(
        context, "_execution", lambda *given: replace(execution(*given), micro_batch=MICRO_BATCH)
    )
    return draw_folders(tmp_path / "data" / "drawn", {"train": 30, "test": 14})


@pytest.fixture
def options(tmp_path: Path, data: Path) -> Options:
    task = {
        "task": "drawn",
        "dataset": {"id": "drawn", "layout": FOLDERS},
        "split": "train-test",
        "metrics": metric("macro_f1"),
        "protocol": "nearest_centroid",
    }
    (tmp_path / "drawn.yaml").write_text(yaml.safe_dump(task))
    return Options(
        model=Changing(),
        tasks=(str(tmp_path / "drawn.yaml"),),
        data=tmp_path / "data",
        store=tmp_path / "store",
        workers=1,
        quiet=True,
        save=False,
    )


def replaced(data: Path) -> Callable[[], None]:
    """All test images of one class get the bytes of another class."""

    def change() -> None:
        for i in range(14):
            other = data / f"test/amphora/test0{i:02}.png"
            shutil.copyfile(other, data / f"test/ceratium/test2{i:02}.png")

    return change


def beside(path: Path, data: bytes) -> None:
    """Put bytes in a file's place as careful programs do: its name never has others."""
    new = path.with_suffix(".new")
    new.write_bytes(data)
    os.replace(new, path)


def truth(options: Options, tmp_path: Path) -> Results:
    """The result of the images as they lie there, from nothing."""
    return run(replace(options, model=Changing(), store=tmp_path / "another"))


def check_store(options: Options, tmp_path: Path) -> None:
    """The store's entries by now are whole, and belong to the images that lie there."""
    assert options.store is not None
    assert Store(options.store).damaged() == []
    expected = truth(options, tmp_path)
    for model in (Changing(), options.model):
        assert run(replace(options, model=model)).digests == expected.digests
    shutil.rmtree(tmp_path / "another")


@pytest.mark.parametrize("seen", ["never", "in this store"])
@pytest.mark.parametrize("place", [0, PASSES - 1], ids=["before they are read", "after"])
def test_replaced_in_the_middle(
    seen: str, place: int, data: Path, options: Options, tmp_path: Path
) -> None:
    """The run stops and names them; then the score is that of the images there, and with the old
    ones in their places it is the old one."""
    kept = tmp_path / "kept"
    shutil.copytree(data, kept)
    good = truth(options, tmp_path)
    if seen == "in this store":
        run(replace(options, model=Changing(name="other")))
    with pytest.raises(DataError, match=f"14 {CHANGED}: test/ceratium/test200.png; ") as caught:
        run(replace(options, model=Changing((place, replaced(data)))))
    assert "and 4 more" in str(caught.value)
    assert caught.value.exit_code == 3
    check_store(options, tmp_path)
    worse = run(options)
    assert worse.tasks["drawn"]["score"] < good.tasks["drawn"]["score"]
    shutil.copytree(kept, data, dirs_exist_ok=True)
    check_store(options, tmp_path)
    assert run(options).digests == good.digests


@pytest.mark.parametrize("put", [Path.write_bytes, beside], ids=["in place", "by another file"])
def test_replaced_and_restored(
    put: Callable[[Path, bytes], object], data: Path, options: Options, tmp_path: Path
) -> None:
    """Images decoded in between are neither scored nor served to the next run."""
    image, other = data / LAST, (data / FIRST).read_bytes()
    old = image.read_bytes()
    run(replace(options, model=Changing(name="other")))
    model = Changing((0, lambda: put(image, other)), (PASSES - 1, lambda: put(image, old)))
    with pytest.raises(DataError, match=f"1 {CHANGED}: {LAST}"):
        run(replace(options, model=model))
    check_store(options, tmp_path)


def test_a_folder_that_is_swapped_and_swapped_back(
    data: Path, options: Options, tmp_path: Path
) -> None:
    """Neither the name, nor size and times of an image tell that another was decoded."""
    shutil.copytree(data, tmp_path / "other")
    replaced(tmp_path / "other")()

    def swap() -> None:
        # In one step, so that no image is missing for a moment.
        libc = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(data), os.fsencode(tmp_path / "other")
        status = libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)
        assert status == 0, os.strerror(ctypes.get_errno())

    with pytest.raises(DataError, match=CHANGED):
        run(replace(options, model=Changing((0, swap), (PASSES - 1, swap))))
    check_store(options, tmp_path)


@pytest.mark.parametrize(
    ("place", "words"),
    [(0, f"1 of 132 images cannot be read: {LAST} "), (PASSES - 1, f"1 {CHANGED}: {LAST}")],
    ids=["before it is read", "after"],
)
@pytest.mark.parametrize("change", ["truncated", "removed"])
def test_truncated_and_removed(
    change: str, place: int, words: str, data: Path, options: Options, tmp_path: Path
) -> None:
    """Exit 3 with the name; with the image back, the same store gives the score."""
    image = data / LAST
    old = image.read_bytes()

    def act() -> None:
        if change == "removed":
            image.unlink()
        else:
            image.write_bytes(old[: len(old) // 2])

    with pytest.raises(DataError, match=words.replace("(", r"\(")):
        run(replace(options, model=Changing((place, act))))
    image.write_bytes(old)
    check_store(options, tmp_path)


def test_reporting_bad_images_hides_no_change(data: Path, options: Options) -> None:
    """`--on-bad-image report` is about images that cannot be read, not about two states of them."""
    model = Changing((0, lambda: (data / LAST).write_bytes(b"no image")), name="reports")
    run(replace(options, model=Changing(name="other")))
    with pytest.raises(DataError, match=f"1 {CHANGED}: {LAST}"):
        run(replace(options, model=model, on_bad_image="report"))


def test_the_same_bytes_are_no_change(data: Path, options: Options, tmp_path: Path) -> None:
    """Other permissions, another time or a new copy of the same bytes stop nobody."""

    def touch() -> None:
        (data / FIRST).chmod(0o600)
        (data / FIRST).touch()
        beside(data / LAST, (data / LAST).read_bytes())

    model = Changing((PASSES - 1, touch))
    assert run(replace(options, model=model)).digests == truth(options, tmp_path).digests


def test_shards_of_unchanged_images_are_kept(
    data: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running again costs the shard of the changed image alone."""
    from biobench.embed import shards

    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", 1)
    other = (data / FIRST).read_bytes()
    model = Changing((PASSES - 1, lambda: beside(data / "train/balanus/train110.png", other)))
    with pytest.raises(DataError, match="train/balanus/train110"):
        run(replace(options, model=model))
    again = Changing()
    run(replace(options, model=again))
    assert again.passes == 1


def test_a_learning_curve_mixes_nothing(data: Path, options: Options) -> None:
    """Each size is a sample of features of one state."""
    model = Changing((PASSES - 1, replaced(data)))
    with pytest.raises(DataError, match=CHANGED):
        learning_curve(replace(options, model=model), (2, None))


def test_every_image_is_decoded_once(
    data: Path, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside its header, which is read first: from nothing once each, and the forward pass does not
    wait for the last of them; known and untouched not at all; copied elsewhere once, and nothing is
    embedded."""
    from biobench.embed import shards

    monkeypatch.setattr(shards, "MICRO_BATCHES_PER_SHARD", 2)
    images = sorted(str(path.relative_to(data)) for path in data.glob("*/*/*.png"))
    opened_at_first_pass = []
    with Opened(data) as opened:
        model = Changing((0, lambda: opened_at_first_pass.append(sum(opened.counts().values()))))
        cold = run(replace(options, model=model))
        assert opened.counts() == dict.fromkeys(images, 2)
    assert model.passes == PASSES
    assert opened_at_first_pass[0] - len(images) <= 8 * MICRO_BATCH
    with Opened(data) as opened:
        assert run(options).digests == cold.digests
        assert opened.counts() == dict.fromkeys(images, 1)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    model = Changing()
    with Opened(tmp_path / "copy/drawn") as opened:
        copied = run(replace(options, model=model, data=tmp_path / "copy"))
        assert opened.counts() == dict.fromkeys(images, 2)
    assert (copied.digests, model.passes) == (cold.digests, 0)


def test_a_file_that_was_just_written_is_proved_again(
    data: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are compared where the file system's clock may be too coarse to tell."""
    monkeypatch.setattr("biobench.data.file_hashes.SETTLED_NS", 10**12)
    image, other = data / LAST, (data / FIRST).read_bytes()
    status = image.stat()

    def change() -> None:
        image.write_bytes(other)
        os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))

    with pytest.raises(DataError, match=LAST):
        run(replace(options, model=Changing((PASSES - 1, change))))


def test_a_wrong_index_costs_nothing_but_time(data: Path, options: Options, tmp_path: Path) -> None:
    """Decoding puts right what the index of files says in error."""
    import sqlite3

    time.sleep(0.01)
    expected = run(options)
    assert options.store is not None
    connection = sqlite3.connect(options.store / "files.sqlite")
    with connection:
        connection.execute(
            "UPDATE files SET digest = ? WHERE path = ?",
            ("sha256:" + "0" * 64, os.fsencode(data / LAST)),
        )
    connection.close()
    for _ in range(2):
        model = Changing()
        assert run(replace(options, model=model)).digests == expected.digests
    assert model.passes == 0


def test_the_result_says_nothing_of_a_stopped_run(
    data: Path, options: Options, tmp_path: Path
) -> None:
    """An earlier good result stays as it was."""
    out = tmp_path / "out"
    run(replace(options, out=out, save=True))
    before = json.loads((out / "results.json").read_text())
    model: Any = Changing((PASSES - 1, replaced(data)), name="another")
    with pytest.raises(DataError, match=CHANGED):
        run(replace(options, model=model, out=out, save=True))
    assert json.loads((out / "results.json").read_text()) == before
