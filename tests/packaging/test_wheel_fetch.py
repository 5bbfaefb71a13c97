"""Wheels of an image over a connection that breaks: fetched again, or refused in one clear line."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from imagebuild.programs import BuildError
from imagebuild.wheels import download

pytestmark = pytest.mark.slow

FILE = "tiny-1.0-py3-none-any.whl"


def wheel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("tiny.py", "answer = 42\n" * 1000)
        archive.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return stream.getvalue()


@contextmanager
def index(content: bytes, broken: int) -> Iterator[str]:
    """A package index of one wheel; the first ``broken`` answers with the wheel end half-way."""
    left = [broken]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content
            if not self.path.endswith(".whl"):
                body = f'<a href="/files/{FILE}">{FILE}</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.path.endswith(".whl") and left[0]:
                left[0] -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()


@pytest.mark.parametrize("broken", [0, 2])
def test_a_broken_connection_is_asked_again(
    broken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection that breaks in three gigabytes must not end a build of minutes."""
    content = wheel()
    line = f"tiny==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}"
    with index(content, broken) as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
        download([line], tmp_path, "x86_64", pauses=(0, 0))
    assert (tmp_path / FILE).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fetch.log", FILE]


def test_a_wheel_that_cannot_be_had_is_named_with_pips_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log lies on a machine that may be gone; the line alone has to say what was wrong."""
    content = wheel()
    line = f"tiny==1.0 --hash=sha256:{'0' * 64}"
    with index(content, 0) as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
        with pytest.raises(BuildError, match=r"tiny==1\.0 could not be fetched \(.*Got.*\)"):
            download([line], tmp_path, "x86_64", pauses=(0,))
