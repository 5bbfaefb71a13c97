"""Fixtures of several test files of the flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from photographs import Words, write_photos


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
    return write_photos(tmp_path / "photos")
