"""A separate process that decodes Parquet, since a file may end the process that decodes it.

In: the bytes of a file. Out: the canonical JSON of its predictions, or why there are none. One
process serves many files; a new one replaces one that a file ended.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
from typing import IO

from biobench.report.rows import Unsound

MOST_MEMORY = 2 << 30
"""Most memory of the process: a file of predictions can state any number of bytes."""
MOST_SECONDS = 120.0
_LENGTH = struct.Struct("<q")
_PROGRAM = "from biobench.report.parquet_process import serve; serve()"


class _ReaderProcess:
    """The process, started when it is needed, with one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, data: bytes) -> bytes:
        """The reply for a file; raises Unsound where there is none."""
        with self._lock:
            process = self._process or self._start()
            # The library has no time limit of its own, and a file might occupy it for ever.
            watch = threading.Timer(MOST_SECONDS, process.kill)
            watch.daemon = True
            watch.start()
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                _send(process.stdin, data)
                answer = _receive(process.stdout)
            except (OSError, EOFError) as error:
                raise Unsound(f"cannot be read as Parquet ({self._ended()})") from error
            except BaseException:
                # The rest of the reply would be taken for the next one.
                self.close()
                raise
            finally:
                watch.cancel()
        if answer[:1] == b"!":
            raise Unsound(answer[1:].decode())
        return answer[1:]

    def _start(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(place for place in sys.path if place)
        small = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **small, "PYTHONPATH": path},
        )
        return self._process

    def _ended(self) -> str:
        process = self._process
        self.close()
        status = 0 if process is None or process.returncode is None else process.returncode
        if status >= 0:
            return f"its decoder ended with status {status}"
        with contextlib.suppress(ValueError):
            return f"its decoder ended by {signal.Signals(-status).name}"
        return f"its decoder ended by signal {-status}"

    def close(self) -> None:
        """End the process, where there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def forget(self) -> None:
        """Forget the process in a forked process: it belongs to the parent."""
        self.__init__()  # type: ignore[misc]


_READER = _ReaderProcess()
atexit.register(_READER.close)
os.register_at_fork(after_in_child=_READER.forget)


def canonical_of(data: bytes) -> bytes:
    """Canonical JSON of the predictions in a Parquet file.

    Raises:
        Unsound: The file has no predictions as a run writes them.
    """
    return _READER.ask(b"p" + data)


def metadata_of(data: bytes) -> dict[str, str]:
    """The metadata of a Parquet file.

    Raises:
        Unsound: The file cannot be read as Parquet.
    """
    found: dict[str, str] = json.loads(_READER.ask(b"m" + data))
    return found


def serve() -> None:
    """Reply to files on standard input until it ends."""
    from biobench.report.parquet import decoded, metadata

    # Ctrl-C is for the command, which closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            data = _receive(given)
        except EOFError:
            return
        try:
            if data[:1] == b"m":
                answer = b"=" + json.dumps(metadata(data[1:])).encode()
            else:
                answer = b"=" + b"".join(decoded(data[1:]).canonical())
        except Unsound as error:
            answer = b"!" + str(error).encode("utf-8", "backslashreplace")
        except Exception as error:  # noqa: BLE001 - whatever a damaged file leads to is said
            answer = b"!" + f"cannot be read as Parquet ({error})".encode("utf-8", "replace")
        _send(answers, answer)


def _send(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data
