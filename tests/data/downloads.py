"""Downloading one file from servers that follow a script, for the tests of downloads."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from hostile import Resource, Server

from biobench.data.fetch.download import download
from biobench.data.fetch.retries import RetryPolicy
from biobench.data.fetch.transfer import make_client
from biobench.data.sources import File, Known

CONTENT = random.Random(1).randbytes(60_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
RIGHT = Known(sha256=SHA256)
UNKNOWN = Known()


class Waits(list[float]):
    """Waits that are noted and not taken."""

    @property
    def policy(self) -> RetryPolicy:
        return RetryPolicy(
            tries=4, least_bytes=1000, sleep=self.append, stall_s=0.2, connect_s=2.0, window_s=0.5
        )


def get(
    server: Server,
    folder: Path,
    *script: str,
    known: Known = RIGHT,
    name: str = "a.bin",
    mirrors: tuple[tuple[str, ...], ...] = (),
    content: bytes = CONTENT,
    waits: Waits | None = None,
    said: list[str] | None = None,
) -> list[Resource]:
    """Download a file that lies at one address for each script; returns what the server saw."""
    resources, urls = [], []
    for i, ways in enumerate((script, *mirrors)):
        resources.append(server.add(f"/{i}/{name}", content, *ways))
        urls.append(server.url(f"/{i}/{name}"))
    policy = (Waits() if waits is None else waits).policy
    say = ([] if said is None else said).append
    with make_client(policy) as client:
        got = download(
            client, File(name, tuple(urls), known), folder, policy=policy, say=say, quiet=True
        )
    assert got.digest.sha256 == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return resources


def assert_whole(folder: Path, name: str = "a.bin", content: bytes = CONTENT) -> None:
    """The file is there with the right bytes, and nothing else is."""
    assert (folder / name).read_bytes() == content
    assert [path.name for path in folder.iterdir()] == [name]
