"""One try to get the rest of a file from one address.

In: a part of the file. Out: the part with more bytes, whole unless TransferError is raised.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2

from biobench._common.byte_sizes import show_size
from biobench.data.fetch.addresses import authorization_headers, direct
from biobench.data.fetch.disk import require_space
from biobench.data.fetch.download_errors import (
    ContentChanged,
    PermanentError,
    TransientError,
    Unreachable,
)
from biobench.data.fetch.minimum_rate import MinimumRate
from biobench.data.fetch.pages import address_behind, is_page
from biobench.data.fetch.part import PartFile, PartOrigin
from biobench.data.fetch.response import PartResponse, read_response, request_headers
from biobench.data.fetch.retries import RetryPolicy
from biobench.data.sources import File

MOST_PAGES = 2
MOST_REDIRECTS = 10
ASK_DISK_EVERY = 256 << 20


def make_client(policy: RetryPolicy) -> httpx2.Client:
    """The client of all downloads of a command; it keeps cookies and honours proxy variables."""
    from importlib.metadata import version

    return httpx2.Client(
        follow_redirects=True,
        max_redirects=MOST_REDIRECTS,
        timeout=httpx2.Timeout(policy.stall_s, connect=policy.connect_s),
        # A connection of its own for each request: a rate knows those that were opened for it.
        limits=httpx2.Limits(max_keepalive_connections=0),
        headers={"User-Agent": f"biobench/{version('biobench')}"},
    )


def transfer(
    client: httpx2.Client,
    url: str,
    file: File,
    part: PartFile,
    policy: RetryPolicy,
    started: Callable[[], None],
) -> None:
    """Add to a part until it is whole. What was added stays in it, whatever is raised.

    Args:
        client: The connections.
        url: The address.
        file: The file that is to come.
        part: What there is of it.
        policy: The least bytes in a time, and the most where no length is stated.
        started: Called when the length is known, before the first byte.

    Raises:
        TransferError: The address does not give the file, for now or at all.
        BiobenchError: The disk has no room.
    """
    if part.kept and part.origin is not None and part.kept == part.origin.total:
        started()
        return
    start = part.kept if _may_continue(part, url, file) else 0
    headers = request_headers(start, part.origin, url)
    address = direct(url)
    rate = MinimumRate(policy.least_bytes, policy.window_s)
    with _transfer_errors(), rate.running():
        for _ in range(MOST_PAGES + 1):
            asked = headers | authorization_headers(address)
            with client.stream(
                "GET", address, headers=asked, extensions=rate.extensions
            ) as response:
                _refuse_downgrade(response)
                if response.status_code in {200, 206} and is_page(response, file.name):
                    address = address_behind(response)
                    continue
                sure = file.known.has_checksum
                answer = read_response(response, url, start, part.origin, sure=sure)
                most = _most_bytes(answer.origin, file, policy)
                _take(answer, response, file, part, most, rate, started)
                return
    raise PermanentError("the host asks again and again whether the file is meant")


def _may_continue(part: PartFile, url: str, file: File) -> bool:
    origin = part.origin
    if not part.kept or origin is None:
        return False
    if origin.url == url and origin.validator is not None:
        return True
    # Bytes of two hosts may be of two files; only a checksum can tell.
    return file.known.has_checksum and not origin.encoding


def _take(
    answer: PartResponse,
    response: httpx2.Response,
    file: File,
    part: PartFile,
    most: int,
    rate: MinimumRate,
    started: Callable[[], None],
) -> None:
    total = answer.origin.total
    _check_length(answer.origin, response, file)
    if answer.start == 0:
        part.begin(answer.origin)
    else:
        part.origin = answer.origin
        part.joined = True
    started()
    if answer.complete:
        return
    if total is not None:
        require_space(part.path.parent, total - part.kept, file.name)
    asked = part.kept
    for chunk in response.iter_raw():
        rate.count(len(chunk))
        if total is not None and part.kept + len(chunk) > total:
            raise ContentChanged(f"more than the {total} bytes came that the host promised")
        if part.kept + len(chunk) > most:
            part.discard()
            raise PermanentError(_too_many(file, most))
        part.append(chunk)
        if part.kept - asked >= ASK_DISK_EVERY:
            asked = part.kept
            require_space(part.path.parent, 0, file.name)
    if total is None:
        # Only an answer in chunks says that it ended; see _check_length.
        part.origin = PartOrigin(
            answer.origin.url,
            answer.origin.etag,
            answer.origin.modified,
            part.kept,
            answer.origin.encoding,
        )
    elif part.kept < total:
        raise TransientError("the connection ended early")


def _check_length(origin: PartOrigin, response: httpx2.Response, file: File) -> None:
    known = file.known
    if origin.total is None:
        chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
        if not chunked and known.bytes is None and not known.has_checksum:
            raise PermanentError(
                "the host does not say how long the file is, and no checksum is known"
            )
    elif known.bytes is not None and not origin.encoding and origin.total != known.bytes:
        raise PermanentError(f"the file has {origin.total} bytes there, expected {known.bytes}")


def _most_bytes(origin: PartOrigin, file: File, policy: RetryPolicy) -> int:
    """Most bytes that an answer may have, whether or not its head says how many come."""
    known = file.known.bytes
    if known is None:
        return policy.most_unsaid if origin.total is None else origin.total
    # Bytes that do not compress become a little more.
    return known if not origin.encoding else known + known // 64 + 1024


def _too_many(file: File, most: int) -> str:
    if file.known.bytes is not None:
        return f"it sends more than the {file.known.bytes} bytes expected"
    return f"it sends more than {show_size(most)} and does not say how many come"


def _refuse_downgrade(response: httpx2.Response) -> None:
    """A file that is asked for over https must not come over http."""
    schemes = [step.url.scheme for step in (*response.history, response)]
    if "https" in schemes and "http" in schemes[schemes.index("https") :]:
        raise PermanentError("it leads from https to http")


@contextmanager
def _transfer_errors() -> Iterator[None]:
    try:
        yield
    except (httpx2.TooManyRedirects, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise PermanentError(_reason(error)) from error
    except (httpx2.DecodingError, httpx2.RemoteProtocolError, httpx2.NetworkError) as error:
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            raise PermanentError("the host's certificate is not valid") from error
        if isinstance(error, httpx2.ConnectError):
            raise Unreachable(f"cannot be reached ({_reason(error)})") from error
        raise TransientError(_reason(error)) from error
    except httpx2.TimeoutException as error:
        if isinstance(error, httpx2.ConnectTimeout):
            raise Unreachable("cannot be reached in time") from error
        raise TransientError("no answer in time") from error
    except httpx2.TransportError as error:
        raise TransientError(_reason(error)) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "complete message body" in text:
        return "the connection ended early"
    return text[:200] or type(error).__name__
