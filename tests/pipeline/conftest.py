"""Fixtures of several test files of the flow."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from photographs import CLASSES, EACH, Words


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are decoded, in order; the loader is the real one."""
    # Not at the top: most tests of the folder need no loader.
    from biobench.decode.loader import ImageLoader
    from biobench.embed import compute

    paths: list[str] = []

    class Counting(ImageLoader):
        def __init__(self, items: Sequence[str], *args: Any, **options: Any) -> None:
            paths.extend(items)
            super().__init__(items, *args, **options)

    monkeypatch.setattr(compute, "ImageLoader", Counting)
    return paths


@pytest.fixture
def scoring(small_program: str) -> Words:
    """The words before a folder of images, with a model that needs no torch."""
    return "run", "--model", small_program, "--images"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes of twelve drawn organisms each, in folders."""
    # Not at the top: most tests of the folder need no runner for it.
    from biobench.data.locate import EMBEDDED

    for name in CLASSES:
        source = EMBEDDED / "demo-plankton/train" / name
        (tmp_path / "photos" / name).mkdir(parents=True)
        for image in sorted(source.iterdir())[:EACH]:
            shutil.copy(image, tmp_path / "photos" / name / image.name)
    return tmp_path / "photos"
