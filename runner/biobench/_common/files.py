"""Reading files that a user names, without hanging, and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from biobench.errors import BiobenchError, UsageError

if TYPE_CHECKING:
    from typing_extensions import Buffer

# An engine makes a folder that is mounted and not there as root's; the image's user is another.
MOUNTED = (
    "make the folder yourself before it is mounted (mkdir -p out) and give the engine "
    '--user "$(id -u):$(id -g)"'
)

_DOCUMENTS = ("results.json", "curve.json")
"""Names of the documents of results, which only a run writes."""

LEFTOVER_S = 5.0
"""Age below which the process of a temporary file may not have locked it yet."""


def require_writable(folder: Path) -> None:
    """Raise UsageError where ``folder`` cannot be made or written in, without making it.

    It is called before the work starts, so that no run ends without a place for its result.
    """
    require_names(folder)
    nearest = _nearest(folder)
    if not nearest.is_dir():
        raise UsageError("is not a folder", where=str(nearest), remedy="choose another folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(
            f"cannot be written in by this user, so {folder} cannot be filled",
            where=str(nearest),
            remedy=MOUNTED
            if os.environ.get("BIOBENCH_IMAGE")
            else "choose another folder or change its permissions",
        )


def require_names(folder: Path, *names: str) -> None:
    """Raise UsageError where the file system cannot hold the name of ``folder`` or of files in it.

    Args:
        folder: Folder that need not exist.
        names: Paths of the files that will be written in it, relative to it.
    """
    nearest = _nearest(folder)
    most_name, most_path = (os.pathconf(nearest, f"PC_{what}_MAX") for what in ("NAME", "PATH"))
    for name in names or ("",):
        path = folder.absolute() / name
        for part in path.parts:
            size = len(os.fsencode(part))
            if size > most_name:
                raise UsageError(
                    f"the name {part[:40]}... of a file or folder has {size} bytes, and "
                    f"{most_name} are the most that can be written",
                    where=str(folder)[:200],
                    remedy="choose a shorter name",
                )
        size = len(os.fsencode(path))
        if size >= most_path:
            raise UsageError(
                f"the path of a file has {size} bytes, and {most_path - 1} are the most that can "
                "be written",
                where=f"{str(path)[:100]}...{str(path)[-60:]}",
                remedy="choose a folder with a shorter path",
            )


def _nearest(folder: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    nearest = folder.absolute()
    while not _exists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    return nearest


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


NO_MORE_FILES = frozenset({errno.EMFILE, errno.ENFILE})
"""Errors of opening any file when this process, or all together, may open no more."""


class Unreadable(Exception):
    """A file that a user named and that cannot be read: the reason, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}")


class _Unwaiting(io.FileIO):
    """A file whose descriptor does not wait. Where others return None, because nothing is there yet
    and more may come, it raises OSError: files of the kernel, such as /proc/kmsg, are regular ones
    and may wait forever."""

    def __init__(self, descriptor: int, path: str | os.PathLike[str]) -> None:
        super().__init__(descriptor, "rb")
        self._path = os.fspath(path)

    def readinto(self, buffer: Buffer, /) -> int:
        return cast(int, self._found(super().readinto(buffer)))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        return cast(bytes, self._found(super().read(size)))

    def readall(self) -> bytes:
        # Python's own ends in silence where it has read something before it would wait.
        blocks = []
        size = max(os.fstat(self.fileno()).st_size, 1 << 20)
        while block := self.read(size):
            blocks.append(block)
        return b"".join(blocks)

    def _found(self, value: object) -> object:
        if value is None:
            raise OSError(errno.EAGAIN, "its end never comes, or not yet", self._path)
        return value


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file for reading; links are followed.

    A named pipe would wait for its other end, and a device would never end.

    Raises:
        OSError: The path is not a regular file, or ``open`` fails; later, by a read that would
            wait.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            text = os.strerror(number) if stat.S_ISDIR(mode) else "not a regular file"
            raise OSError(number, text, os.fspath(path))
        return io.BufferedReader(_Unwaiting(descriptor, path))
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: As :func:`open_regular`, or the file has more than ``limit`` bytes.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    require_at_most(data, limit, path)
    return data


def require_at_most(data: bytes, limit: int, path: str | os.PathLike[str]) -> None:
    """Raise OSError where more than ``limit`` bytes of a file were read."""
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit // 1_000_000} MB", os.fspath(path))


def read_plain(path: Path, limit: int) -> bytes:
    """Read a plain file, or a pipe that the shell opened (``<(command)``).

    A named pipe might wait forever, and a device never end.

    Raises:
        Unreadable: The path is one of those, cannot be read, or has more than ``limit`` bytes.
        OSError: This process may open no more files, which is no fault of this one.
    """
    try:
        # Without waiting for somebody to open the other end of a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise Unreadable("is a folder", "name a file in it")
            if not stat.S_ISREG(mode) and not (
                stat.S_ISFIFO(mode) and is_process_substitution(path)
            ):
                raise Unreadable("is not a plain file", "give a file of text")
            file: BinaryIO
            if stat.S_ISREG(mode):
                file = io.BufferedReader(_Unwaiting(os.dup(descriptor), path))
            else:  # whoever writes to the pipe may take their time
                os.set_blocking(descriptor, True)
                file = os.fdopen(os.dup(descriptor), "rb")
            with file:
                data = file.read(limit + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in NO_MORE_FILES:
            raise
        raise Unreadable(f"cannot be read ({error.strerror})", "check the path") from error
    if len(data) > limit:
        raise Unreadable(
            f"has more than {limit // 1_000_000} MB",
            "give the file that was meant",
        )
    return data


def is_process_substitution(path: Path) -> bool:
    """Return True for a file descriptor of this process: a shell's ``<(...)``, or its input."""
    return str(path) == "/dev/stdin" or str(path.parent) in ("/dev/fd", "/proc/self/fd")


def require_file(path: Path, read: Iterable[Path] = ()) -> None:
    """Raise UsageError where a command must not write ``path``.

    That is a folder, a place where nothing can be written, the document of a result, and a file
    that the command reads.

    Args:
        path: The file to write.
        read: Files that the command reads; folders and files that do not exist are none of them.
    """
    if path.is_dir():
        raise UsageError("is a folder", where=str(path), remedy="name the file to write in it")
    if path.exists():
        if path.name in _DOCUMENTS:
            raise UsageError(
                "is a result, and would be replaced", where=str(path), remedy="name another file"
            )
        # A path that the disk cannot have is an error of whoever reads it, so os.path.exists.
        if any(os.path.exists(other) and path.samefile(other) for other in read):
            raise UsageError(
                "is read by this command, and would be replaced",
                where=str(path),
                remedy="name another file",
            )
    require_writable(path.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Write bytes under a temporary name in the same folder, sync, and rename.

    Raises:
        BiobenchError: (exit 1) The disk is full or not writable; names the file.
        UsageError: ``path`` is a folder.
    """
    try:
        if path.is_dir():
            require_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                with contextlib.suppress(OSError):
                    fcntl.flock(handle, fcntl.LOCK_SH)
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            # mkstemp makes private files; results are for others to read.
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise BiobenchError(
            f"cannot be written ({error.strerror or error})",
            where=str(path),
            remedy="free some space or choose another folder",
        ) from error


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of ``path`` that killed processes left; keep those being written."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    folder = path.parent
    for left in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not name.fullmatch(left.name):
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                # A process that writes it holds its lock, from just after it made it.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(descriptor).st_mtime > LEFTOVER_S:
                    os.unlink(left)
            finally:
                os.close(descriptor)
