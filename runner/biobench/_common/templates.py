"""Rendering of templates, HTML or SVG, in which every value is escaped."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.optional_dependencies import without

if TYPE_CHECKING:
    from jinja2 import Environment


def can_render() -> bool:
    """True where jinja2 is installed, without which there is no template."""
    return find_spec("jinja2") is not None


@cache
def environment(folder: Path, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """The environment of the templates of a folder; a value that a template names and nobody gives
    is an error.

    Args:
        folder: The folder of the templates.
        finalize: Applied to each value before it is escaped.

    Raises:
        BiobenchError: jinja2 is not installed.
    """
    if not can_render():
        raise without("jinja2")
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
