"""Servers that lie in the framing of HTTP itself: the right bytes, or no file, and an end soon."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import HERE, seeded, times

sys.path.append(str(HERE.parent / "data"))

from downloads import CONTENT, RIGHT, Waits
from hostile import serving

from biobench.data.fetch.download import download
from biobench.data.fetch.transfer import make_client
from biobench.data.sources import File
from biobench.errors import DataError

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]
MOST_S = 40.0
"""A download from a server that lies ends by then, all its tries together."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SIZE = len(CONTENT)
WHOLE = b"Content-Length: %d\r\n" % SIZE
LIES: dict[str, bytes] = {
    "a chunk shorter than said": CHUNKS + b"%x\r\n%s" % (SIZE + 10, CONTENT),
    "a chunk longer than said": CHUNKS + b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE - 10, CONTENT),
    "a chunk of negative size": CHUNKS + b"-5\r\n%s\r\n0\r\n\r\n" % CONTENT,
    "a chunk of 2**64 bytes": CHUNKS + b"10000000000000000\r\n%s" % CONTENT,
    "a chunk of 2**63 - 1 bytes": CHUNKS + b"7fffffffffffffff\r\n%s" % CONTENT,
    "a size of a million digits": CHUNKS + b"0" * 1_000_000 + b"5\r\n",
    "a size in another script": CHUNKS + "\u0665\r\n".encode() + CONTENT,
    "a size that is a word": CHUNKS + b"five\r\n" + CONTENT,
    "a size with a prefix": CHUNKS + b"0x%x\r\n%s\r\n0\r\n\r\n" % (SIZE, CONTENT),
    "no line after a chunk": CHUNKS + b"%x\r\n%s0\r\n\r\n" % (SIZE, CONTENT),
    "no last chunk": CHUNKS + b"%x\r\n%s\r\n" % (SIZE, CONTENT),
    "chunks of one byte": CHUNKS + b"".join(b"1\r\n%c\r\n" % byte for byte in CONTENT[:5000]),
    "a trailer without end": CHUNKS
    + b"%x\r\n%s\r\n0\r\n" % (SIZE, CONTENT)
    + b"X-A: b\r\n" * 500_000,
    "both kinds of length": OK
    + WHOLE
    + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": OK + WHOLE + b"Content-Length: 5\r\n\r\n" + CONTENT,
    "a negative length": OK + b"Content-Length: -1\r\n\r\n" + CONTENT,
    "a length of 5,000 digits": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + CONTENT,
    "a length that is a word": OK + b"Content-Length: all\r\n\r\n" + CONTENT,
    "a length with a sign": OK + b"Content-Length: +%d\r\n\r\n%s" % (SIZE, CONTENT),
    "an older version": b"HTTP/0.9 200 OK\r\n\r\n" + CONTENT,
    "a newer version": b"HTTP/9.9 200 OK\r\n" + WHOLE + b"\r\n" + CONTENT,
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + WHOLE + b"\r\n" + CONTENT,
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "a header without a name": OK + b": x\r\n" + WHOLE + b"\r\n" + CONTENT,
    "a header with a NUL": OK + b"X-A: \0\r\n" + WHOLE + b"\r\n" + CONTENT,
    "a header of 50 MB": OK + b"X-A: " + b"a" * 50_000_000,
    "a million headers": OK + b"X-A: b\r\n" * 1_000_000,
    "a line that never ends": b"H" * 50_000_000,
    "a redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation:\r\n\r\n",
    "a redirect to a file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
    "a redirect of 10 MB": b"HTTP/1.1 302 Found\r\nLocation: /" + b"a" * 10_000_000 + b"\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + CONTENT,
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n" + CONTENT,
    "a range that nobody asked for": b"HTTP/1.1 206 Partial Content\r\n"
    + b"Content-Range: bytes 0-%d/%d\r\n" % (SIZE - 1, SIZE)
    + WHOLE
    + b"\r\n"
    + CONTENT,
    "a compressed bomb": OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
}


class Liar:
    """Answers every request with the same bytes, whatever it is."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/a.bin"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer_one, args=(connection,), daemon=True).start()

    def _answer_one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(20)
            connection.recv(65536)
            connection.sendall(self._answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def lying(answer: bytes) -> Iterator[str]:
    """The address of a server that gives this answer."""
    # Sets what keeps a proxy of the person who runs the tests away.
    with serving():
        liar = Liar(answer)
        try:
            yield liar.url
        finally:
            liar.close()


def fetched(folder: Path, *urls: str) -> bool:
    """Return whether the file was had; where it was, it has the right bytes."""
    policy = Waits().policy
    said: list[str] = []
    with make_client(policy) as client:
        try:
            download(
                client,
                File("a.bin", urls, RIGHT),
                folder,
                policy=policy,
                say=said.append,
                quiet=True,
            )
        except DataError as error:
            said.append(str(error))
    assert all(line.isprintable() and len(line) < 2000 for line in said), said
    if not (folder / "a.bin").exists():
        return False
    assert (folder / "a.bin").read_bytes() == CONTENT
    return True


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies(lie: str, tmp_path: Path, tally: Tally) -> None:
    """The right bytes or no file, in less than a minute, and little on the disk."""
    started = time.monotonic()
    with lying(LIES[lie]) as url:
        fetched(tmp_path, url)
    assert time.monotonic() - started < MOST_S
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 10 * SIZE
    tally("HTTP answers that lie", 1, 0)


def test_lies_at_random(tmp_path: Path, tally: Tally) -> None:
    """Sound answers with some bytes of the head or framing changed, cut off or doubled."""
    random, count = seeded("lies"), times(40, 5000)
    sound = [OK + WHOLE + b"\r\n" + CONTENT, CHUNKS + b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, CONTENT)]
    whole = 0
    for number in range(count):
        answer = bytearray(random.choice(sound))
        for _ in range(random.randint(0, 3)):
            place = random.choice([random.randrange(80), random.randrange(len(answer))])
            what = random.randrange(4)
            if what == 0:
                answer[place] = random.randrange(256)
            elif what == 1:
                del answer[place : place + random.randint(1, 40)]
            elif what == 2:
                answer[place:place] = answer[place : place + random.randint(1, 40)]
            else:
                del answer[max(place, 100) :]
        folder = tmp_path / str(number)
        folder.mkdir()
        with lying(bytes(answer)) as url:
            whole += fetched(folder, url)
        shutil.rmtree(folder)
    tally("HTTP answers that lie", count, 0)
    assert 0 < whole < count, "some of them are harmless and some are not"


def test_sound_answers(tmp_path: Path) -> None:
    """The counter-check: without a lie the file is had."""
    for number, answer in enumerate(
        (OK + WHOLE + b"\r\n" + CONTENT, CHUNKS + b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, CONTENT))
    ):
        (tmp_path / str(number)).mkdir()
        with lying(answer) as url:
            assert fetched(tmp_path / str(number), url)
