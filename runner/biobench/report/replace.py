"""Replacing the result in a folder by a new one, all of it or nothing.

In: a folder and the new files. Out: the folder with them, without the files of the earlier result,
and with the files that the user has put there. At every moment, whatever ends the process, the
folder holds the whole earlier result or the whole new one for
:func:`biobench.report.current.current`.

1. The new files are written to a folder of their own in the folder, and synced.
2. It is renamed to :data:`PENDING`. From here on the new result is the folder's.
3. The files of the earlier result are removed, and the new ones linked to their places.
4. The pending folder is renamed and removed.

A run that finds a pending folder goes on at step 3; other leftovers of killed runs are removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from biobench._common import folder_lock as lock
from biobench._common.store import LEFTOVER_S
from biobench.errors import BiobenchError, UsageError
from biobench.report.current import PENDING, current
from biobench.report.earlier import (
    CURVE,
    CURVE_PAGE,
    CURVE_TABLE,
    PAGE,
    PREDICTIONS,
    curve_sizes,
    own_files,
)
from biobench.report.item_digests import FOLDER as EVIDENCE
from biobench.report.results import FILE as RESULTS

LOCK = ".biobench-lock"
TEMPORARY = ".biobench-tmp-"
_SIZE = re.compile(r"all|n-[0-9]{1,9}")
_OWN_FOLDER = re.compile(rf"{PREDICTIONS}|{EVIDENCE}|{_SIZE.pattern}")


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Lock ``folder`` against other runs; make it, and clean up after runs that were killed.

    Raises:
        UsageError: Another process writes it, or it is part of a learning curve.
        BiobenchError: It cannot be written.
    """

    busy, fails = partial(_busy, folder), partial(_unwritable, folder)
    with lock.locked(folder, LOCK, busy=busy, fails=fails) as alone:
        _refuse_relatives(folder)
        with _said(folder):
            _refuse_in_the_way(folder)
            _finish(folder)
            _clean(folder, alone=alone)
        yield


def refuse_claimed(folder: Path) -> None:
    """Raise UsageError where another process writes ``folder`` now, or where it is part of a
    learning curve."""
    lock.refuse_locked(folder, LOCK, busy=partial(_busy, folder))
    _refuse_relatives(folder)


def _refuse_relatives(folder: Path) -> None:
    """Raise UsageError where ``folder`` is a size of a whole learning curve, or where another
    process writes the curve that it is a size of, or a size of the curve that it is.

    A curve replaces the files of its sizes and states their digests.
    """
    real = Path(os.path.realpath(folder))
    with _said(folder):
        inside = real.iterdir() if real.is_dir() else ()
        sizes = [path for path in inside if _SIZE.fullmatch(path.name)]
    if _SIZE.fullmatch(real.name):
        if real.name in curve_sizes(current(real.parent)):
            raise UsageError(
                "is a size of the learning curve in the folder above it",
                where=str(folder),
                remedy="run the whole curve again, or give --out another folder",
            )
        sizes.append(real.parent)
    for path in sizes:
        lock.refuse_locked(path, LOCK, busy=partial(_busy, path))


def places(tasks: Iterable[str], sizes: Sequence[int | None]) -> list[str]:
    """The longest paths that a result of ``tasks`` needs in its folder, while it is put in place.

    ``sizes``: those of a learning curve, or one.
    """
    top = f"{TEMPORARY}01234567"
    if len(sizes) > 1:
        top += f"/{max((f'n-{size}' for size in sizes), key=len)}"
    return [f"{top}/{PREDICTIONS}/{task}.parquet" for task in tasks]


def _busy(folder: Path, process: str) -> UsageError:
    return UsageError(
        f"{process} is writing a result to this folder",
        where=str(folder),
        remedy="wait until it has ended, or give --out another folder",
    )


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder whose files replace those of the result in ``folder`` at the end.

    Nothing is replaced where the block raises. The files of the block are synced here.

    Raises:
        BiobenchError: The files cannot be written or put in place.
    """
    with _said(folder):
        folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
    try:
        with _said(folder):
            # It may have to be read by others, where the process ends before its end.
            fresh.chmod(0o755)
            yield fresh
            for path in _files(fresh):
                _sync(path)
            for path in [*(path for path in fresh.rglob("*") if path.is_dir()), fresh]:
                _sync_folder(path)
            # What a run without a lock has left; with one, nothing is there.
            _finish(folder)
            os.rename(fresh, folder / PENDING)
            _sync_folder(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    try:
        _finish(folder)
    except OSError as error:
        raise BiobenchError(
            f"the new result is whole in {PENDING}, and its files cannot be put in place "
            f"({error.strerror or error})",
            where=str(folder),
            remedy="see to the folder; the next run into it puts them in place",
        ) from error


def _finish(folder: Path) -> None:
    """Put the files of a pending result in place, where there is one."""
    pending = folder / PENDING
    if not pending.is_dir():
        return
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
    fresh = [path.relative_to(pending) for path in _files(pending)]
    stale = [path for path in own_files(folder) if path not in fresh]
    for path in stale:
        (folder / path).unlink(missing_ok=True)
    for path in fresh:
        _link(pending / path, folder / path, temporary / "file")
    # Not only those of the stale files, which may be gone since a time before.
    for top in (path for path in folder.iterdir() if _OWN_FOLDER.fullmatch(path.name)):
        for empty in (top / PREDICTIONS, top / EVIDENCE, top):
            with contextlib.suppress(OSError):
                empty.rmdir()
    for parent in {folder / path.parent for path in fresh}:
        _sync_folder(parent)
    os.rename(pending, temporary / "done")
    _sync_folder(folder)
    shutil.rmtree(temporary, ignore_errors=True)


def _refuse_in_the_way(folder: Path) -> None:
    """Raise UsageError where a file or folder of the user's is at a path that a result needs."""
    files = (RESULTS, PAGE, CURVE, CURVE_TABLE, CURVE_PAGE)
    for path in sorted(folder.iterdir()):
        if path.name in files and path.is_dir():
            kind = "a folder, where a result has a file"
        elif _OWN_FOLDER.fullmatch(path.name) and not path.is_dir():
            kind = "no folder, as a result needs one of this name"
        else:
            continue
        raise UsageError(
            f"is {kind}", where=str(path), remedy="move it away, or give --out another folder"
        )


def _link(source: Path, target: Path, temporary: Path) -> None:
    """Make ``target`` the same file as ``source``; both are whole at every moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
        os.replace(temporary, target)
    except OSError:
        # No links on this disk, or the folder is a link to another one.
        temporary.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=target.parent)
        os.close(handle)
        shutil.copyfile(source, name)
        os.chmod(name, 0o644)
        _sync(Path(name))
        os.replace(name, target)


def _clean(folder: Path, *, alone: bool) -> None:
    """Remove leftovers of killed runs; where nobody is kept from the folder, those alone that
    nothing was written in for an hour, since another process may be at work on them."""
    inside = [f"{top}{name}/" for top in ("", "*/") for name in (PREDICTIONS, EVIDENCE)]
    for path in (p for top in ("", *inside) for p in folder.glob(f"{top}{TEMPORARY}*")):
        if not alone and time.time() - _last_written(path) < LEFTOVER_S:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _last_written(path: Path) -> float:
    """The time of the latest change in a file or folder, in seconds."""
    times = [0.0]
    for each in (path, *path.rglob("*")):
        with contextlib.suppress(OSError):
            times.append(each.lstat().st_mtime)
    return max(times)


def _files(folder: Path) -> list[Path]:
    """All files below a folder, the documents last, so that people see them last."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(files, key=lambda path: (path.suffix == ".json", -len(path.parts), path))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    try:
        _sync(folder)
    except OSError as error:
        # Some network disks sync no folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise


@contextlib.contextmanager
def _said(folder: Path) -> Iterator[None]:
    """Turn disk errors into one line about the folder that the user named."""
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> BiobenchError:
    return BiobenchError(
        f"cannot be written ({error.strerror or error})",
        where=str(folder),
        remedy="free some space or choose another folder; an earlier result is still there",
    )
