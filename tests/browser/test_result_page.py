"""The page of a result in a browser: sorting, pictures, the check of scores, accessibility."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

DONE = "#check-{0}.holds, #check-{0}.differs"


def column(page: Any, table: str, number: int) -> list[str]:
    """The cells of a column of a table's body."""
    return [
        text.strip()
        for text in page.locator(f"{table} tbody tr > :nth-child({number})").all_inner_texts()
    ]


def findings(page: Any) -> list[str]:
    """Rules of axe-core that the page breaks, with the element."""
    from axe_playwright_python.sync_playwright import Axe

    # It would read style sheets again, which the page's policy forbids.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found]


def test_a_score_is_computed_again_and_is_the_same(
    demo: Path, open_page: Callable[..., Any]
) -> None:
    """Every score of the page turns green: each stage gives what the result states."""
    page = open_page(demo / "report.html")
    tasks = [cell.get_attribute("data-check") for cell in page.locator("[data-check]").all()]
    assert len(tasks) == 9
    for task in tasks:
        page.locator(f'[data-check="{task}"] button').click()
        page.wait_for_selector(DONE.format(task))
        text = page.locator(f"#check-{task}").inner_text()
        assert "every stage is the same" in text
        assert page.locator(f"#check-{task} li").count() >= 8
        assert page.locator(f'[data-check="{task}"] button').get_attribute("class") == "score holds"


@pytest.mark.parametrize("change", ["prediction", "score", "interval", "model"])
def test_one_change_turns_it_red(
    demo: Path, open_page: Callable[..., Any], tmp_path: Path, change: str
) -> None:
    """One changed prediction, or one changed number of the result, is found and its stage named."""
    text = (demo / "report.html").read_text()
    task = "demo-plankton"
    if change == "prediction":
        text = re.sub(
            rf'(data-rows="{task}">)"([^"]*)"',
            lambda match: f'{match[1]}"{_one_other(match[2])}"',
            text,
        )
    else:
        start = text.index('id="check-data">') + len('id="check-data">')
        end = text.index("</script>", start)
        held = json.loads(text[start:end])
        entry = held["document"]["tasks"][task]
        if change == "score":
            entry["score"] += 1e-12
        elif change == "interval":
            entry["interval"]["low"] -= 1e-12
        else:
            held["document"]["model"]["name"] = "another"
        text = text[:start] + json.dumps(held).replace("<", "\\u003c") + text[end:]
    changed = tmp_path / "report.html"
    changed.write_text(text)
    page = open_page(changed)
    page.locator(f'[data-check="{task}"] button').click()
    page.wait_for_selector(DONE.format(task))
    stages = {
        "prediction": "predictions",
        "score": "score",
        "interval": "interval",
        "model": "result",
    }
    said = page.locator(f"#check-{task} p").inner_text()
    assert f"first stage that differs: {stages[change]}." in said
    assert page.locator(f"#check-{task}").get_attribute("class") == "check differs"


def _one_other(packed: str) -> str:
    """Packed predictions of which the last one has another label."""
    rows = json.loads(gzip.decompress(base64.b64decode(packed)))
    rows[-1][2] = 0 if rows[-1][2] else 1
    return base64.b64encode(gzip.compress(json.dumps(rows).encode())).decode()


def test_sorting_by_mouse_and_keyboard(demo: Path, open_page: Callable[..., Any]) -> None:
    """Every column sorts both ways, by its numbers where it has numbers, and says so."""
    page = open_page(demo / "report.html")
    table = "table.stack"
    head = page.locator(f"{table} thead th").nth(2)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    scores = [float(text) for text in column(page, table, 3)]
    assert scores == sorted(scores, reverse=True)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert [float(text) for text in column(page, table, 3)] == sorted(scores)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(f"{table} th[aria-sort]").inner_text().startswith("protocol")
    assert column(page, table, 5) == sorted(column(page, table, 5))


def test_what_the_model_gets_wrong(demo: Path, open_page: Callable[..., Any]) -> None:
    """Wrong items have a picture and what they were taken for; individuals their neighbours. Before
    them is an example of each of the twelve classes."""
    page = open_page(demo / "report.html")
    section = page.locator("#task-demo-plankton")
    examples, wrong = section.locator("ul.pictures").all()
    assert (examples.locator("img").count(), wrong.locator("img").count()) == (12, 24)
    pictures = section.locator("ul.pictures img")
    widths = pictures.evaluate_all(
        """all => Promise.all(all.map((image) => {
            image.loading = 'eager';
            return image.decode().then(() => image.naturalWidth);
        }))"""
    )
    assert set(widths) == {112}
    assert "taken for" in wrong.locator("li").first.inner_text()
    assert "taken for" not in examples.inner_text()
    captions = section.locator("table caption").all_inner_texts()
    assert any(text.startswith(("All", "The 20 most frequent of")) for text in captions)
    whales = page.locator("#task-demo-beluga .query")
    assert whales.count() == 11
    assert page.locator("#task-demo-beluga .near li").count() == 55


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_everybody_can_read_it(
    demo: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    """No finding of axe-core, and nothing that is wider than the screen."""
    page = open_page(demo / "report.html", width=width, scheme=scheme)
    page.locator('[data-check="demo-kabr"] button').click()
    page.wait_for_selector(DONE.format("demo-kabr"))
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_links_lead_somewhere(demo: Path, open_page: Callable[..., Any]) -> None:
    """Every link within the page has its target."""
    page = open_page(demo / "report.html")
    targets = page.eval_on_selector_all(
        "a[href^='#']", "links => links.map(a => a.getAttribute('href'))"
    )
    assert len(targets) == 9
    for target in targets:
        assert page.locator(target).count() == 1
