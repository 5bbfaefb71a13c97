"""A file that is asked for over https never comes over http, by whatever way a host leads there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from downloads import CONTENT, RIGHT, UNKNOWN, assert_whole, get
from hostile import Server, serving

from biobench.data.sources import Known
from biobench.errors import DataError


@pytest.fixture
def plain() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def secure() -> Iterator[Server]:
    with serving(secure=True) as running:
        yield running


def test_https_gives_the_file(secure: Server, tmp_path: Path) -> None:
    """The server and its certificate work: what is refused below is refused for its way."""
    get(secure, tmp_path, "drop:20000", "sound")
    assert_whole(tmp_path)


@pytest.mark.parametrize("known", [RIGHT, UNKNOWN])
@pytest.mark.parametrize("way", ["redirect", "page"])
def test_it_does_not_lead_to_http(
    plain: Server, secure: Server, tmp_path: Path, known: Known, way: str
) -> None:
    """A redirect and the form of a page are the same; a checksum makes no difference."""
    behind = plain.add("/behind", CONTENT)
    with pytest.raises(DataError, match="leads from https to http"):
        get(secure, tmp_path, f"{way}:{plain.url('/behind')}", known=known)
    assert list(tmp_path.iterdir()) == []
    assert way == "redirect" or not behind.requests, "a form is not even sent"


def test_from_http_it_may_lead_to_either(plain: Server, secure: Server, tmp_path: Path) -> None:
    """An address that is http in the document gives nothing away."""
    secure.add("/behind", CONTENT)
    get(plain, tmp_path, f"redirect:{secure.url('/behind')}")
    assert_whole(tmp_path)
