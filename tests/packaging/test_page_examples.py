"""Python examples of the documentation: each block of each page runs, in the order of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "README.md": ".ci/run",
    "docs/api.md": "tests/packaging/test_api_page.py",
    "docs/loading-images.md": "tests/decode/test_loading_page.py",
    "docs/probes.md": "tests/probe/test_probes_page.py",
}
"""Pages whose blocks run elsewhere: a test looks at what they print, or continuous integration runs
them once, as the README's, which takes the whole demo suite."""


def pages() -> dict[str, list[str]]:
    """The Python blocks of every page that has any, by its path in the repository."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = {path: BLOCK.findall(path.read_text(encoding="utf-8")) for path in paths}
    return {path.relative_to(ROOT).as_posix(): blocks for path, blocks in found.items() if blocks}


@pytest.mark.parametrize("page", sorted(set(pages()) - set(ELSEWHERE)))
def test_the_blocks_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: what a page shows can be typed; later blocks see the names of earlier ones."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    for block in pages()[page]:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_the_others_are_run_elsewhere(page: str, test: str) -> None:
    """Protects: a page is left out here only as long as it has blocks and a test reads it."""
    assert page in pages()
    assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")
