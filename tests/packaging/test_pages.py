"""Pages that name tests: each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NAMED = re.compile(r"`((?:tests|native|tools)/[A-Za-z0-9_./-]+)`")


@pytest.mark.parametrize("page", ["security.md", "reliability.md", "fuzzing.md"])
def test_what_a_page_names_is_there(page: str, repository: Path) -> None:
    """A promise that no test holds is noticed when the test goes."""
    named = NAMED.findall((repository / "docs" / page).read_text())
    assert named
    assert [name for name in named if not (repository / name).exists()] == []


def test_each_promise_has_a_test(repository: Path) -> None:
    """Every row of a table of docs/security.md ends with a test, and links lead somewhere."""
    text = (repository / "docs/security.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "promise |" not in line]
    assert len(rows) > 20
    assert [row for row in rows if not NAMED.search(row.split("|")[2])] == []
    links = re.findall(r"\]\(([a-z-]+\.md)\)", text)
    assert [link for link in links if not (repository / "docs" / link).exists()] == []
