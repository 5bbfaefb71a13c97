"""Rendering of templates, with the scripts and styles that a page may run.

In: a template and its values, which are escaped. Out: HTML text with a policy that forbids every
script and style except the package's own, and every connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.templates import environment
from biobench.errors import LONGEST, shown

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
STYLE = "page.css"
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; worker-src blob:; img-src {images}"
)


@dataclass(frozen=True)
class Assets:
    """Scripts and the style of a page.

    Attributes:
        prefix: Path of their folder as the page names it; None where the page holds them itself.
        names: The scripts' names, in the order in which they run.
        policy: The content security policy.
    """

    prefix: str | None
    names: tuple[str, ...]
    policy: str

    @property
    def style(self) -> Markup:
        """The text of the style."""
        return _text(STYLE)

    @property
    def scripts(self) -> list[Markup]:
        """The texts of the scripts."""
        return [_text(name) for name in self.names]


def inline_assets(names: Sequence[str]) -> Assets:
    """Assets inside the page, each allowed by its hash."""
    scripts = " ".join(_hash(name) for name in names) or "'none'"
    policy = f"{_POLICY.format(images='data:')}; style-src {_hash(STYLE)}; script-src {scripts}"
    return Assets(None, tuple(names), policy)


def linked_assets(prefix: str, names: Sequence[str]) -> Assets:
    """Assets in files of the site, below ``prefix``."""
    policy = f"{_POLICY.format(images=_SITE)}; style-src {_SITE}; script-src {_SITE}"
    return Assets(prefix, tuple(names), policy)


_SITE = "'self'"


def render(template: str, **values: Any) -> str:
    """Render a template of the folder templates/ with its values, which are escaped."""
    return _environment().get_template(template).render(**values)


def json_block(value: Any) -> Markup:
    """A JSON value as text that no HTML parser takes for markup."""
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@cache
def _environment() -> Environment:
    found = environment(HERE / "templates", _printable)
    found.globals["json_block"] = json_block
    return found


def _printable(value: Any) -> Any:
    """A text without characters that move or hide others; what the package made stays."""
    return shown(value, LONGEST) if type(value) is str else value


@cache
def _text(name: str) -> Markup:
    from markupsafe import Markup

    return Markup((ASSETS / name).read_text(encoding="utf-8"))


def _hash(name: str) -> str:
    digest = hashlib.sha256(_text(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
