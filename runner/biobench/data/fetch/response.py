"""Reading the head of an answer: does it give the bytes that were asked for? (RFC 9110)

In: an answer to a request for a file, maybe from an offset. Out: where its bytes begin and of what
they are; or the failure, by what to do about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx2

from biobench.data.fetch.download_errors import ContentChanged, PermanentError, TransientError
from biobench.data.fetch.part import PartOrigin
from biobench.data.fetch.retries import asked_wait

_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_UNSATISFIED = re.compile(r"bytes\s+\*/(\d{1,18})", re.ASCII)
_DECIMAL = re.compile(r"\d{1,18}", re.ASCII)
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
ENCODINGS = frozenset({"gzip", "x-gzip"})


@dataclass(frozen=True)
class PartResponse:
    """Bytes of ``origin`` from ``start``.

    Attributes:
        complete: True where there are no more than were kept.
    """

    origin: PartOrigin
    start: int
    complete: bool = False


def request_headers(start: int, origin: PartOrigin | None, url: str) -> dict[str, str]:
    """Headers that ask for the bytes from ``start``, if they are still those of ``origin``."""
    # Without it a server may compress what it sends, and ranges would count compressed bytes.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if origin is not None and origin.url == url and origin.validator is not None:
            headers["If-Range"] = origin.validator
    return headers


def read_response(
    response: httpx2.Response, url: str, start: int, kept: PartOrigin | None, *, sure: bool
) -> PartResponse:
    """Content that the answer gives.

    Args:
        response: The answer.
        url: The address that was asked.
        start: Number of bytes that are kept from earlier answers.
        kept: The origin of these bytes.
        sure: Whether a checksum will tell if they fit together.

    Raises:
        TransferError: The answer is of no use.
    """
    status = response.status_code
    if status == 416 and start:
        return _nothing_more(response, start, kept)
    if status in _TRANSIENT_STATUS:
        raise TransientError(
            f"status {status}", wait=asked_wait(response.headers.get("retry-after"))
        )
    if status not in {200, 206}:
        hint = {401: ", access is refused", 403: ", access is refused", 404: ", not found"}
        raise PermanentError(f"status {status}{hint.get(status, '')}")
    origin = _origin(response, url)
    if status == 200:
        return PartResponse(origin, 0)
    if not start:
        raise PermanentError("a part came where the whole was asked for")
    return _continued(response, origin, start, kept, sure=sure)


def _origin(response: httpx2.Response, url: str) -> PartOrigin:
    headers = response.headers
    etag = headers.get("etag")
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding == "identity":
        encoding = ""
    if encoding and encoding not in ENCODINGS:
        raise PermanentError(f"the host sends it in the encoding {encoding[:40]!r}")
    length = headers.get("content-length", "")
    total = int(length) if _DECIMAL.fullmatch(length) else None
    return PartOrigin(
        url=url,
        etag=etag if etag and not etag.startswith("W/") else None,
        modified=headers.get("last-modified"),
        total=total,
        encoding=encoding,
    )


def _continued(
    response: httpx2.Response,
    origin: PartOrigin,
    start: int,
    kept: PartOrigin | None,
    *,
    sure: bool,
) -> PartResponse:
    match = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if match is None or kept is None:
        raise ContentChanged("the host does not say which part it sends")
    first, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    if first != start or last < first or (total is not None and last != total - 1):
        raise ContentChanged(
            f"the host sends bytes {first} to {last} where those from {start} were asked"
        )
    if None not in (total, kept.total) and total != kept.total:
        raise ContentChanged(f"the file had {kept.total} bytes and now has {total}")
    if origin.encoding != kept.encoding:
        raise ContentChanged("the file came in another encoding before")
    same_host = origin.url == kept.url
    if same_host and origin.etag and kept.etag and origin.etag != kept.etag:
        raise ContentChanged("the file has changed on the host")
    known = same_host and kept.validator in {origin.etag, origin.modified} - {None}
    if not sure and not known:
        raise ContentChanged("the host does not say whether the file is still the same")
    whole = total if total is not None else kept.total
    return PartResponse(
        PartOrigin(origin.url, origin.etag, origin.modified, whole, origin.encoding), first
    )


def _nothing_more(response: httpx2.Response, start: int, kept: PartOrigin | None) -> PartResponse:
    match = _UNSATISFIED.fullmatch(response.headers.get("content-range", "").strip())
    if kept is not None and match is not None and int(match[1]) == start == kept.total:
        return PartResponse(kept, start, complete=True)
    raise ContentChanged(f"the host has no bytes from {start} on")
