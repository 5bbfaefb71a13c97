"""Sizes of the files that are still to come, asked of their hosts before the first byte.

In: files of unknown size. Out: the sizes that hosts tell. It is only a courtesy: a host that does
not answer is left to the download itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import httpx2

from biobench.data.fetch.addresses import authorization_headers, direct
from biobench.data.fetch.download_errors import TransferError
from biobench.data.fetch.minimum_rate import MinimumRate
from biobench.data.sources import File

TIMEOUT_S = 10.0


def told_bytes(client: httpx2.Client, files: Iterable[File]) -> int:
    """Sum of the sizes that the first address of each file tells; stops at a silent host."""
    total = 0
    for file in files:
        address = direct(file.urls[0])
        headers = {"Accept-Encoding": "identity", **authorization_headers(address)}
        rate = MinimumRate(1, TIMEOUT_S)
        try:
            with rate.running():
                response = client.head(
                    address, headers=headers, timeout=TIMEOUT_S, extensions=rate.extensions
                )
        except (httpx2.HTTPError, httpx2.InvalidURL, TransferError):
            break
        length = response.headers.get("content-length", "")
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        if response.status_code == 200 and not encoded and length.isascii() and length.isdigit():
            total += int(length[:18])
    return total
