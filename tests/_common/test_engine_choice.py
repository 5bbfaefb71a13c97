"""An engine is there on every machine, with what the user's environment says of it."""

from __future__ import annotations

import pytest

from biobench._common import exact_engine
from biobench._native import Engine
from biobench.errors import UsageError


def test_a_system_without_threads_computes_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads move no bit, so a limit on them costs time and no result."""

    def limited(threads: int) -> Engine:
        if threads > 1:
            raise OSError("7 threads could not be started")
        return Engine(threads)

    monkeypatch.setattr(exact_engine, "Engine", limited)
    assert exact_engine.engine(7).threads == 1


def test_an_instruction_set_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable is the user's, like an option; empty is as if it were not set."""
    monkeypatch.setenv(exact_engine.VARIABLE, "sse2")
    with pytest.raises(UsageError, match='has no instruction set "sse2"'):
        exact_engine.engine()
    monkeypatch.setenv(exact_engine.VARIABLE, "")
    assert exact_engine.engine(2).threads == 2
