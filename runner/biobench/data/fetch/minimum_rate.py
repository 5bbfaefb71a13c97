"""A least rate for what comes over the network, whatever a host sends instead of the file.

In: requests of one client, and the bytes of the file as they come. Out: connections that are shut
when too few came for too long. Timeouts of the client do not do this: each byte begins them anew,
and a head that never ends, or a comment in a chunk, brings bytes and nothing of the file.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from biobench._common.byte_sizes import show_size
from biobench.data.fetch.download_errors import PermanentError, TransientError

_OPENED = (".connect_tcp.complete", ".start_tls.complete")


class MinimumRate:
    """Wants ``least_bytes`` of every ``window_s`` seconds, from the request on."""

    def __init__(self, least_bytes: int, window_s: float) -> None:
        self._least = least_bytes
        self._window = window_s
        self._count = 0
        self._streams: list[Any] = []
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._expired = False

    @property
    def extensions(self) -> dict[str, Any]:
        """Extensions that a request is sent with, so that its connection is known here."""
        return {"trace": self._trace}

    def count(self, size: int) -> None:
        """``size`` bytes of the file have come."""
        self._count += size

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch while the block runs.

        Raises:
            TransientError: The rate was too low.
        """
        thread = threading.Thread(target=self._watch, name="minimum-rate", daemon=True)
        thread.start()
        try:
            yield
        except httpx2.TransportError as error:
            if not self._expired:
                raise
            raise self._slow() from error
        except (TransientError, PermanentError) as error:
            if not self._expired:
                raise
            raise self._slow() from error
        finally:
            self._done.set()
            thread.join()

    def _slow(self) -> TransientError:
        return TransientError(
            f"the host sends less than {show_size(self._least)} in {self._window:.0f} s"
        )

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith(_OPENED):
            with self._lock:
                self._streams.append(info["return_value"])
                if self._expired:
                    self._shut()

    def _watch(self) -> None:
        before = 0
        while not self._done.wait(self._window):
            with self._lock:
                if self._count - before < self._least:
                    self._expired = True
                    self._shut()
                    return
            before = self._count

    def _shut(self) -> None:
        for stream in self._streams:
            connection = stream.get_extra_info("socket")
            # Wakes the thread that waits for the next byte; closing would not.
            with contextlib.suppress(OSError, AttributeError):
                connection.shutdown(socket.SHUT_RDWR)
