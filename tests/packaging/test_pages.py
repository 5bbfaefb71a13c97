"""Pages that name tests, and pages that list what the code or the specification has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from biobench import cli, errors

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


def _first_cells(page: str, heading: str) -> list[str]:
    """The first cells of the rows of the one table below a heading."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [row.split("|")[1].strip() for row in rows[1:]]


def test_every_exit_code_and_level_is_explained(repository: Path) -> None:
    """Protects: docs/how-it-works.md has each exit code of the command line, with the class of its
    error, and each level of the specification, and no others."""
    page = (repository / "docs/how-it-works.md").read_text()
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.BiobenchError)
    ]
    by_signal = {cli.EXIT_INTERRUPTED, cli.EXIT_BROKEN_PIPE, cli.EXIT_TERMINATED}
    codes = {0, *by_signal, *(kind.exit_code for kind in classes)}
    assert [int(cell) for cell in _first_cells(page, "Exit codes")] == sorted(codes)
    for kind in classes:
        if "exit_code" in vars(kind):
            assert re.search(
                rf"^\| {kind.exit_code} \|.* `{kind.__name__}` \|$", page, re.MULTILINE
            )
    levels = [cell.split()[0] for cell in _first_cells(page, "Levels")]
    suite = yaml.safe_load((repository / "spec/v1/suite.yaml").read_text())
    assert levels == [level["id"] for level in suite["levels"]]


def test_the_places_of_an_addition_are_there(repository: Path) -> None:
    """Protects: CONTRIBUTING.md sends nobody who adds a layout, a format, a protocol or a metric to
    a file that has moved."""
    page = (repository / "CONTRIBUTING.md").read_text()
    section = page.split("\n### Places of an addition\n")[1].split("\n- `spec/` holds")[0]
    named = re.findall(r"`((?:B|S|native|tools)/[A-Za-z0-9_./-]+)`", section)
    assert len(named) > 20
    roots = {"B": "runner/biobench", "S": "spec/v1"}
    paths = [
        Path(roots.get(top, top), below)
        for top, _, below in (name.partition("/") for name in named)
    ]
    assert [str(path) for path in paths if not (repository / path).exists()] == []
