"""Real images in the official layouts: upstream's own scores on them, and how near we are.

The folder is named by BIOBENCH_REAL_DATA; nobody's ordinary test run needs it. The bounds are the
spread of upstream's own unseeded runs with the same weights on the same images.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from biobench import Results, load_results

DATA = os.environ.get("BIOBENCH_REAL_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA, reason="BIOBENCH_REAL_DATA names no folder of real images"),
]
UPSTREAM = {
    # task: (macro-F1 of upstream's code, spread, accuracy where no seed enters)
    "herbarium19": (0.853, 0.006, None),
    "plankton": (0.365, 0.02, None),
    "beluga": (0.7817, 0.00005, 0.7848),
}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests here: each image is embedded once a division."""
    named = os.environ.get("BIOBENCH_REAL_STORE")
    return Path(named) if named else tmp_path_factory.mktemp("real-store")


def run(store: Path, out: Path, task: str, division: str) -> Results:
    command = [sys.executable, "-m", "biobench", "run", "--model", "demo", "--task", task]
    command += ["--data", DATA, "--division", division, "--store", str(store), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return load_results(out)


@pytest.mark.parametrize("task", list(UPSTREAM))
def test_compat_lands_where_upstream_does(task: str, store: Path, tmp_path: Path) -> None:
    """Division compat reaches upstream's macro-F1 within the spread of upstream's own runs."""
    if not (Path(DATA) / task).is_dir():
        pytest.skip(f"the folder of real images has no {task}")
    expected, spread, accuracy = UPSTREAM[task]
    results = run(store, tmp_path, task, "compat")
    entry = results.tasks[task]
    assert abs(entry["score"] - expected) <= spread
    assert entry["interval"] is None
    if accuracy is not None:
        assert abs(entry["metrics"]["accuracy"] - accuracy) <= 0.00005


@pytest.mark.parametrize("task", list(UPSTREAM))
def test_official_scores_real_images(task: str, store: Path, tmp_path: Path) -> None:
    """The official protocol runs on real images: a score above chance, inside its interval."""
    if not (Path(DATA) / task).is_dir():
        pytest.skip(f"the folder of real images has no {task}")
    entry = run(store, tmp_path, task, "official").tasks[task]
    assert 2 / entry["counts"]["classes"] < entry["score"] < 1
    assert entry["interval"]["low"] < entry["score"] < entry["interval"]["high"]


def test_features_equal_the_framework_with_pillow() -> None:
    """Features of real images are within 1e-4 relative of timm's with Pillow's transform."""
    import timm
    import torch
    from PIL import Image

    from biobench.data.build import build_manifest
    from biobench.decode.native import decode_batch
    from biobench.models.load import load_model
    from biobench.spec.load import load_spec

    spec = load_spec()
    backbone = load_model("demo", spec.models)
    folder = Path(DATA) / "plankton"
    if not folder.is_dir():
        pytest.skip("the folder of real images has no plankton")
    manifest = build_manifest(spec.task("plankton", "official"), folder)
    paths = [str(folder / row.path) for row in manifest.rows[::97]]
    ours = decode_batch(paths, backbone.recipe, workers=2)
    assert not ours.failures
    with torch.inference_mode():
        features = backbone.embed(torch.from_numpy(backbone.recipe.normalise(ours.pixels))).numpy()

    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    reference.load_state_dict(backbone.module.state_dict(), strict=False)
    reference.eval()
    config = timm.data.resolve_model_data_config(reference)
    transform = timm.data.create_transform(**config, is_training=False)
    tensors = []
    for path in paths:
        with Image.open(path) as image:
            tensors.append(transform(image.convert("RGB")))
    with torch.inference_mode():
        expected = reference(torch.stack(tensors)).numpy()
    distance = np.linalg.norm(features - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert distance.max() < 1e-4
