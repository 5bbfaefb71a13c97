"""A probe that was ended goes on where it was, to the same bits; nothing else is ever taken up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench._common.store import Store
from biobench.data.manifest import Manifest, Row
from biobench.data.predictions import Predictions
from biobench.probe import LinearProbe, LogisticProbe, TraitsProbe, checkpoint
from biobench.probe import cached as stored
from biobench.probe.checkpoint import KIND, Checkpoint
from biobench.spec.load import load_spec

SPEC = load_spec()
SUITE = SPEC.suites["demo"]
KEY = "sha256:" + "ab" * 32


class Killed(Exception):
    """Ends a fit without a last word, as SIGKILL does."""


class Ended(Checkpoint):
    """A checkpoint that keeps every state and ends the fit at a time of the test's choice."""

    def __init__(self, store: Store, after: int, error: type[BaseException]) -> None:
        self.resumed_at: list[int] = []
        super().__init__(store, KEY, resumed=self.resumed_at.append)
        self._left = after
        self._error = error

    def due(self) -> bool:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return True


def data(labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    ids = np.arange(120) % labels
    centres = rng.normal(size=(labels, 12))
    return (centres[ids] + rng.normal(size=(120, 12))).astype(np.float32), ids


def traits_of(ids: np.ndarray) -> np.ndarray:
    return np.stack([ids == 0, ids > 1], axis=1).astype(np.int64)


PROBES: dict[str, tuple[Callable[[], Any], int]] = {
    "linear, all rows in a batch": (lambda: LinearProbe(3, steps=40, learning_rate=0.01), 40),
    "linear, batches of three sizes": (
        lambda: LinearProbe(3, steps=40, batch_size=50, learning_rate=0.01, threads=2), 40,
    ),
    "traits, dropout": (
        lambda: TraitsProbe(hidden=8, steps=40, batch_size=50, dropout=0.3, learning_rate=0.01), 40,
    ),
    "logistic": (lambda: LogisticProbe([1.0, 0.01, 0.1, 0.01, 0.3, 3.0, 0.03], folds=3), 21),
    "logistic, folds side by side": (
        lambda: LogisticProbe([1.0, 0.01, 0.1, 0.01, 0.3, 3.0, 0.03], folds=3, threads=3), 21,
    ),
}  # fmt: skip
"""Probes that keep their state, and how often they can do so."""


def learnt(probe: Any) -> bytes:
    """Everything that a fit leaves, as bytes."""
    kept = {k: v for k, v in vars(probe).items() if k.endswith("_") and isinstance(v, np.ndarray)}
    assert len(kept) >= 2
    return b"".join(name.encode() + kept[name].tobytes() for name in sorted(kept))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.mark.parametrize("error", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("name", PROBES)
def test_a_fit_goes_on_to_the_same_bits(
    name: str, error: type[BaseException], store: Store
) -> None:
    """Ended at the first, at a middle and at the last state, and twice in one fit."""
    make, states = PROBES[name]
    features, ids = data()
    y = traits_of(ids) if name.startswith("traits") else ids
    expected = learnt(make().fit(features, y))
    for ends in ([1], [2], [states // 2], [states - 1], [5, 7]):
        kept = Ended(store, 0, error)
        for after in ends:
            probe = make()
            probe.checkpoint = kept = Ended(store, after, error)
            with pytest.raises(error):
                probe.fit(features, y)
        probe = make()
        probe.checkpoint = kept = Ended(store, 10**6, error)
        probe.fit(features, y)
        assert learnt(probe) == expected, ends
        # What had been saved is not done again; a kill in the middle of a save loses that alone.
        assert sum(ends) - len(ends) <= sum(kept.resumed_at) <= states
        assert sum(kept.resumed_at) > 0
        kept.remove()
    assert list(store.entries()) == []


def test_progress_counts_every_step_once(store: Store) -> None:
    """Those of an earlier process are told apart, and the rest add up."""
    features, ids = data()
    counted: list[int] = []
    for after, error in ((130, KeyboardInterrupt), (10**6, None)):
        probe = LinearProbe(3, steps=333, progress=counted.append)
        probe.checkpoint = ended = Ended(store, after, error or Killed)
        if error is None:
            counted.clear()
            probe.fit(features, ids)
        else:
            with pytest.raises(error):
                probe.fit(features, ids)
    assert ended.resumed_at == [131]
    assert sum(counted) + 131 == 333


@pytest.mark.parametrize("name", ["linear, all rows in a batch", "logistic", "traits, dropout"])
def test_another_state_is_not_taken_up(name: str, store: Store) -> None:
    """One of other shapes, types or names under the same key, or of a step beyond the last."""
    make, _ = PROBES[name]
    features, ids = data()
    y = traits_of(ids) if name.startswith("traits") else ids
    expected = learnt(make().fit(features, y))
    probe = make()
    probe.checkpoint = Ended(store, 9, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        probe.fit(features, y)
    good = store.get(KIND, Ended(store, 0, Killed)._key)
    assert good is not None
    wrong: list[dict[str, np.ndarray]] = [{}, {"step": np.array(3)}]
    for field in good:
        wrong.append({k: v for k, v in good.items() if k != field})
        wrong.append(good | {field: good[field].astype(np.float16)})
        wrong.append(good | {field: np.concatenate([good[field].ravel(), [0]])})
    if "step" in good:
        wrong += [good | {"step": np.array([step], np.int64)} for step in (-1, 0, 41, 1 << 40)]
    for state in wrong:
        probe = make()
        probe.checkpoint = kept = Ended(store, 10**6, Killed)
        kept.save(state)
        kept.due = lambda: False  # type: ignore[method-assign]
        probe.fit(features, y)
        assert learnt(probe) == expected, sorted(state)


def task_of(id: str, **constants: Any) -> Any:
    task = SPEC.task(id, "official")
    merged = {**task.protocol.constants, **constants}
    return replace(task, protocol=replace(task.protocol, constants=merged))


def manifest_of(groups: int = 1) -> Manifest:
    names = ("auk", "eel")
    rows = [
        Row(f"{split}-{i}", f"{split}/{i}.jpg", i // groups % 2, split, split == "test",
            (), f"g{i % groups}" if groups > 1 else "")
        for split, count in (("train", 90), ("test", 36)) for i in range(count)
    ]  # fmt: skip
    return Manifest(Path("."), names, tuple(rows), {}, names)


TASKS = {
    "linear": (task_of("herbarium19", steps=60), manifest_of()),
    "svm": (task_of("newt"), manifest_of(6)),
    "logistic": (task_of("kabr"), manifest_of()),
}


@pytest.fixture(params=TASKS)
def asked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Arguments of a probe with its memory."""
    task, manifest = TASKS[request.param]
    rng = np.random.default_rng(1)
    features = (1 + manifest.labels()[:, None] + rng.normal(size=(126, 10))).astype(np.float32)
    return {
        "task": task, "suite": SUITE, "manifest": manifest, "features": features,
        "features_digest": "sha256:" + "01" * 32, "bad": {}, "device": "cpu", "workers": 1,
        "engine": {}, "quiet": False,
    }  # fmt: skip


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of states that a probe is given; without a number all."""
    left: list[int] = []

    def due(self: Checkpoint) -> bool:
        if left:
            left[0] -= 1
            if left[0] < 0:
                left.clear()
                raise KeyboardInterrupt
        return True

    monkeypatch.setattr(Checkpoint, "due", due)
    return left


def states(store: Store) -> list[Path]:
    return [entry.path for entry in store.entries() if entry.kind == KIND]


def stopped(asked: dict[str, Any], ending: list[int], store: Store) -> Predictions:
    """Stop the probe half-way, with its state in ``store``; returns what it gives undisturbed."""
    expected = stored.predict(**asked, store=Store(store.root / "other"))
    ending.append(3)
    with pytest.raises(KeyboardInterrupt):
        stored.predict(**asked, store=store)
    return expected


def test_a_task_goes_on_and_its_state_goes(
    asked: dict[str, Any], ending: list[int], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same predictions; the person is told; afterwards no state is left in the store."""
    expected = stopped(asked, ending, store)
    assert len(states(store)) == 1
    assert store.damaged() == []
    capsys.readouterr()
    predictions = stored.predict(**asked, store=store)
    assert predictions.digest == expected.digest
    assert "the probe goes on" in capsys.readouterr().err
    assert states(store) == []


@pytest.mark.parametrize(
    "other",
    [
        {"features_digest": "sha256:" + "02" * 32},
        {"bad": {0: "cannot be read"}},
        {"suite": replace(SUITE, seed=18)},
    ],
)
def test_a_state_of_other_inputs_is_never_used(
    other: dict[str, Any],
    asked: dict[str, Any],
    ending: list[int],
    store: Store,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever decides a probe is in the name of its state."""
    ending.append(3)
    with pytest.raises(KeyboardInterrupt):
        stored.predict(**asked, store=store)
    (left,) = states(store)
    stored.predict(**{**asked, **other}, store=store)
    assert "goes on" not in capsys.readouterr().err
    assert states(store) == [left]


def test_a_state_goes_on_with_other_libraries(
    asked: dict[str, Any], ending: list[int], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exact probe computes the same bits on any machine, with any software and threads."""
    expected = stopped(asked, ending, store)
    elsewhere = {**asked, "engine": {"cpu": "another"}, "workers": 2}
    assert stored.predict(**elsewhere, store=store).digest == expected.digest
    assert "the probe goes on" in capsys.readouterr().err


def test_a_damaged_state_is_ignored(
    asked: dict[str, Any], ending: list[int], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """The probe begins anew, and `store verify` names the file until then."""
    expected = stopped(asked, ending, store)
    (path,) = states(store)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert store.damaged() == [path]
    assert stored.predict(**asked, store=store).digest == expected.digest
    assert "goes on" not in capsys.readouterr().err


def test_a_store_that_cannot_be_written(
    asked: dict[str, Any], ending: list[int], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """The probe runs all the same, and its predictions are not lost."""
    expected = stored.predict(**asked, store=Store(store.root / "other"))
    for kind in (KIND, stored.KIND):
        (store.root / kind).write_text("no folder")
    assert stored.predict(**asked, store=store).digest == expected.digest
    assert "predictions are not kept" in capsys.readouterr().err


def test_a_short_probe_writes_no_state(asked: dict[str, Any], store: Store) -> None:
    """Nothing is written before a minute is over."""
    assert checkpoint.EVERY_S == 60.0
    stored.predict(**asked, store=store)
    assert {entry.kind for entry in store.entries()} == {stored.KIND}
    assert not (store.root / KIND).exists()
