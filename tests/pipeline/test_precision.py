"""Precisions other than float32: torch's autocast, declared in the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from backbones import MeanColour

from biobench.embed.features import Execution
from biobench.embed.shards import ShardKeys
from biobench.errors import UsageError
from biobench.models.base import Backbone
from biobench.models.load import load_model
from biobench.pipeline import run
from biobench.report.results import Results
from biobench.run.options import Options
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo() -> Backbone:
    return load_model("demo", load_spec().models)


def scored(demo: Backbone, folder: Path, precision: str) -> Results:
    return run(
        Options(
            model=demo, tasks=("demo-beluga",), out=folder / precision, store=folder / "store",
            engine="torch", device="cpu", precision=precision, workers=2, quiet=True,
            pictures=False,
        )
    )  # fmt: skip


def test_bfloat16_on_the_cpu(demo: Backbone, tmp_path: Path) -> None:
    """Features are near those of float32 and not the same, the result declares the precision, level
    E holds, and it is not official; neither takes the other's features from the store."""
    half, whole = (scored(demo, tmp_path, precision) for precision in ("bfloat16", "float32"))
    again = scored(demo, tmp_path / "again", "bfloat16")
    model = half.document["model"]
    assert (model["precision"], model["program"]) == ("bfloat16", None)
    assert half.document["levels"]["features"] == "E"
    assert "bfloat16 on the CPU" in half.document["unofficial_reasons"]
    assert "float32 on the CPU" not in whole.document["unofficial_reasons"]
    assert half.digests["pixels"] == whole.digests["pixels"]
    assert half.digests["features"] != whole.digests["features"]
    assert half.digests["features"] == again.digests["features"]


def test_autocast_computes_in_bfloat16(demo: Backbone) -> None:
    """A product has the precision of bfloat16, features come back as float32."""
    from biobench.embed.forward import Forward, deterministic

    class Product(MeanColour):
        def embed(self, batch: torch.Tensor) -> torch.Tensor:
            product = batch.flatten(1)[:, :48] @ torch.eye(48)
            assert product.dtype == torch.bfloat16
            return product

    model = Product()
    pixels = np.random.default_rng(1).integers(0, 256, (4, 3, 32, 32), np.uint8)
    forward = Forward(model, device="cpu", micro_batch=4, workers=1, precision="bfloat16")
    try:
        with deterministic():
            found = forward.submit(pixels).result()
    finally:
        forward.close()
    values = model.recipe.table[0][pixels[:, 0].reshape(4, -1)[:, :48]]
    assert found.dtype == np.float32
    assert np.array_equal(found, torch.from_numpy(values).bfloat16().float().numpy())
    assert not np.array_equal(found, values)


def test_the_key_has_the_precision(demo: Backbone) -> None:
    """Nothing of another precision is served."""
    execution = Execution(
        device="cpu", precision="float32", micro_batch=32, workers=1, engine={"test": 1}
    )
    names = ("float32", "float16", "bfloat16")
    keys = {ShardKeys(demo, replace(execution, precision=name)).key([]) for name in names}
    assert len(keys) == len(names)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"precision": "bfloat16", "engine": "exact"}, "computes in float32, not in bfloat16"),
        ({"precision": "float16", "device": "cpu"}, "float16 needs CUDA"),
    ],
)
def test_refused(changes: dict[str, Any], words: str, demo: Backbone, tmp_path: Path) -> None:
    """In one line, before anything is read."""
    options = Options(model=demo, tasks=("demo-beluga",), out=tmp_path / "o", store=tmp_path / "s")
    with pytest.raises(UsageError, match=words):
        run(replace(options, **changes))


def test_auto_takes_torch_for_it(
    demo: Backbone, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The exact engine carries the model and has one precision."""
    options = Options(
        model=demo, tasks=("demo-beluga",), out=tmp_path / "o", store=tmp_path / "s",
        precision="bfloat16", device="cpu", workers=2, pictures=False,
    )  # fmt: skip
    results = run(options)
    assert results.document["model"]["program"] is None
    assert "torch computes its features, level E: --precision bfloat16" in capfd.readouterr().err
