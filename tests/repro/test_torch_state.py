"""A process whose torch or arithmetic was changed claims no equal bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from biobench.embed.forward import deterministic
from biobench.repro import torch_state
from biobench.repro.torch_state import WORKSPACE, altered, fix_workspace, merged, read_state
from biobench.repro.variables import recorded

PIPELINE = Path(__file__).resolve().parents[1] / "pipeline"


@contextmanager
def attribute(owner: Any, name: str, value: Any) -> Iterator[None]:
    """A switch of torch with another value for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def called(change: Callable[[Any], Any], value: Any, before: Any) -> Iterator[None]:
    """A setter of torch called for a while."""
    change(value)
    try:
        yield
    finally:
        change(before)


CHANGES: dict[str, Callable[[], Any]] = {
    "backends.mkldnn.enabled": lambda: attribute(torch.backends.mkldnn, "enabled", False),
    "backends.mkldnn.deterministic": lambda: attribute(
        torch.backends.mkldnn, "deterministic", True
    ),
    "subnormal numbers": lambda: called(torch.set_flush_denormal, True, False),
    "get_default_dtype": lambda: called(torch.set_default_dtype, torch.float64, torch.float32),
    "get_default_device": lambda: called(torch.set_default_device, "meta", None),
    "get_float32_matmul_precision": lambda: called(
        torch.set_float32_matmul_precision, "medium", "highest"
    ),
    "is_autocast_enabled(cpu)": lambda: torch.autocast("cpu"),
    "backends.nnpack.enabled": lambda: called(torch.backends.nnpack.set_flags, False, True),
    "backends.mha.get_fastpath_enabled": lambda: called(
        torch.backends.mha.set_fastpath_enabled, False, True
    ),
    "backends.cuda.flash_sdp_enabled": lambda: called(
        torch.backends.cuda.enable_flash_sdp, False, True
    ),
    "backends.cuda.math_sdp_enabled": lambda: called(
        torch.backends.cuda.enable_math_sdp, False, True
    ),
    "backends.cudnn.enabled": lambda: attribute(torch.backends.cudnn, "enabled", False),
    "backends.cudnn.deterministic": lambda: attribute(torch.backends.cudnn, "deterministic", True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_switch_is_seen(name: str) -> None:
    """As it comes nothing is altered; a switch that chooses other kernels or numbers is named."""
    assert altered(read_state(), in_run=False) == {}
    with CHANGES[name]():
        assert name in altered(read_state(), in_run=False)
    assert altered(read_state(), in_run=False) == {}


@pytest.mark.slow
def test_what_a_run_sets_is_judged_in_a_run_alone() -> None:
    """Threads and deterministic algorithms are the caller's own until a run sets them; a model that
    sets them back is seen."""
    threads = torch.get_num_threads()
    with deterministic():
        assert altered(read_state(), in_run=True) == {}
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(2)
        found = altered(read_state(), in_run=True)
        assert set(found) == {"are_deterministic_algorithms_enabled", "get_num_threads"}
        assert altered(read_state(), in_run=False) == {}
    assert torch.get_num_threads() == threads


def test_one_altered_task_is_enough() -> None:
    """The record of a run has the switch as it was at its worst, whichever task that was."""
    good, bad = {"get_default_dtype": "torch.float32"}, {"get_default_dtype": "torch.float64"}
    assert merged([good, bad, good], in_run=True) == bad
    assert merged([bad, good], in_run=True) == bad
    assert merged([], in_run=True) == {}


@pytest.mark.parametrize(
    ("started", "variable", "value"),
    [(False, None, "fixed"), (True, ":4096:8", "fixed"), (True, ":16:8", "not fixed")],
)
def test_the_workspace_of_cublas_is_fixed_before_cuda_starts(
    started: bool, variable: str | None, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch reads the variable once: in a process that has used CUDA with another workspace no
    equal bits are claimed, and the run goes on."""
    monkeypatch.setattr(torch_state, "_workspace", {})
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: started)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", variable or "")
    assert WORKSPACE not in read_state()
    for _ in range(2):
        fix_workspace()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert read_state()[WORKSPACE] == value
    with deterministic():
        found = altered(read_state(), in_run=True)
    assert found == ({} if value == "fixed" else {WORKSPACE: value})


RUNS = """
import json, sys, torch
sys.path.insert(0, sys.argv[1])
from backbones import MeanColour
from biobench.run.options import Options
from biobench.pipeline import run

class SetsBack(MeanColour):
    def embed(self, batch):
        torch.backends.mkldnn.deterministic = True
        return super().embed(batch)

class Threads(MeanColour):
    # Threads are set for the thread that calls alone.
    def embed(self, batch):
        torch.set_num_threads(2)
        return super().embed(batch)

class Flushes(MeanColour):
    def embed(self, batch):
        torch.set_flush_denormal(True)
        return super().embed(batch)

class OnceOff(MeanColour):
    # Off for some passes, and on again before the run ends.
    passes = 0
    def embed(self, batch):
        OnceOff.passes += 1
        torch.backends.mkldnn.enabled = OnceOff.passes != 2
        return super().embed(batch)

class Nnpack(MeanColour):
    def embed(self, batch):
        torch.backends.nnpack.set_flags(False)
        return super().embed(batch)

def level(model, store):
    results = run(Options(model=model, tasks=("demo-fungiclef",), workers=1, quiet=True,
                          save=False, store=store))
    document = results.document
    return [document["levels"], document["unofficial_reasons"], document["environment"]["torch"]]

from pathlib import Path
store = Path(sys.argv[2])
shards = lambda: len(list(store.glob("features-*/*/*.safetensors")))
found = {"as it comes": level(MeanColour(), store)}
found["compiler"] = "torch._inductor" in sys.modules
found["shards"] = [shards()]
torch.backends.mkldnn.enabled = False
found["mkldnn off"] = level(MeanColour(), store)
found["shards"].append(shards())
torch.backends.mkldnn.enabled = True
found["set back"] = level(SetsBack(), store / "other")
torch.backends.mkldnn.deterministic = False
for model in (Threads, Flushes, OnceOff, Nnpack):
    found[model.__name__] = level(model(), store / model.__name__)
    torch.backends.nnpack.set_flags(True)
    # Nothing is embedded now: the same class, whose features are in the store.
    class Stored(model):
        def embed(self, batch):
            raise AssertionError("embeds again")
    found[model.__name__ + ", stored"] = level(Stored(), store / model.__name__)
if hasattr(torch.backends, "fp32_precision"):
    # From here on torch refuses to read the former switches.
    torch.backends.fp32_precision = "tf32"
    found["precise"] = level(MeanColour(), store / "precise")
print(json.dumps(found))
"""


IN_THE_PASS = {
    "Threads": "get_num_threads",
    "Flushes": "subnormal numbers",
    "OnceOff": "backends.mkldnn.enabled",
    "Nnpack": "backends.nnpack.enabled",
}
"""By model, the switch that it leaves altered in the thread that embeds."""


@pytest.mark.slow
def test_a_run_with_an_altered_torch_claims_t(tmp_path: Path) -> None:
    """Its features are never served to a run that was not altered."""
    own = recorded()
    environment = {name: value for name, value in os.environ.items() if name not in own}
    done = subprocess.run(
        [sys.executable, "-c", RUNS, str(PIPELINE), str(tmp_path)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    reason = "torch or the environment was altered: level T"
    levels, reasons, state = found["as it comes"]
    assert levels["features"] == "E"
    assert reason not in reasons
    assert state["backends.mkldnn.enabled"] == "True"
    # It takes longer to load than a small task to run.
    assert not found["compiler"]
    for name, switch in (
        ("mkldnn off", "backends.mkldnn.enabled"),
        ("set back", "backends.mkldnn.deterministic"),
        *((name, switch) for of, switch in IN_THE_PASS.items() for name in (of, f"{of}, stored")),
    ):
        levels, reasons, state = found[name]
        assert levels["features"] == "T", name
        assert reason in reasons
        assert altered(state, in_run=True).keys() == {switch}
    if "precise" in found:
        levels, reasons, state = found["precise"]
        assert levels["features"] == "T"
        assert reason in reasons
        assert "backends.fp32_precision" in altered(state, in_run=True)
        assert state["backends.cudnn.allow_tf32"] == "False"
    first, both = found["shards"]
    assert both == 2 * first > 0
