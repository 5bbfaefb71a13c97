"""Level E2 across processors: the digests that were recorded once, here and on an emulated Intel.

`tools/make_golden.py` records them. A difference on another machine is a fault of level E2, whose
message names the stage and the processor. The emulator has no AVX-512, another maker's name and
other caches, and takes the reciprocals and roots that are approximate in silicon by exact ones.
"""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path

import pytest
from processes import lines

from biobench.repro.environment import processor_name
from biobench.repro.settings import can_fix_bits

HERE = Path(__file__).parent
EMULATED = ("Haswell",)
"""Intel's first with AVX2 and FMA: the least that level E2 asks for."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not can_fix_bits(), reason="level E2 is of x86-64 processors with AVX2 and FMA"
    ),
]


def measure(workers: int, *emulator: str) -> dict[str, str]:
    """Part -> digest, in a process that has the settings from its start."""
    found = lines(HERE / "measure.py", str(workers), emulator=emulator)
    print("\n".join(f"{line['part']:40} {line['seconds']:7.2f} s" for line in found))
    return {line["part"]: line["digest"] for line in found}


@pytest.fixture(scope="module")
def recorded() -> dict[str, str]:
    """Part -> digest, of another run, maybe of another machine."""
    digests: dict[str, str] = json.loads((HERE / "small.json").read_text())["digests"]
    return digests


def compare(found: dict[str, str], recorded: dict[str, str], processor: str) -> None:
    """Fail with the stages that differ, the first first, and the processors."""
    recorder = json.loads((HERE / "small.json").read_text())["cpu"]
    different = [id for id in recorded if found.get(id) != recorded[id]]
    assert not different, f"{processor} differs from {recorder} in {', '.join(different)}"
    assert list(found) == list(recorded)


def test_this_processor_repeats_what_was_recorded(recorded: dict[str, str]) -> None:
    """Every machine that runs the tests is compared with the one that recorded the digests; three
    threads, for they decide nothing."""
    compare(measure(3), recorded, processor_name())


@pytest.mark.depth
@pytest.mark.timeout(900)
@pytest.mark.parametrize("processor", EMULATED)
def test_an_emulated_processor_repeats_what_was_recorded(
    processor: str, recorded: dict[str, str]
) -> None:
    """Pixels, both kinds of networks, elementwise functions, every probe and every score."""
    if platform.system() != "Linux" or shutil.which("qemu-x86_64") is None:
        pytest.skip("no qemu-x86_64 (Debian: qemu-user)")
    compare(measure(2, "qemu-x86_64", "-cpu", processor), recorded, f"an emulated {processor}")
