"""Fixtures of the tests in a browser: Debian's Chromium, a result of the demo suite, its site."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from biobench.cli import execute

CHROMIUM = os.environ.get("BIOBENCH_CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def demo(made_once: Callable[..., Path]) -> Path:
    """The demo suite's result with its page."""
    arguments = ["run", "--model", "demo", "--suite", "demo", "--offline", "--json", "--out"]

    def make(folder: Path) -> None:
        assert execute([*arguments, str(folder)]) == 0

    return made_once("browser-demo", make)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "no chromium: apt-get install chromium, or name it by BIOBENCH_CHROMIUM"
    with sync_playwright() as playwright:
        # As root, which continuous integration often is, Chromium has no sandbox of its own.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        with contextlib.closing(found):
            yield found


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file in a fresh window; what its console says as an error fails the test."""
    contexts, said = [], []

    def opened(path: Path, *, width: int = 1400, scheme: str = "light", hash: str = "") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.goto(f"{path.as_uri()}{hash}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == [], "what the console says"
