"""Exact levels across processors: the recorded digests, here and on an emulated Intel.

`tools/make_golden.py` records them. A difference on another machine is a fault of the level, whose
message names the stage and the processor. The emulator has no AVX-512, another maker's name and
other caches.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from processes import emulator, lines

from biobench.repro.environment import processor_name

HERE = Path(__file__).parent
EMULATED = ("Haswell",)
"""Intel's first with AVX2 and FMA."""

pytestmark = pytest.mark.slow

LIBRARIES = {
    "ATEN_CPU_CAPABILITY": "default",
    "FAISS_OPT_LEVEL": "generic",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OMP_NUM_THREADS": "3",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Prescott",
}
"""Other kernels of every library that takes part."""


def measure(workers: int, *start: str, **variables: str) -> dict[str, str]:
    """Part -> digest, in a process of its own."""
    found = lines(HERE / "measure.py", str(workers), variables=variables, emulator=start)
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
def test_no_kernel_of_a_library_decides_a_bit(recorded: dict[str, str]) -> None:
    """Libraries that are forced to the kernels of an old processor give the same digests in every
    part: images, networks, probes and scores."""
    compare(measure(2, **LIBRARIES), recorded, "another choice of kernels")


@pytest.mark.depth
@pytest.mark.timeout(900)
@pytest.mark.parametrize("processor", EMULATED)
def test_an_emulated_processor_repeats_what_was_recorded(
    processor: str, recorded: dict[str, str]
) -> None:
    """Pixels, both kinds of networks, every probe and every score."""
    compare(measure(2, *emulator(processor)), recorded, f"an emulated {processor}")
