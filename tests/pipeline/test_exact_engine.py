"""The engine that computes the features of a run, and what a result says of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from backbones import MeanColour
from drawn import draw_folders, write_task

from biobench import evaluate, load_results
from biobench.embed.forward import Forward
from biobench.errors import ModelError, UsageError
from biobench.models import exact_backbone
from biobench.pipeline import run
from biobench.repro import variables
from biobench.run.options import Options

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """A run of the demo model on a few more images than a micro-batch, with a trained probe."""
    folder = tmp_path_factory.mktemp("engine")
    draw_folders(folder / "data" / "drawn", {"train": 8, "test": 4})
    return Options(
        model="demo", tasks=(write_task(folder, "classes"),), data=folder / "data",
        out=folder / "out", store=folder / "store", workers=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def first(asked: Options) -> Options:
    run(asked)
    return asked


def test_the_engine_by_default(first: Options) -> None:
    """The program is stated."""
    assert first.out is not None
    document = load_results(first.out).document
    assert document["levels"]["features"] == "F"
    assert document["model"]["program"].startswith("sha256:")


def test_a_program_is_traced_once(
    first: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has it; with other threads the digests are the same."""

    def traced(backbone: object) -> None:
        raise AssertionError("traced again")

    monkeypatch.setattr(exact_backbone, "make_program", traced)
    assert first.store is not None
    assert first.out is not None
    for entry in first.store.glob("features-*/*/*"):
        entry.unlink()
    again = run(replace(first, out=tmp_path / "out", workers=3))
    assert again.digests == load_results(first.out).digests


def test_a_damaged_program_is_made_again(first: Options, tmp_path: Path) -> None:
    """As any other entry of the store."""
    assert first.store is not None
    assert first.out is not None
    (entry,) = first.store.glob("programs/*/*")
    entry.write_bytes(entry.read_bytes()[:-100])
    again = run(replace(first, out=tmp_path / "out"))
    assert again.digests == load_results(first.out).digests


def test_torch_where_it_is_asked_for(
    first: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a level of its own, and under keys of its own."""
    found = run(replace(first, out=tmp_path, engine="torch"))
    assert first.out is not None
    assert found.document["model"]["program"] is None
    assert found.document["levels"]["features"] == ("T" if variables.recorded() else "E")
    assert found.digests["features"] != load_results(first.out).digests["features"]
    assert "torch computes its features" in capsys.readouterr().err


def test_what_the_engine_does_not_carry(
    asked: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and torch by default, an error where the engine is asked for."""
    options = replace(asked, model=MeanColour(), out=tmp_path, store=tmp_path / "store")
    assert run(options).document["model"]["program"] is None
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "torch computes" in line]
    assert line.endswith("it is the caller's own code")
    with pytest.raises(ModelError, match="is not a torch module"):
        run(replace(options, engine="exact"))


def test_choices_that_do_not_fit(asked: Options) -> None:
    """Each in one line, before anything is loaded."""
    with pytest.raises(UsageError, match="no engine 'fast'"):
        run(replace(asked, engine="fast"))
    with pytest.raises(UsageError, match="the exact engine runs on the CPU"):
        run(replace(asked, engine="exact", device="cuda"))


def test_a_program_is_no_model_of_torch(first: Options, demo_program: str, tmp_path: Path) -> None:
    """`--engine torch` with `program:DIR`."""
    with pytest.raises(UsageError, match="a program is run by the exact engine"):
        run(replace(first, model=demo_program, engine="torch"))
    assert first.out is not None
    found = run(replace(first, model=demo_program, out=tmp_path / "out"))
    assert found.digests["features"] == load_results(first.out).digests["features"]


def test_a_program_needs_no_torch(first: Options, demo_program: str, tmp_path: Path) -> None:
    """From the images to the result and to the check of a sample, with a probe that is trained."""
    out, model = tmp_path / "out", ["--model", demo_program]
    data = ["--data", first.data, "--task", *first.tasks]
    blocked = (
        "import sys; sys.modules['torch'] = None; from biobench.cli import execute; "
        "sys.exit(execute(sys.argv[1:]))"
    )
    for command in (
        ["run", *model, *data, "--store", tmp_path / "store", "--out", out],
        ["verify", out, "--sample", "5", *model, *data],
        ["verify", first.out, "--sample", "5", *model, *data],
    ):
        line = [sys.executable, "-c", blocked, *map(str, command)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert first.out is not None
    found, by_torch = load_results(out), load_results(first.out)
    for stage in ("features", "predictions", "score"):
        assert found.digests[stage] == by_torch.digests[stage]


def test_evaluate_reaches_the_level_of_the_command(
    first: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any process: nothing depends on what was in its environment from the start."""
    monkeypatch.setenv("BIOBENCH_STORE", str(first.store))
    assert first.out is not None
    found = evaluate("demo", first.tasks, data=first.data)
    assert found.document["levels"]["features"] == "F"
    assert found.digests["features"] == load_results(first.out).digests["features"]


def test_rows_do_not_depend_on_their_batch(first: Options) -> None:
    """Each alone, in any order, and all together."""
    import numpy as np

    from biobench._common.store import Store
    from biobench.models.load import load_model
    from biobench.spec.load import load_spec

    assert first.store is not None
    backbone = exact_backbone.exact_backbone(
        load_model("demo", load_spec().models), Store(first.store)
    )
    rng = np.random.default_rng(7)
    images = rng.standard_normal((5, 3, *backbone.recipe.crop)).astype(np.float32)
    forward = Forward(backbone, device="cpu", micro_batch=32, workers=2, precision="float32")
    try:
        whole = forward.submit(images).result()
        alone = [forward.submit(images[i : i + 1]) for i in range(5)]
        assert np.array_equal(whole, np.concatenate([future.result() for future in alone]))
        assert np.array_equal(whole[::-1], forward.submit(images[::-1].copy()).result())
    finally:
        forward.close()
