"""The addresses of a file: those of its document, those that a user adds, and how hosts want them.

In: addresses as people write them. Out: addresses that give the file, with the headers that the
host asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from urllib.parse import parse_qs, quote, unquote, urlsplit

from biobench.data.sources import DataSource
from biobench.errors import UsageError

_DRIVE_FILE = re.compile(r"/file/d/([A-Za-z0-9_-]+)(?:/|$)")


def direct(url: str) -> str:
    """The address that gives the file: for a page of Google Drive, its download address."""
    parts = urlsplit(url)
    if parts.hostname not in {"drive.google.com", "docs.google.com"}:
        return url
    found = _DRIVE_FILE.match(parts.path)
    ids = [found[1]] if found else parse_qs(parts.query).get("id", [])
    if not ids:
        return url
    return f"https://drive.usercontent.google.com/download?id={ids[0]}&export=download&confirm=t"


def authorization_headers(url: str) -> dict[str, str]:
    """The user's token of the Hugging Face hub, for addresses of the hub and none other."""
    there = urlsplit(url)
    if there.scheme != "https" or find_spec("huggingface_hub") is None:
        # Without that library nobody is logged in to the hub.
        return {}
    from huggingface_hub import constants, get_token

    hub = urlsplit(constants.ENDPOINT)
    if (there.scheme, there.netloc) != (hub.scheme, hub.netloc):
        return {}
    token = get_token()
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def with_own_urls(sources: Sequence[DataSource], urls: Sequence[str]) -> tuple[DataSource, ...]:
    """The sources with the user's addresses before the document's.

    An address that ends in ``/`` is a folder that has all files by their names. Any other gives the
    file of its last part; where the data set has a single file, whatever its last part is.

    Raises:
        UsageError: An address fits no file, or is not an address.
    """
    files = [file for source in sources for file in source.files]
    added: dict[str, list[str]] = {file.name: [] for file in files}
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(
                f"{url!r} is not an address", remedy="give --url an http or https address"
            )
        name = unquote(parts.path).rpartition("/")[2]
        if not name:
            for file in files:
                added[file.name].append(url + quote(file.name))
        elif name in added or len(files) == 1:
            added[name if name in added else files[0].name].append(url)
        else:
            raise UsageError(
                f"{url!r} matches none of the files {', '.join(sorted(added))}",
                remedy="give the address of a file of that name, or of a folder, ending in /",
            )
    return tuple(
        replace(
            source,
            files=tuple(
                replace(file, urls=tuple(dict.fromkeys((*added[file.name], *file.urls))))
                for file in source.files
            ),
        )
        for source in sources
    )
