"""Ctrl-C in a long fit of logistic regression: answered soon, in a single fit and in a search."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from processor_time import delay

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, signal, threading, time
import numpy as np
from biobench.probe import LogisticProbe
random = np.random.default_rng(0)
features = random.normal(size=(20000, 600)).astype(np.float32)
ids = np.arange(20000) % 60
sent = []
def interrupt():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(2.0, interrupt).start()
try:
    LogisticProbe(CANDIDATES, threads=THREADS, gradient_tolerance=1e-14).fit(features, ids)
    print(json.dumps("finished"))
except KeyboardInterrupt:
    print(json.dumps(time.monotonic() - sent[0]))
"""


@pytest.mark.parametrize(
    ("candidates", "threads"), [([10.0], 1), ([1.0, 10.0], 1), ([1.0, 2.0], 2)]
)
def test_ctrl_c_ends_a_fit(candidates: list[float], threads: int) -> None:
    """A step of the conjugate gradients takes a part of a second, the fit minutes."""
    program = PROGRAM.replace("CANDIDATES", str(candidates)).replace("THREADS", str(threads))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    seconds = json.loads(done.stdout)
    assert seconds != "finished"
    assert seconds / delay() < 2.0
