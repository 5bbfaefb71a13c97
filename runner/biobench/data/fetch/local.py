"""Archives that were brought by hand: ``--from DIR``.

In: a folder with files of the names of the document. Out: the same files beside the fetched ones,
each checked, linked where both lie on one disk and copied otherwise.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from biobench._common.byte_sizes import show_size
from biobench._common.progress import Progress
from biobench.data.fetch.digests import Digest, chunks, difference, digest_of
from biobench.data.fetch.disk import require_space
from biobench.data.fetch.download import part_of
from biobench.data.fetch.part import PartFile, PartOrigin
from biobench.data.sources import Known
from biobench.errors import DataError, shown


def take(origin: Path, target: Path, known: Known, *, quiet: bool = False) -> Digest:
    """Bring the file ``origin`` to ``target``, which is not there.

    Raises:
        DataError: The file is not what is known of it.
        BiobenchError: The disk is full.
    """
    size = origin.stat().st_size
    with Progress(f"checking {origin.name}", size, show=show_size, quiet=quiet) as progress:
        digest = digest_of([origin], progress.advance)
    _check(origin, known, digest)
    with contextlib.suppress(OSError):
        os.link(origin.resolve(), target)
        return digest
    require_space(target.parent, size, target.name)
    with (
        Progress(f"copying {origin.name}", size, show=show_size, quiet=quiet) as progress,
        PartFile(part_of(target.parent, target.name)).open() as part,
    ):
        part.begin(PartOrigin("", None, None, size))
        part.watch(progress.advance)
        for chunk in chunks(origin):
            part.append(chunk)
        if part.digest() != digest:
            part.discard()
            raise DataError(
                "changed while it was copied",
                where=shown(str(origin)),
                remedy="give the same command again",
            )
        part.finish(target)
    return digest


def _check(origin: Path, known: Known, digest: Digest) -> None:
    fault = difference(known, digest)
    if fault is not None:
        raise DataError(
            f"is not the file of the document: {fault}",
            where=shown(str(origin)),
            remedy="get the file again",
        )
