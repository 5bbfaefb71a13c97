"""Web pages that come where a file was asked for: one that asks back, or one that refuses.

In: an answer of type HTML. Out: the address behind its form, as Google Drive sends for files that
it cannot scan for viruses; PermanentError with the page's title otherwise.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

from biobench.data.fetch.download_errors import PermanentError
from biobench.errors import shown

LIMIT = 1 << 20
FORM = "download-form"


class _Page(HTMLParser):
    """The title, and the form of the given id with its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self._in_title = self._in_form = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Part of the parser's interface."""
        values = {name: value or "" for name, value in attrs}
        if tag == "title":
            self._in_title = True
        elif tag == "form" and values.get("id") == FORM:
            self._in_form = True
            self.action = values.get("action")
        elif tag == "input" and self._in_form and values.get("type") == "hidden":
            self.fields.append((values.get("name", ""), values.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Part of the parser's interface."""
        if tag == "title":
            self._in_title = False
        elif tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        """Part of the parser's interface."""
        if self._in_title:
            self.title += data


def is_page(response: httpx2.Response, name: str) -> bool:
    """Return whether a web page came where the file ``name`` was asked for."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"text/html", "application/xhtml+xml"} and not name.lower().endswith(
        (".html", ".htm")
    )


def address_behind(response: httpx2.Response) -> str:
    """Address that the page's form leads to.

    Raises:
        PermanentError: The form leads to no address, or to a stranger's.
    """
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LIMIT:
            break
    page = _Page()
    page.feed(content[:LIMIT].decode("utf-8", "replace"))
    here = str(response.url)
    if page.action is not None:
        there = urljoin(here, page.action)
        if urlsplit(here).scheme == "https" != urlsplit(there).scheme:
            raise PermanentError("it leads from https to http")
        if _belongs(urlsplit(here).hostname or "", urlsplit(there).hostname or ""):
            joint = "&" if urlsplit(there).query else "?"
            return there + joint + urlencode(page.fields)
    title = shown(" ".join(page.title.split())[:80])
    raise PermanentError("a web page came instead of the file" + (f" ({title!r})" if title else ""))


def _belongs(here: str, there: str) -> bool:
    return here == there or all(
        host == "google.com" or host.endswith((".google.com", ".googleusercontent.com"))
        for host in (here, there)
    )
