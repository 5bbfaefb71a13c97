"""The list of models where no terminal shows it."""

from __future__ import annotations

import re

import pytest

from biobench.cli import execute
from biobench.spec.load import load_spec


def test_a_file_has_every_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: licence and number of sources are there where no terminal limits the columns."""
    monkeypatch.setenv("COLUMNS", "60")
    assert execute(["models", "list"]) == 0
    listed = capsys.readouterr().out
    heads = "name", "parameters", "input", "features", "licence", "pinned", "recipe", "resolves to"
    (head,) = (line for line in listed.splitlines() if "parameters" in line)
    assert re.split(" {2,}", head.strip()) == list(heads)
    assert "no room" not in listed
    for entry in load_spec().models.values():
        (line,) = (text for text in listed.splitlines() if text.startswith(f" {entry.name} "))
        assert line.split()[-1] == entry.resolves_to
        assert f" {entry.licence or '?'} " in line
        assert f" {entry.revision_sources or 'no'} " in line
