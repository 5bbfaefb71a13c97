"""Runs at once on one store and into one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import NET, OTHER, Bench, Launcher, leftovers, times

from biobench._common.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.faults]
Tally = Callable[[str, int, int], None]
AT_ONCE = 8


def test_eight_runs_on_one_store(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Two models, eight runs, one store: each ends well, and the store is whole."""
    wrong, count = [], times(1, 40)
    for number in range(count):
        store = tmp_path / f"store-{number}"
        models = [NET if i % 2 else OTHER for i in range(AT_ONCE)]
        outs = [tmp_path / f"out-{number}-{i}" for i in range(AT_ONCE)]
        running = [
            launcher.start(bench.arguments(out, store, model), bench.root)
            for out, model in zip(outs, models, strict=True)
        ]
        for process, out, model in zip(running, outs, models, strict=True):
            try:
                process.done().good()
                bench.check(out, model)
            except (AssertionError, OSError) as error:
                wrong.append(f"{number}: {error}")
        if damaged := Store(store).damaged():
            wrong.append(f"{number}: damaged {damaged}")
        if left := leftovers(store):
            wrong.append(f"{number}: left over {left}")
    tally("runs at once on one store", count * AT_ONCE, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_eight_runs_into_one_folder(
    bench: Bench, launcher: Launcher, tmp_path: Path, tally: Tally
) -> None:
    """Each ends well or is refused in one line; the folder holds one run's result, whole."""
    wrong, count, good = [], times(3, 40), 0
    store = tmp_path / "store"
    for model in (NET, OTHER):
        launcher.start(bench.arguments(tmp_path / "aside", store, model), bench.root).done().good()
    for number in range(count):
        out = tmp_path / f"out-{number}"
        running = [
            launcher.start(bench.arguments(out, store, NET if i % 2 else OTHER), bench.root)
            for i in range(AT_ONCE)
        ]
        ended = [process.done() for process in running]
        good += sum(done.code == 0 for done in ended)
        try:
            for done in ended:
                if done.code:
                    assert str(out) in done.refused(1, 2)
            assert any(done.code == 0 for done in ended)
            assert bench.holder(out) is not None
            assert not leftovers(out)
        except (AssertionError, OSError, ValueError, KeyError) as error:
            wrong.append(f"{number}: {error}")
    tally("runs at once into one folder", count * AT_ONCE, len(wrong))
    assert not wrong, "\n".join(wrong)
