"""Claims on pieces of work, on a folder that many hosts share and that has no locks.

A claim is a file that is made by an exclusive link and that its holder touches at intervals, as
long as its process works. One whose time did not change for long while another process looked on is
stale, and that one takes it over by a rename. Nobody compares the times of two clocks: some file
systems stamp files with the clock of the host that touches them. A claim saves work and protects
nothing: two processes may hold one after a takeover, and what they do must bear that.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biobench._common.claim import DONE, MOST_BYTES, STILL_S, Claim, holds_text
from biobench._common.files import read_regular
from biobench.errors import BiobenchError, UsageError

BEATS = 4
"""Touches of a claim within the time after which it is stale."""
LEFTOVER_S = 3600.0
"""Age after which a file of a process that was killed is removed."""
_CLOCK = ".clock-"
_OWN = (".claim-", ".stale-", _CLOCK, ".probe-")
"""Beginnings of the names of files that live for a moment, or as long as a process."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a claim; ``age_s``: seconds since it touched it."""

    owner: str
    host: str
    pid: int
    age_s: float


@dataclass(frozen=True)
class ClaimListing:
    """The names that are done, those that are claimed, of these the ones whose claim is stale, and
    the processes that have the folder open, or were killed within the last hour."""

    done: frozenset[str]
    claimed: frozenset[str]
    stale: frozenset[str]
    processes: int


class Claims:
    """The claims in one folder, which is made.

    Args:
        folder: Folder on the shared file system.
        stale_s: Seconds without a touch after which a claim is taken over.
        owner: Name of whoever works, for people.
        still_s: Seconds in which a process that uses no processor time still touches its claims.
    """

    def __init__(
        self, folder: Path, stale_s: float, owner: str = "", *, still_s: float = STILL_S
    ) -> None:
        self.folder = folder
        self.stale_s = stale_s
        self._still_s = still_s
        self._seen: dict[str, tuple[int, float]] = {}
        self._token = secrets.token_hex(8)
        self._host = socket.gethostname()
        self._about = {"owner": owner, "host": self._host, "pid": os.getpid()}

    def open(self) -> None:
        """Make the folder, and see that its file system can do what claims need.

        Raises:
            UsageError: It cannot link files exclusively or rename them, or nothing can be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._clear()
            with self._temporary(".probe-") as (_, first):
                second, third = (
                    first.with_name(f"{first.name}-2"),
                    first.with_name(f"{first.name}-3"),
                )
                try:
                    os.link(first, second)
                    exclusive = not _links(first, second)
                    os.rename(second, third)
                    renames = third.exists() and not second.exists()
                finally:
                    for made in (second, third):
                        made.unlink(missing_ok=True)
            self.now()
        except OSError as error:
            raise self._unfit(f"{error.strerror or error}") from error
        if not (exclusive and renames):
            raise self._unfit("a link or a rename did not do what it must")

    def close(self) -> None:
        """Remove what this object has in the folder beside claims."""
        with contextlib.suppress(OSError):
            self._clock_file.unlink(missing_ok=True)

    def now(self) -> float:
        """The time of the file system's clock, in seconds; OSError where it cannot be had."""
        # Anew each time: between two looks of a long job another process may remove the file as a
        # leftover, and a network disk then refuses the open one.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self._clock_file, flags, 0o644)
        try:
            # Without times: a network disk then takes those of its server.
            os.utime(handle)
            return os.fstat(handle).st_mtime
        finally:
            os.close(handle)

    def list(self) -> ClaimListing:
        """The names that are done or claimed now.

        Raises:
            BiobenchError: As :meth:`take`.
        """
        done, claimed, processes = set(), set(), 0
        with self._reading(), contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.folder):
                if name.endswith(DONE):
                    done.add(name.removesuffix(DONE))
                elif not name.startswith("."):
                    claimed.add(name)
                processes += name.startswith(_CLOCK)
        claimed -= done
        # All of them, so that a claim is known for long already once nothing else is left to do.
        stale = filter(self.is_stale, sorted(claimed))
        return ClaimListing(frozenset(done), frozenset(claimed), frozenset(stale), processes)

    def holder(self, name: str, now: float) -> Holder | None:
        """The process that claims a name, or that has done it; None where there is none.

        Args:
            name: The name.
            now: The time that its age is counted to, as :meth:`now` gives it.
        """
        for path in (self.folder / f"{name}{DONE}", self.folder / name):
            try:
                age = now - os.stat(path).st_mtime
                about = json.loads(read_regular(path, MOST_BYTES))
                return Holder(
                    str(about["owner"]), str(about["host"]), int(about["pid"]), max(age, 0.0)
                )
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError):
                return Holder("", "", 0, 0.0)
        return None

    def is_stale(self, name: str) -> bool:
        """True where a claim was not touched for too long while this object looked on.

        Raises:
            BiobenchError: As :meth:`take`.
        """
        with self._reading(), contextlib.suppress(FileNotFoundError):
            return self._is_still(name, os.stat(self.folder / name).st_mtime_ns)
        return False

    def _is_still(self, name: str, touched: int) -> bool:
        now = time.monotonic()
        before, since = self._seen.get(name, (None, now))
        if before != touched:
            self._seen[name] = touched, now
            return False
        return now - since > self.stale_s

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BiobenchError(
                f"the claims of workers cannot be read ({error.strerror or error})",
                where=str(self.folder),
                remedy="see to the folder, and start the worker again",
            ) from error

    def take(self, name: str) -> Claim | None:
        """Claim a name; None where another process holds it, or it is done.

        Raises:
            BiobenchError: Nothing can be written in the folder.
        """
        path, done = self.folder / name, self.folder / f"{name}{DONE}"
        inherited = False
        try:
            if done.exists():
                return None
            if path.exists():
                inherited = self._set_aside(path)
                if not inherited:
                    return None
            text = json.dumps({**self._about, "claim": secrets.token_hex(8)}).encode()
            with self._temporary(".claim-", text) as (handle, made):
                # A link that a network disk made may be answered by a refusal of the second try.
                if not _links(made, path) and not holds_text(path, text):
                    return None
                claim = Claim(
                    path,
                    text,
                    os.dup(handle),
                    self.stale_s / BEATS,
                    self._still_s,
                    inherited=inherited,
                )
        except OSError as error:
            raise BiobenchError(
                f"no claim can be made ({error.strerror or error})",
                where=str(self.folder),
                remedy="free some space, or see to the folder",
            ) from error
        if done.exists():
            # Its holder ended between the two looks.
            claim.release()
            return None
        return claim

    def mark_done(self, name: str) -> None:
        """Note that a name is done, whoever claims it."""
        with self._temporary(".claim-", json.dumps(self._about).encode()) as (_, made):
            _links(made, self.folder / f"{name}{DONE}")

    def forget(self, name: str) -> None:
        """Let a name that is done be claimed again."""
        with contextlib.suppress(OSError):
            (self.folder / f"{name}{DONE}").unlink()

    def _set_aside(self, path: Path) -> bool:
        """Move a stale claim out of the way; False where it is held, or somebody else took it."""
        try:
            before = _state(path)
            if not self._is_still(path.name, before[1]):
                return False
            aside = self.folder / f".stale-{self._token}-{secrets.token_hex(4)}"
            os.rename(path, aside)
        except FileNotFoundError:
            return False
        try:
            if _state(aside) == before:
                return True
            # Another process had taken it over in between, or its holder woke up: give it back.
            _links(aside, path)
            return False
        finally:
            aside.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _temporary(self, prefix: str, data: bytes = b"") -> Iterator[tuple[int, Path]]:
        """A file with this content, which is removed at the end; its links stay."""
        handle, name = tempfile.mkstemp(prefix=f"{prefix}{self._token}-", dir=self.folder)
        try:
            os.fchmod(handle, 0o644)
            os.write(handle, data)
            yield handle, Path(name)
        finally:
            os.close(handle)
            Path(name).unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove what processes that were killed left long ago."""
        now = self.now()
        for name in os.listdir(self.folder):
            path = self.folder / name
            if name.startswith(_OWN) and path != self._clock_file:
                with contextlib.suppress(OSError):
                    if now - os.stat(path).st_mtime > LEFTOVER_S:
                        path.unlink()

    @property
    def _clock_file(self) -> Path:
        return self.folder / f"{_CLOCK}{self._token}"

    def _unfit(self, reason: str) -> UsageError:
        return UsageError(
            f"its file system cannot hold claims of workers: {reason}",
            where=str(self.folder),
            remedy="give --store a folder where files can be written, linked and renamed",
        )


def _links(source: Path, target: Path) -> bool:
    """Link ``source`` to ``target``; False where there is a file."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True


def _state(path: Path) -> tuple[bytes, int]:
    """Text of a claim, which no other has, and the time of its last touch; raises as os.stat.

    Not its inode, which some disks number anew at each look.
    """
    try:
        said = read_regular(path, MOST_BYTES)
    except OSError:
        said = b""  # what anyone may have put there: its time tells
    return said, os.stat(path).st_mtime_ns
