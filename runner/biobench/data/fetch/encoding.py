"""Files that a server compressed on the way, or says it did.

Asked for the bytes as they are, some servers still answer with ``Content-Encoding: gzip``. It can
mean two things: a file that is itself a gzip file, and a file compressed for the way only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from biobench.data.fetch.digests import chunks, difference
from biobench.data.fetch.disk import require_space
from biobench.data.fetch.download_errors import PermanentError
from biobench.data.fetch.part import PartFile, PartOrigin
from biobench.data.sources import File

GZIP_MAGIC = b"\x1f\x8b"
ASK_DISK_EVERY = 64 << 20
RATIO = 100
FLOOR = 1 << 30
"""More than this many times its size, and than a gibibyte, is no file that was compressed for the
way."""
_BLOCK = 1 << 20


def is_the_file(file: File, part: PartFile) -> bool:
    """Return whether the bytes as they came are the file.

    Raises:
        PermanentError: The gzip data are damaged.
    """
    if file.known.has_checksum:
        return difference(file.known, part.digest()) is None
    if not file.name.lower().endswith((".gz", ".tgz")):
        return False
    start = next(_decoded(part.path), b"")
    return not start.startswith(GZIP_MAGIC)


def decode(file: File, part: PartFile) -> PartFile:
    """A new part with the bytes decoded, open.

    Raises:
        PermanentError: The gzip data are damaged.
    """
    decoded = PartFile(part.path.with_name(file.name + ".decoded.part")).open()
    try:
        decoded.begin(PartOrigin("", None, None, None))
        asked = 0
        for block in _decoded(part.path):
            decoded.append(block)
            if file.known.bytes is not None and decoded.kept > file.known.bytes:
                raise PermanentError(
                    f"it decodes to more than the {file.known.bytes} bytes expected"
                )
            if decoded.kept > max(FLOOR, RATIO * part.kept):
                raise PermanentError(f"it decodes to more than {RATIO} times its size")
            if decoded.kept - asked >= ASK_DISK_EVERY:
                asked = decoded.kept
                require_space(part.path.parent, 0, file.name)
    except BaseException:
        decoded.discard()
        decoded.close()
        raise
    return decoded


def _decoded(path: Path) -> Iterator[bytes]:
    """Decoded blocks, none of them larger than a mebibyte whatever the data say."""
    decoder = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks(path):
            rest = chunk
            while rest or decoder.unconsumed_tail:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                block = decoder.decompress(decoder.unconsumed_tail + rest, _BLOCK)
                rest = decoder.unused_data
                if block:
                    yield block
    except zlib.error as error:
        raise PermanentError(f"its gzip data are damaged ({error})") from error
    if not decoder.eof:
        raise PermanentError("its gzip data end early")
