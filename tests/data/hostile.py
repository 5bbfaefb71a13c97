"""The wrong ways of answering that a download has to survive, and a server of them on loopback."""

from __future__ import annotations

import contextlib
import gzip
import os
import threading
import time
from collections.abc import Iterator

from scripted_server import CERTIFICATE, Handler, Resource, Server, Way

__all__ = ["Resource", "Server", "serving"]


def sound(self: Handler, resource: Resource, argument: str) -> None:
    self.wfile.write(self.begin(resource))


def drop(self: Handler, resource: Resource, argument: str) -> None:
    """The connection ends after some bytes."""
    self.wfile.write(self.begin(resource)[: int(argument)])
    self.hang_up()


def reset(self: Handler, resource: Resource, argument: str) -> None:
    self.wfile.write(self.begin(resource)[: int(argument)])
    self.reset()


def stall(self: Handler, resource: Resource, argument: str) -> None:
    """Some bytes, then silence."""
    self.wfile.write(self.begin(resource)[: int(argument)])
    self.wfile.flush()
    time.sleep(0.5)
    self.hang_up()


def slow(self: Handler, resource: Resource, argument: str) -> None:
    """Everything, in 20 pieces, with as many seconds between them as the argument says."""
    body = self.begin(resource)
    size = max(1, len(body) // 20)
    for start in range(0, len(body), size):
        self.wfile.write(body[start : start + size])
        self.wfile.flush()
        time.sleep(float(argument or 0.005))


def wrong(self: Handler, resource: Resource, argument: str) -> None:
    """As many bytes, one of them another."""
    body = bytearray(self.begin(resource))
    if body:
        body[len(body) // 2] ^= 1
    self.wfile.write(bytes(body))


def ignore_range(self: Handler, resource: Resource, argument: str) -> None:
    del self.headers["Range"]
    cut = int(argument) if argument else None
    self.wfile.write(self.begin(resource)[:cut])
    if cut is not None:
        self.hang_up()


def ignore_condition(self: Handler, resource: Resource, argument: str) -> None:
    """Ranges are honoured whatever If-Range says."""
    del self.headers["If-Range"]
    sound(self, resource, argument)


def other_range(self: Handler, resource: Resource, argument: str) -> None:
    """Says, and sends, bytes from another place."""
    start = self.start(resource)
    if start is None:
        sound(self, resource, argument)
        return
    start //= 2
    body, size = resource.content[start:], len(resource.content)
    span = f"bytes {start}-{size - 1}/{size}"
    self.head(206, {"Content-Range": span, "Content-Length": str(len(body)), "ETag": resource.etag})
    self.wfile.write(body)


def lying_range(self: Handler, resource: Resource, argument: str) -> None:
    """Says it sends the bytes asked for, and sends others."""
    body = self.begin(resource)
    self.wfile.write(resource.content[: len(body)])


def no_range_said(self: Handler, resource: Resource, argument: str) -> None:
    self.head(206, {"Content-Length": str(len(resource.content)), "ETag": resource.etag})
    self.wfile.write(resource.content)


def too_long(self: Handler, resource: Resource, argument: str) -> None:
    """Promises more bytes than there are."""
    size = len(resource.content) + 100
    self.head(200, {"Content-Length": str(size), "ETag": resource.etag})
    self.wfile.write(resource.content)
    self.hang_up()


def promise(self: Handler, resource: Resource, argument: str) -> None:
    """Promises as many bytes as the argument says."""
    self.head(200, {"Content-Length": argument, "ETag": resource.etag})
    self.wfile.write(resource.content)
    self.hang_up()


def too_short(self: Handler, resource: Resource, argument: str) -> None:
    """Promises fewer bytes than there are, and sends all."""
    size = max(0, len(resource.content) - 100)
    self.head(200, {"Content-Length": str(size), "ETag": resource.etag})
    self.wfile.write(resource.content)
    self.hang_up()


def unknown_length(self: Handler, resource: Resource, argument: str) -> None:
    """The end of the connection is the end of the file, or of half of it."""
    self.head(200, {"Connection": "close"})
    self.wfile.write(resource.content[: int(argument) if argument else None])
    self.hang_up()


def chunked(self: Handler, resource: Resource, argument: str) -> None:
    """In chunks, without a length; cut after some bytes where the argument says so."""
    self.head(200, {"Transfer-Encoding": "chunked", "ETag": resource.etag})
    body = resource.content[: int(argument) if argument else None]
    for start in range(0, len(body), 5_000):
        piece = body[start : start + 5_000]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    if argument:
        self.hang_up()
    else:
        self.wfile.write(b"0\r\n\r\n")


def endless(self: Handler, resource: Resource, argument: str) -> None:
    """Chunks that never end, of as many bytes as the argument says."""
    self.head(200, {"Transfer-Encoding": "chunked", "ETag": resource.etag})
    piece = resource.content[: int(argument or 5_000)]
    while True:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))


def drip(self: Handler, resource: Resource, argument: str) -> None:
    """The file, a byte at a time; each byte begins a timeout anew."""
    for byte in self.begin(resource):
        self.wfile.write(bytes([byte]))
        time.sleep(0.02)


def drip_comment(self: Handler, resource: Resource, argument: str) -> None:
    """A chunk whose extension never ends: bytes come, and nothing of the file."""
    self.head(200, {"Transfer-Encoding": "chunked", "ETag": resource.etag})
    self.wfile.write(b"1;")
    while True:
        self.wfile.write(b"a")
        time.sleep(0.02)


def drip_head(self: Handler, resource: Resource, argument: str) -> None:
    """A head that never ends."""
    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        self.wfile.write(b"a")
        time.sleep(0.02)


def drip_page(self: Handler, resource: Resource, argument: str) -> None:
    """A web page that never ends."""
    self.head(200, {"Content-Type": "text/html", "Connection": "close"})
    while True:
        self.wfile.write(b" ")
        time.sleep(0.02)


def interim(self: Handler, resource: Resource, argument: str) -> None:
    """Answers before the answer, without end."""
    while True:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def huge_head(self: Handler, resource: Resource, argument: str) -> None:
    """Many large headers, and one that is larger than all others."""
    many = {f"X-{i}": "a" * 8_000 for i in range(int(argument or 3_000))}
    self.head(200, {**many, "ETag": '"' + "e" * 4_000_000 + '"'})


def gzipped(self: Handler, resource: Resource, argument: str) -> None:
    """Compressed for the way, although nobody asked for it."""
    body = gzip.compress(resource.content, mtime=0)
    headers = {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
    self.head(200, {**headers, "ETag": f'"{resource.etag[1:-1]}-gzip"'})
    self.wfile.write(body)


def called_gzip(self: Handler, resource: Resource, argument: str) -> None:
    """As it is, and called encoded: what servers do with files that are gzip themselves."""
    self.wfile.write(self.begin(resource, {"Content-Encoding": "x-gzip"}))


def brotli(self: Handler, resource: Resource, argument: str) -> None:
    self.wfile.write(self.begin(resource, {"Content-Encoding": "br"}))


def unnamed(self: Handler, resource: Resource, argument: str) -> None:
    """Neither ETag nor date; cut after some bytes where the argument says so."""
    body = self.begin(resource, {"ETag": "", "Last-Modified": ""})
    self.wfile.write(body[: int(argument) if argument else None])
    if argument:
        self.hang_up()


def weak(self: Handler, resource: Resource, argument: str) -> None:
    """A weak ETag and no date; cut after some bytes."""
    headers = {"ETag": "W/" + resource.etag, "Last-Modified": ""}
    self.wfile.write(self.begin(resource, headers)[: int(argument)])
    self.hang_up()


def status(self: Handler, resource: Resource, argument: str) -> None:
    """``status:429:7`` is status 429 with Retry-After 7."""
    code, _, wait = argument.partition(":")
    self.status(int(code), **({"Retry_After": wait} if wait else {}))


def redirect(self: Handler, resource: Resource, argument: str) -> None:
    self.status(302, Location=argument)


def loop(self: Handler, resource: Resource, argument: str) -> None:
    self.status(302, Location=self.path)


def page(self: Handler, resource: Resource, argument: str) -> None:
    """A web page instead of the file; with an argument, a form that leads there."""
    form = (
        f"<form id=download-form action='{argument}' method=get>"
        "<input type=hidden name=id value=x&amp;1><input type=submit value=Go></form>"
        if argument
        else ""
    )
    body = f"<html><head><title>Quota\n exceeded</title></head>{form}</html>".encode()
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
    self.head(200, headers)
    self.wfile.write(body)


def garbage(self: Handler, resource: Resource, argument: str) -> None:
    self.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
    self.hang_up()


def silence(self: Handler, resource: Resource, argument: str) -> None:
    self.hang_up()


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (
        *(sound, drop, reset, stall, slow, wrong, ignore_range, ignore_condition, other_range),
        *(
            lying_range,
            no_range_said,
            too_long,
            promise,
            too_short,
            unknown_length,
            chunked,
            gzipped,
        ),
        *(endless, drip, drip_comment, drip_head, drip_page, interim, huge_head),
        *(called_gzip, brotli, unnamed, weak, status, redirect, loop, page, garbage, silence),
    )
}


@contextlib.contextmanager
def serving(*, secure: bool = False) -> Iterator[Server]:
    """A server while the block runs; no proxy of the person who runs the tests comes between.

    secure: it speaks TLS, and clients that are made meanwhile trust its certificate.
    """
    names = ("NO_PROXY", "no_proxy", "SSL_CERT_FILE")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names[:2], "127.0.0.1,localhost"))
    if secure:
        os.environ["SSL_CERT_FILE"] = str(CERTIFICATE)
    server = Server(WAYS, secure=secure)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
