"""Models of the user's own in the image: a mounted folder, a mounted hub cache, no network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from checkpoints import COMMIT, hub_cache, transformers_folder
from containers import call, container, open_folder, readable

from biobench import load_results

pytestmark = [pytest.mark.slow, pytest.mark.container, pytest.mark.timeout(1200)]

SIGLIP2 = "google/siglip2-large-patch16-256"
TASK = "demo-beluga"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SigLIP 2 with seeded weights."""
    return transformers_folder(tmp_path_factory.mktemp("made") / "siglip2", "siglip2")


def outside(model: str, home: Path, folder: Path) -> dict[str, str]:
    """Digests of the task from a run on this machine without a container."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "BIOBENCH_STORE": str(folder / "store")}
    arguments = ["--model", model, "--task", TASK, "--offline", "--out", str(folder / "out")]
    done = call(sys.executable, "-m", "biobench", *arguments, environment=environment)
    assert done.code == 0, done.errors
    return load_results(folder / "out").digests


def test_the_literal_command_with_a_hub_cache(image: str, checkpoint: Path, tmp_path: Path) -> None:
    """`docker run biobench:1.0 --model hf:google/siglip2-large` finds the resolved repository in
    the mounted cache, records its revision, and gives the digests from outside. The revision is
    named, since that of models.yaml stands for weights that no machine without a hub has."""
    model = f"hf:google/siglip2-large@{COMMIT}"
    home = tmp_path / "home"
    hub_cache(home / "hub", SIGLIP2, checkpoint)
    readable(home)
    out = open_folder(tmp_path / "out")
    done = container(
        image, "--model", model, "--task", TASK,
        options=(f"--volume={home}:/models:ro", f"--volume={out}:/out"),
    )  # fmt: skip
    assert done.code == 0, done.errors
    results = load_results(out)
    assert results.document["model"]["resolved"] == f"hf:{SIGLIP2}"
    assert results.document["model"]["revision"] == COMMIT
    assert results.digests == outside(model, home, tmp_path)


def test_a_mounted_folder_is_a_model(image: str, checkpoint: Path, tmp_path: Path) -> None:
    """`--model hf:/models/x` takes what save_pretrained wrote."""
    models = tmp_path / "models"
    (models / "x").mkdir(parents=True)
    for path in checkpoint.iterdir():
        (models / "x" / path.name).write_bytes(path.read_bytes())
    readable(models)
    done = container(
        image, "--model", "hf:/models/x", "--task", TASK, "--json",
        options=(f"--volume={models}:/models:ro",),
    )  # fmt: skip
    assert done.code == 0, done.errors
    assert TASK in done.output


def test_a_model_that_is_not_in_the_cache_is_one_line(image: str) -> None:
    """Without a network and without a cache: exit 5, and what to do."""
    done = container(image, "--model", "hf:google/siglip2-large", "--task", TASK)
    assert done.code == 5
    assert SIGLIP2 in done.errors.strip().splitlines()[-1]
    assert "Traceback" not in done.errors
