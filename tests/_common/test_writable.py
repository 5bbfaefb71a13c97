"""A folder that cannot be written in is said before the work, with what helps there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biobench._common.files import require_writable
from biobench.errors import UsageError


@pytest.mark.parametrize(
    ("image", "remedy"),
    [("", "change its permissions"), ("biobench:1.0", r'mkdir -p out.*--user "\$\(id -u\)')],
)
def test_the_remedy_fits_the_place(
    image: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the image the folder is a mounted one, which the engine made as root's."""
    monkeypatch.setenv("BIOBENCH_IMAGE", image)
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    with pytest.raises(UsageError, match=remedy) as caught:
        require_writable(tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert caught.value.where == str(tmp_path)
