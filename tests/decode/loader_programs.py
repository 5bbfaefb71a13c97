"""Programs of their own for what could hang or kill: they know files, a recipe and the loader."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 60
"""No program here works for more than a few seconds; a hang has to end as well."""


def program(files: list[Path], text: str) -> subprocess.Popen[str]:
    """A program that knows the files, the recipe and the loader."""
    head = (
        "import os, signal, sys, threading, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_native_batch import RECIPE\n"
        "from biobench.native import ImageLoader\n"
        f"files = {[str(file) for file in files]!r}\n"
        "small = files[1:]\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", head + text], text=True, **pipes)  # type: ignore[call-overload, no-any-return]


def run(files: list[Path], text: str) -> tuple[int, str, str]:
    """Exit code and outputs of a program."""
    child = program(files, text)
    try:
        out, err = child.communicate(timeout=SECONDS)
    finally:
        child.kill()
    return child.returncode, out, err


def interrupted(files: list[Path], text: str) -> tuple[int, str, str]:
    """Exit code and further outputs of a program that prints ``started``, gets SIGINT, and then has
    to print ``interrupted`` within moments."""
    child = program(files, text)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "started\n"
        time.sleep(0.2)
        before = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        assert time.monotonic() - before < 5
        out, err = child.communicate(timeout=SECONDS)
    finally:
        child.kill()
    return child.returncode, out, err


FORK = """
def wait(child):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hang"
"""
