"""An HTTP server on loopback whose paths have scripts: a way of answering for each request,
and the last one for all that follow. hostile.py has the ways.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

CERTIFICATE = Path(__file__).with_name("loopback") / "localhost.pem"
DATE = "Tue, 01 Sep 2026 10:00:00 GMT"


@dataclass
class Resource:
    """The file at a path, and how it is served. ``requests``: the headers of each request."""

    content: bytes
    script: list[str] = field(default_factory=lambda: ["sound"])
    modified: str = DATE
    requests: list[dict[str, str]] = field(default_factory=list)

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'

    def next_way(self) -> str:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        resource = self.server.resources.get(urlsplit(self.path).path)
        if resource is None:
            self.status(404)
            return
        resource.requests.append({key.lower(): value for key, value in self.headers.items()})
        name, _, argument = resource.next_way().partition(":")
        with contextlib.suppress(OSError):
            self.server.ways[name](self, resource, argument)

    def do_HEAD(self) -> None:
        """The length, or what the next way promises; it is no step of the script."""
        resource = self.server.resources.get(urlsplit(self.path).path)
        if resource is None:
            self.status(404)
            return
        name, _, argument = resource.script[0].partition(":")
        if name == "head":
            with contextlib.suppress(OSError):
                self.server.ways[argument](self, resource, "")
            return
        length = argument if name == "promise" else str(len(resource.content))
        self.head(200, {"Content-Length": length})

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def status(self, status: int, **headers: str) -> None:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.head(status, {**names, "Content-Length": "0"})

    def start(self, resource: Resource) -> int | None:
        """The first byte of a range that is asked for and still holds."""
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if asked is None or condition not in {None, resource.etag, resource.modified}:
            return None
        return int(asked.removeprefix("bytes=").partition("-")[0])

    def begin(self, resource: Resource, headers: dict[str, str] | None = None) -> bytes:
        """Send a sound head; return the body that belongs to it."""
        content = resource.content
        start = self.start(resource)
        common = {"ETag": resource.etag, "Last-Modified": resource.modified, **(headers or {})}
        common = {name: value for name, value in common.items() if value}
        size = len(content)
        if start is None:
            self.head(200, {"Content-Length": str(size), **common})
            return content
        if start >= size:
            self.head(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
            return b""
        span = f"bytes {start}-{size - 1}/{size}"
        self.head(206, {"Content-Range": span, "Content-Length": str(size - start), **common})
        return content[start:]

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


Way = Callable[[Handler, Resource, str], None]
"""Answers one request for a resource; the text is what the script says behind a colon."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ways: Mapping[str, Way], *, secure: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ways = ways
        self.resources: dict[str, Resource] = {}
        self.scheme = "https" if secure else "http"
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what is tested."""

    def add(self, path: str, content: bytes, *script: str) -> Resource:
        self.resources[path] = Resource(content, list(script) or ["sound"])
        return self.resources[path]

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}{path}"
