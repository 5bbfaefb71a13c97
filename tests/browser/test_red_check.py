"""Words of the check of a score that differs: readable, in its frame, with the true rank."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_models_page import TASK, models
from test_result_page import DONE

from biobench.cli import execute

__all__ = ["models"]

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def changed_site(models: Path, made_once: Callable[..., Path]) -> Path:
    """A site of two models; a right prediction of the better one has another label in it."""

    def make(folder: Path) -> None:
        results = [str(path.parent) for path in sorted(models.glob("*/results.json"))]
        assert execute(["report", *results, "--site", str(folder / "site")]) == 0
        (data,) = (folder / "site/data").glob(f"demo-*/{TASK}.js")
        text = data.read_text()
        start = text.index('{"rows"')
        value, end = json.JSONDecoder().raw_decode(text, start)
        rows = json.loads(gzip.decompress(base64.b64decode(value["rows"])))
        right = next(row for row in rows if row[1] == row[2])
        right[2] = 0 if right[2] else 1
        value["rows"] = base64.b64encode(gzip.compress(json.dumps(rows).encode())).decode()
        data.write_text(text[:start] + json.dumps(value) + text[end:])

    return made_once("browser-changed-site", make) / "site"


@pytest.mark.parametrize("width", [400, 1200])
def test_a_changed_prediction_is_told_in_words(
    changed_site: Path, open_page: Callable[..., Any], width: int
) -> None:
    """The lower score still ranks before the other model's; no text leaves the frame."""
    (page_file,) = (changed_site / "models").glob("demo-*.html")
    page = open_page(page_file, width=width, hash=f"#check-{TASK}")
    page.wait_for_selector(DONE.format(TASK))
    box = page.locator(f"#check-{TASK}")
    assert "first stage that differs: predictions." in box.locator("p").inner_text()
    said = {line[2:].partition(": ")[0]: line for line in box.locator("li").all_inner_texts()}
    assert said["rank"] == "\u2713 rank: 1 of 2"
    assert said["interval"].startswith("\u2717 interval: 0.")
    assert " to 0." in said["interval"]
    assert not any(mark in line for line in said.values() for mark in '{}"')
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_difference_behind_the_digits_is_named(
    models: Path, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    """Bounds that are the same in three digits are not called different without what differs."""
    text = (models / "demo/report.html").read_text()
    start = text.index('id="check-data">') + len('id="check-data">')
    held, end = json.JSONDecoder().raw_decode(text, start)
    held["document"]["tasks"][TASK]["interval"]["low"] -= 1e-12
    changed = tmp_path / "report.html"
    changed.write_text(text[:start] + json.dumps(held).replace("<", "\\u003c") + text[end:])
    page = open_page(changed, hash=f"#check-{TASK}")
    page.wait_for_selector(DONE.format(TASK))
    (line,) = page.locator(f"#check-{TASK} li", has_text="interval:").all_inner_texts()
    assert line.startswith("\u2717 interval: bounds low 0.")
