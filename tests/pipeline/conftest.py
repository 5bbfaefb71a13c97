"""Fixtures of several test files of the flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


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
