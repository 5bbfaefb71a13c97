"""docs/loading-images.md, block for block: it works, and gives the batches of a DataLoader."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_does_what_it_says(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every block in order; its class gives the bits that the DataLoader before it gives, anew in
    every loop and after one that was left early."""
    random = np.random.Generator(np.random.PCG64(5))
    for index in range(40):
        path = tmp_path / "photos" / "ab"[index % 2] / f"{index:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((300 + index, 260)).save(path)
    monkeypatch.chdir(tmp_path)
    page = (repository / "docs" / "loading-images.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    loaders = []
    for block in BLOCK.findall(page):
        exec(compile(block, "loading-images.md", "exec"), names)
        if names.get("loader") not in (None, *loaders):
            loaders.append(names["loader"])
    assert capsys.readouterr().out == "0 (32, 3, 224, 224)\n32 (8, 3, 224, 224)\n"
    theirs, ours = ([*loader] for loader in loaders)  # type: ignore[misc]
    assert len(theirs) == len(ours) == len(loaders[1]) == 2  # type: ignore[arg-type]
    next(iter(loaders[1]))  # type: ignore[call-overload]
    assert len([*loaders[1]]) == 2  # type: ignore[misc]
    for (images, labels), (same_images, same_labels) in zip(theirs, ours, strict=True):
        assert torch.equal(images, same_images)
        assert torch.equal(labels, same_labels)
    assert names["pixels"].shape == (8, 224, 224, 3)  # type: ignore[attr-defined]
