"""The page of the models of one run in a browser: it answers, and leads to what each gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_result_page import DONE, findings

from biobench.cli import execute

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

TASK = "demo-plankton"


@pytest.fixture(scope="session")
def models(made_once: Callable[..., Path]) -> Path:
    """The folder of a run of two models, of which one knows nothing."""

    def make(folder: Path) -> None:
        import timm
        import torch
        from safetensors.torch import save_file

        torch.manual_seed(1)
        save_file(timm.create_model("test_vit").state_dict(), folder / "vit.safetensors")
        weights = f"timm:{folder}/vit.safetensors#test_vit"
        arguments = ["run", "--model", weights, "--model", "demo", "--task", TASK, "--json"]
        assert execute([*arguments, "--offline", "--out", str(folder / "out")]) == 0

    return made_once("browser-models", make) / "out"


def test_the_best_model_is_first_and_leads_to_its_mistakes(
    models: Path, open_page: Callable[..., Any]
) -> None:
    """Protects: the order, and a score whose link computes it again on the page of its model."""
    page = open_page(models / "models.html")
    rows = page.locator("table.standings tbody tr")
    assert rows.locator("th").all_inner_texts() == ["demo", "timm:./vit.safetensors#test_vit"]
    page.wait_for_selector(".plot svg")
    (said,) = page.locator("ul.verdicts li").all_inner_texts()
    assert said.startswith(f"{TASK}: ")
    assert "demo" in said
    assert "86 test items" in said
    rows.first.locator("td a").click()
    page.wait_for_selector(DONE.format(TASK))
    assert page.url.startswith((models / "demo/report.html").as_uri())
    assert "every stage is the same" in page.locator(f"#check-{TASK}").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_no_finding_and_no_wider_than_the_screen(
    models: Path, open_page: Callable[..., Any], width: int, scheme: str
) -> None:
    """Protects: axe-core finds nothing, and nothing but a table scrolls sideways."""
    page = open_page(models / "models.html", width=width, scheme=scheme)
    page.wait_for_selector(".plot svg")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_cut_table_keeps_its_caption_and_shows_that_it_goes_on(
    models: Path, open_page: Callable[..., Any]
) -> None:
    """On a phone the caption stays within the screen while the table scrolls below it."""
    page = open_page(models / "models.html", width=400)
    wide = page.locator(".wide").first
    assert wide.evaluate("box => box.scrollWidth > box.clientWidth")
    assert "local" in wide.evaluate("box => getComputedStyle(box).backgroundAttachment")
    for left in (0, 60):
        wide.evaluate("(box, left) => { box.scrollLeft = left; }", left)
        box = wide.locator("caption span").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400
