"""Fixtures of the tests on a real Slurm: a cluster of two nodes, and a plan for it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

from cluster import Cluster, missing_programs


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    missing = missing_programs()
    assert missing == [], "Debian has them in slurm-wlm and munge"
    # munged takes no folder that others may write to, nor one below such a folder without a bit
    # that keeps them from removing it; the path of its socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="bb-slurm-", dir="/tmp"))
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
