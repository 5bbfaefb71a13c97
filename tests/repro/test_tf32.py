"""Products without TF32, whichever of torch's switches turned it on."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

import pytest
import torch

from biobench.embed.forward import deterministic
from biobench.probe.torch_descent import training
from biobench.repro.tf32 import without_tf32

NEWER = ("fp32_precision", "cuda.matmul.fp32_precision", "cudnn.fp32_precision",
         "cudnn.conv.fp32_precision")  # fmt: skip
FORMER = ("cuda.matmul.allow_tf32", "cudnn.allow_tf32")
ALL = (*FORMER, *NEWER, "cudnn.rnn.fp32_precision")


def read(name: str) -> object:
    try:
        return attrgetter(name)(torch.backends)
    except RuntimeError:
        return "refused"  # former and newer switches contradict each other
    except AttributeError:
        return None  # a version without it


def write(name: str, value: object) -> None:
    place, _, switch = name.rpartition(".")
    setattr(attrgetter(place)(torch.backends) if place else torch.backends, switch, value)


@pytest.fixture
def turned_on(request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.param
    before = read(name)
    if before is None:
        pytest.skip(f"torch {torch.__version__} has no {name}")
    write(name, True if name in FORMER else "tf32")
    yield name
    write(name, before)


@pytest.mark.parametrize("turned_on", [*FORMER, *NEWER], indirect=True)
@pytest.mark.parametrize("setting", [without_tf32, deterministic, training])
def test_no_switch_leaves_it_on(turned_on: str, setting: type[without_tf32]) -> None:
    """Also where torch refuses to read the former switches; the caller's values come back."""
    before = [read(name) for name in ALL]
    with setting():
        assert [read(name) for name in FORMER] == [False, False]
        found = {read(name) for name in ALL if name.count(".") == 2 and name not in FORMER}
        assert found <= {"none", "ieee", None}
    assert [read(name) for name in ALL] == before


def test_what_is_inherited_stays_inherited() -> None:
    """A value that the caller gives to all places afterwards reaches each."""
    if read("fp32_precision") is None:
        pytest.skip(f"torch {torch.__version__} has no fp32_precision")
    before = [read(name) for name in ALL]
    with without_tf32():
        pass
    torch.backends.fp32_precision = "tf32"
    with without_tf32():
        pass
    torch.backends.fp32_precision = "none"
    assert [read(name) for name in ALL] == before
