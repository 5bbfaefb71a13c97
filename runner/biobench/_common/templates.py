"""Rendering of templates, HTML or SVG, in which every value is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def render(folder: Path, name: str, **values: Any) -> str:
    """Render a template of a folder with its values, which are escaped; a value that a template
    names and nobody gives is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)
