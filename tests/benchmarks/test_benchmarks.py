"""The benchmarks still run: each at a tiny size, with a number in every cell that needs one."""

from __future__ import annotations

import sys
from pathlib import Path

import centroid
import crowd
import environments
import files
import forward
import large_store
import linear
import logistic
import look_up
import memory
import metrics
import neighbours
import pytest
import run_memory
import side_by_side
import throughput
from forked import Setting
from forward_peak import peak_of_program, peak_of_torch
from PIL import Image
from stub import draw_images, write_model

import decode
import pipeline
from biobench.metric.half_jackknife import half_jackknife
from biobench.models.program.capture import capture
from biobench.models.program.lower import lower
from biobench.spec.canonical import canonical_json

pytestmark = pytest.mark.slow


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """The rows of the tables that were printed, cells by heading."""
    rows: list[dict[str, str]] = []
    heading: list[str] = []
    for line in capsys.readouterr().out.splitlines():
        if not line.startswith("|"):
            heading = []
        elif not heading:
            heading = [cell.strip() for cell in line.strip("|").split("|")]
        elif not line.startswith("|---"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows.append(dict(zip(heading, cells, strict=True)))
    return rows


def test_linear(capsys: pytest.CaptureFixture[str]) -> None:
    """Four ways, each beside the DataLoader and beside the products alone."""
    lines, once = linear.measure(linear.Problem("tiny", 3000, 32, 3, 4, 1), 1)
    assert len(lines) == 4
    assert all(float(cell) > 0 for line in lines for cell in line[3:])
    assert once >= 0


def forward_rows(threads: list[int]) -> list[dict[str, str]]:
    """Rows of a small network, where every cell has its number."""
    rows = forward.measure(forward.Model("timm", "resnet18", 64), 2, 1, threads)
    lines = [dict(zip(forward.HEADING, row, strict=True)) for row in rows]
    for theirs, ours in zip(lines[::2], lines[1::2], strict=True):
        assert theirs["way"].startswith("torch")
        assert ours["way"] == "biobench"
        assert float(ours["largest difference"]) < 1e-5
    for line in lines:
        assert all(float(line[name]) > 0 for name in forward.HEADING[3:8])
    return lines


@pytest.mark.depth
def test_forward() -> None:
    """torch and the engine, which agree."""
    theirs, ours = forward_rows([1])
    assert theirs["wall ratio to one thread"] == ours["wall ratio to one thread"] == "1.00"


@pytest.mark.depth
def test_forward_with_several_threads() -> None:
    """A pair of rows for each number."""
    assert [line["threads"] for line in forward_rows([1, 2])] == ["1", "1", "2", "2"]


@pytest.mark.depth
def test_peaks_of_forward_passes() -> None:
    """torch has the activations of a batch in memory; a program runs image by image, and has those
    of one."""
    model = forward.Model("timm", "resnet18", 64)
    module, take = model.build()
    document, constants = lower(capture(module, take, (64, 64)))
    text = canonical_json(document).decode()
    shapes = [(1, 3, 64, 64), (192, 3, 64, 64)]
    # The widest layer has 64 channels of 32 x 32.
    widest = 64 * 32 * 32 * 4
    small, large = (peak_of_torch(model, shape, 1) for shape in shapes)
    assert large - small > 190 * widest
    small, large = (peak_of_program(text, constants, shape, 1) for shape in shapes)
    assert large - small < 10 * widest


def test_look_up() -> None:
    """Both times are of the profiler, and the look-up is the smaller one."""
    looked_up, embedded = look_up.milliseconds(pipeline.load("demo"), 2, 1)
    assert 0 < looked_up < embedded


def test_logistic(capsys: pytest.CaptureFixture[str]) -> None:
    """scikit-learn's solvers and ours; where solvers converge, scores agree."""
    logistic.search(100, 6, 3, 3, 1)
    rows = printed(capsys)
    assert [row["search"] for row in rows] == [
        "saga", "lbfgs", "lbfgs, our tolerance", "biobench",
    ]  # fmt: skip
    assert all(float(row["CPU ratio"]) > 0 for row in rows)
    assert float(rows[0]["largest difference of a fold's macro-F1 from ours"]) < 0.2
    candidates = [8.0, 1.0, 4.0, 2.0]
    assert logistic.sampled(candidates, 4) == [1, 3, 2, 0]
    assert logistic.sampled(candidates, 2) == [3, 0]


def test_metrics() -> None:
    """The cells of every metric have an interval; two models have flipped signs."""
    for cells in metrics.intervals().values():
        assert half_jackknife(cells()).standard_error > 0
    assert metrics.comparison(48)().shape == (metrics.REPLICATES,)


def test_centroid(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways give the same labels."""
    centroid.measure(300, 6, 1)
    assert [row["predictions"] for row in printed(capsys)] == ["100.0 % equal"] * 2


def test_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    """Four ways, of which the exact ones name the same neighbours."""
    neighbours.measure(neighbours.Problem(300, 16, 30, 40), 1)
    rows = printed(capsys)
    assert [row["queries with equal neighbours"] for row in rows[:3]] == ["100.00 %"] * 3
    assert all(float(row["CPU ratio"]) > 0 for row in rows)


@pytest.mark.depth
def test_decode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every loader of this environment reads the images, and ours has Pillow's bytes."""
    for number in range(2):
        Image.effect_noise((300, 260), 40).convert("RGB").save(tmp_path / f"{number}.jpg")
    monkeypatch.setattr(sys, "argv", ["decode.py", str(tmp_path), "--quick"])
    assert decode.main() == 0
    rows = printed(capsys)
    assert len(rows) == 5
    assert rows[0]["CPU ratio"] == "1.00"
    assert all(float(row["wall ratio, 2 workers"]) > 0 for row in rows)
    assert rows[-1]["bytes that differ"] == "0.00 %"


def test_what_does_not_install_or_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A peer that this machine cannot have costs one line, and the rest is measured."""
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    assert environments.prepare(environments.Environment("peer", ("no requirement",))) is None
    assert "peer is left out: ERROR: Invalid requirement" in capsys.readouterr().err
    assert decode.Loader("peer", None, ("with_pillow.py", "absent")).start() is None
    assert "peer is left out: " in capsys.readouterr().err


def test_memory(tmp_path: Path) -> None:
    """Both sizes load, and the larger one takes no image's memory, 69 MiB, more."""
    small, large = memory.peaks(tmp_path, 2, 1)
    assert small > 0
    assert large < small + 69


def test_pipeline(tmp_path: Path) -> None:
    """Parts and stage run, and every cell of the row has its number."""
    pipeline.drawn(tmp_path, 2)
    manifest = pipeline.manifest_of(sorted(tmp_path.iterdir()), tmp_path, 33)
    backbone = pipeline.load("timm:mobilenetv3_small_100")
    found = pipeline.ways(manifest, backbone, 1, tmp_path)
    side_by_side.alternate(found, 1)
    line = pipeline.measured("timm:tiny", "drawn", found, 33)
    assert line[:2] == ["tiny", "drawn"]
    assert all(float(cell) > 0 for cell in line[2:])


def test_files(tmp_path: Path) -> None:
    """Both ways give the same digests, which is asserted where they are measured."""
    folder = files.drawn(tmp_path / "drawn", 3, 100)
    first, second = files.measure(folder, 2, 1)
    assert first[3:] == ["1.00", "1.00"]
    assert float(second[3]) > 0


def test_crowd(tmp_path: Path) -> None:
    """Workers of which many are killed give the digests of one run, and no part is embedded twice
    unless a worker stood still for longer than a claim lasts."""
    setting = Setting.make(
        tmp_path, write_model(tmp_path / "stub", 8), draw_images(tmp_path, 40), 1
    )
    found = crowd.measure(setting, 4, pass_s=0.1, stale_s=2.0, killed=30.0)
    assert found.right
    assert found.failed == 0
    assert found.killed > 0
    assert found.twice <= 2


def test_throughput(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number of workers gives the result of one run, with a number in every cell."""
    monkeypatch.setattr(throughput, "WORKERS", (1, 2))
    rows = throughput.rows_of(throughput.Load("tiny", 4, 5), tmp_path, 1)
    assert [row[1] for row in rows] == ["1", "2"]
    assert all(float(cell.removesuffix(" %")) > 0 for row in rows for cell in row[2:])


def test_large_store(tmp_path: Path) -> None:
    """The entries are those of a store, and one is read without the others."""
    count = large_store.write(tmp_path, 700, 16)
    assert count == 3
    found = large_store.steps(tmp_path, 700, whole=True)
    assert len(found) == 5
    one, every = found["open, read and verify one entry"], found["read and verify every entry"]
    assert 0 < one.read < every.read


def test_run_memory() -> None:
    """A run and a manifest of a table, each with its memory."""
    rows = run_memory.measured([40], 4000)
    assert [row[1] for row in rows] == ["40", "4000"]
    assert all(float(row[2]) > 0 for row in rows)


def test_the_processor_is_named() -> None:
    """A figure without its machine says little."""
    assert side_by_side.processor()
    assert "numpy" in side_by_side.versions("numpy")
