"""Processes of the command line that start with their libraries loaded, so that a run is cheap.

Run as a program: each line on standard input is a request as JSON, each line on standard output its
answer. A request starts a command line in a process of its own, which is forked from this one
before it has any thread, or waits for one.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn


def load() -> None:
    """Import what a run imports, and read the specification."""
    import jinja2
    import pandas  # noqa: F401 - pyarrow does
    import pyarrow.parquet  # noqa: F401
    import rich.console
    import rich.table  # noqa: F401
    import safetensors.numpy  # noqa: F401
    import torch  # noqa: F401
    from PIL import Image

    import biobench.api
    import biobench.commands.app
    import biobench.decode.pillow
    import biobench.embed.diagnostics
    import biobench.embed.evidence
    import biobench.models.load
    import biobench.models.python_model
    import biobench.probe.cached
    import biobench.report.document
    import biobench.report.page
    import biobench.report.table
    import biobench.report.write
    import biobench.verify.load  # noqa: F401
    from biobench.repro import software
    from biobench.spec.load import load_spec

    with contextlib.suppress(ImportError):
        importlib.import_module("typer._adapters")
    # Of all runs the same, and half of the time of one.
    software.version = functools.cache(software.version)
    software.package_versions()
    software.build_digests()
    software.code_digest()
    jinja2.Environment().from_string("")
    Image.preinit()
    spec = load_spec()
    assert spec.digest
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    # Arrow's allocator knows forks; whatever else had a thread would be waited for without end.
    assert len(names) - names.count("jemalloc_bg_thd") == 1, names


DEATH_SIGNAL = 1
KEEP_CAPABILITIES = 8
READ_ALL = 1 << 1 | 1 << 2
"""The capabilities to pass over the modes of files."""


def restrict(user: int | None) -> None:
    """Give up root's rights: from here on modes hold, and for a ``user`` limits of processes too.

    A user of that number may still pass over modes, for Python itself may lie in root's home.
    """
    if os.geteuid() != 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    kept = 0
    if user is not None:
        library.prctl(KEEP_CAPABILITIES, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        kept = READ_ALL
    # Version 3 of the structure, of this process; effective, permitted and inheritable, twice.
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    if library.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def child(request: dict[str, Any]) -> NoReturn:
    """Become the process that was asked for."""
    os.setsid()
    # None outlives the tests.
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    for number, path in ((1, request["out"]), (2, request["err"])):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, "r" if n == 0 else "w") for n in range(3))
    os.environ.update(request["environment"])
    for name, limit in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    restrict(request["user"])
    os.chdir(request["folder"])
    if request["preload"]:
        ctypes.CDLL(None).faults_begin()
    sys.argv = ["biobench", *request["arguments"]]
    from biobench.cli import main

    code = 1
    try:
        main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001 - as Python itself ends a process
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    if request["preload"]:
        ctypes.CDLL(None).faults_end()
    os._exit(code)


def wait(pid: int, seconds: float) -> int | None:
    """The exit status of a child, negative for a signal; None where it has not ended by then."""
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.002)


def serve() -> None:
    """Answer requests until standard input ends."""
    load()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = wait(request["wait"], request["seconds"])
        else:
            answer = os.fork()
            if answer == 0:
                child(request)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
