"""``biobench data unpack``: from archives to the data folder, all of it or nothing.

In: the files of a data set's sources. Out: ``DIR/<data set id>``. Each source is unpacked below
``DIR/.<id>.unpacking``; when all are, they are put together there and get their name by a rename.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from biobench._common.byte_sizes import show_size
from biobench._common.files import read_regular, require_writable, write_atomically
from biobench._common.progress import Progress
from biobench.data.fetch.disk import cannot_write
from biobench.data.fetch.fetch import require_obtainable
from biobench.data.fetch.lock import locked
from biobench.data.fetch.record import checked
from biobench.data.sources import ZIP_ENDING, DataSource, archive_folder, sources_of
from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.archive_root import content_folder, merge, put
from biobench.data.unpack.joined import Joined
from biobench.data.unpack.limits import UnpackLimits
from biobench.data.unpack.names import entry_parts
from biobench.data.unpack.tar import unpack_tar
from biobench.data.unpack.trees import Trees
from biobench.data.unpack.zip import unpack_zip
from biobench.errors import BiobenchError, DataError, counted, shown
from biobench.spec.documents import Dataset

Say = Callable[[str], None]
RECORD = "unpacked.json"
MOST_RECORD = 16 << 20


def unpack(dataset: Dataset, data: Path, *, say: Say = print, quiet: bool = False) -> None:
    """Fill ``DIR/<data set id>`` from the archives in ``DIR/archives/<data set id>``.

    Sources that were unpacked before an interruption are not unpacked again.

    Raises:
        DataError: An archive is missing, wrong, damaged or hostile, or the data folder is there
            already but not from here.
        BiobenchError: The disk takes no more.
    """
    archives = archive_folder(data, dataset)
    sources = sources_of(dataset)
    if not sources:
        require_obtainable(dataset, data, own=True)
    # A link to another disk is kept: what it leads to is filled.
    target = Path(os.path.realpath(data / dataset.id))
    if _is_done(target, archives, sources):
        say(f"{target}: unpacked already")
        return
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(
            "is there already, and was not unpacked from these archives",
            where=shown(str(target)),
            remedy=f"check it with `biobench data verify {dataset.id}`, or move it away",
        )
    _require_archives(dataset, sources, archives)
    require_writable(target.parent)
    stage = target.parent / f".{dataset.id}.unpacking"
    with locked(archives):
        try:
            stage.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(stage, error) from error
        try:
            _drop_stale(stage, sources, archives)
            for number, source in enumerate(sources):
                checked(source, archives, quiet=quiet)
                _unpack_source(dataset, source, archives, stage, number, say, quiet)
            _put_together(sources, archives, stage, target)
        finally:
            # What other archives left there stays, so that the same command goes on.
            with suppress(OSError):
                stage.rmdir()
    say(f"{target}: unpacked; {archives} ({show_size(_size(archives))}) is no longer needed")


def _is_done(target: Path, archives: Path, sources: Sequence[DataSource]) -> bool:
    if not target.is_dir():
        return False
    try:
        names = json.loads(read_regular(archives / RECORD, MOST_RECORD))["sources"]
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return bool(names == [source.name for source in sources])


def _require_archives(dataset: Dataset, sources: Sequence[DataSource], archives: Path) -> None:
    missing = [source.name for source in sources if not source.is_whole(archives)]
    if missing:
        raise DataError(
            f"{counted(len(missing), 'file is', 'files are')} not there, of {len(sources)}: "
            f"{', '.join(missing[:10])}",
            where=shown(str(archives)),
            remedy=f"get them with `biobench data fetch {dataset.id}`",
        )


def _unpack_source(
    dataset: Dataset,
    source: DataSource,
    archives: Path,
    stage: Path,
    number: int,
    say: Say,
    quiet: bool,
) -> None:
    """Leave the content of a source in ``stage/<number>``, a mark when all of it is there."""
    paths = source.paths(archives)
    content, mark = stage / str(number), _mark(stage, number)
    if mark.exists():
        return
    _clear(content)
    if source.is_archive:
        raw = stage / f"{number}.raw"
        _clear(raw)
        raw.mkdir()
        meant, others = _extract(source, paths, raw, quiet)
        os.replace(content_folder(meant, dataset, source), content)
        _clear(raw)
        entries = counted(others, "entry", "entries")
        left = f"; left out {entries} outside {source.archive_root}" if others else ""
        say(f"{source.name}: unpacked{left}")
    else:
        content.mkdir()
        put(paths[0], content / source.name)
    write_atomically(mark, _identity(paths))


def _drop_stale(stage: Path, sources: Sequence[DataSource], archives: Path) -> None:
    """Forget what was unpacked from archives that are others by now."""
    for number, source in enumerate(sources):
        mark = _mark(stage, number)
        if mark.exists() and _read_mark(mark) != _identity(source.paths(archives)):
            _clear(stage)
            stage.mkdir()
            return


def _mark(stage: Path, number: int) -> Path:
    """The file that is there when all of a source is unpacked."""
    return stage / f"{number}.done"


def _read_mark(mark: Path) -> bytes:
    try:
        return read_regular(mark, MOST_RECORD)
    except OSError:
        return b""


def _identity(paths: Sequence[Path]) -> bytes:
    return json.dumps(
        [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    ).encode()


def _extract(source: DataSource, paths: Sequence[Path], raw: Path, quiet: bool) -> tuple[Path, int]:
    """The folder with what is meant, and how many other entries the archive has."""
    root = entry_parts(source.archive_root or ".")
    try:
        with (
            Joined(paths) as archive,
            Progress(f"unpacking {source.name}", archive.size, show=show_size, quiet=quiet) as bar,
        ):
            archive.watch(bar.advance)
            limits = UnpackLimits(raw, archive.size)
            trees = Trees(raw, limits, root)
            is_zip = source.name.lower().endswith(ZIP_ENDING)
            (unpack_zip if is_zip else unpack_tar)(archive, trees, limits)
            extracted = trees.finish()
            if extracted is None:
                named = source.archive_root
                raise ArchiveError(f"it has no folder {named!r}" if named else "it is empty")
            return extracted
    except ArchiveError as error:
        _clear(raw)
        raise _bad(source, paths, str(error), error.remedy) from error
    except BiobenchError:
        _clear(raw)  # the disk may be full of it
        raise
    except OSError as error:
        _clear(raw)
        raise _bad(source, paths, f"it cannot be read ({error.strerror or error})") from error


def _bad(
    source: DataSource, paths: Sequence[Path], what: str, remedy: str | None = None
) -> DataError:
    return DataError(
        f"is not unpacked: {what}",
        where=shown(str(paths[0].with_name(source.name))),
        remedy=remedy or "delete it and fetch it again, or tell the publisher",
    )


def _put_together(sources: Sequence[DataSource], archives: Path, stage: Path, target: Path) -> None:
    ready = stage / "ready"
    try:
        ready.mkdir(exist_ok=True)
        for number, source in enumerate(sources):
            merge(stage / str(number), ready, source)
        # Files that are only in memory must not get a name that says they are there.
        os.sync()
        names = json.dumps({"sources": [source.name for source in sources]}).encode()
        write_atomically(archives / RECORD, names + b"\n")
        os.replace(ready, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    _clear(stage)


def _clear(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise cannot_write(folder, error) from error


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
