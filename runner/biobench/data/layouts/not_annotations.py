"""Files that are taken for annotations and are something else, told by how they begin.

In: the bytes of a file. Out: what it is, and what to do.
"""

from __future__ import annotations

_PAGE = ("a web page, maybe of an error", "fetch the file again")
_STARTS = (
    (b"\x1f\x8b", "a file compressed with gzip", "unpack it"),
    (b"pk\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save it as text in UTF-8"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself (git lfs pull)"),
    (b"<!doctype html", *_PAGE),
    (b"<html", *_PAGE),
)


def other_kind(data: bytes) -> tuple[str, str] | None:
    """Kind of a file that is not an annotation file, and what to do with it; None where nothing of
    that kind is seen."""
    start = data[:64].lower()
    return next(((kind, do) for begin, kind, do in _STARTS if start.startswith(begin)), None)
