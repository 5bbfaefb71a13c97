"""The record of the machine: processors that differ never count as one type."""

from __future__ import annotations

from pathlib import Path

import pytest

from biobench.repro.environment import processor_type

ZEN = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
cpu MHz\t\t: 2596.140
cache size\t: 1024 KB
flags\t\t: fpu sse2 avx2 fma nopl ssse3 avx512f
bogomips\t: 5192.28
"""
NEOVERSE = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd crc32 asimdhp sve
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
CPU revision\t: 1
"""


def type_of(folder: Path, *processors: str) -> str | None:
    file = folder / "cpuinfo"
    file.write_text("\n".join(processors))
    return processor_type(file)


def test_the_type_is_model_and_instructions(tmp_path: Path) -> None:
    """In one order, whatever the kernel lists beside them."""
    found = "AuthenticAMD, 25, 17, AMD EPYC, 1, 1024 KB: avx2 avx512f fma sse2 ssse3"
    assert type_of(tmp_path, ZEN) == found
    assert type_of(tmp_path, ZEN, ZEN.replace("2596.140", "3100.000")) == found
    assert type_of(tmp_path, ZEN.replace("fpu sse2", "sse2 fpu ibpb")) == found
    assert type_of(tmp_path, NEOVERSE) == "0x41, 8, 0x1, 0xd40, 1: asimd asimdhp sve"


@pytest.mark.parametrize(
    ("old", "new"), [(" avx512f", ""), (": 17", ": 49"), ("1024 KB", "512 KB"), (": 1\n", ": 2\n")]
)
def test_one_name_is_not_one_type(old: str, new: str, tmp_path: Path) -> None:
    """Virtual machines give processors that differ one name."""
    assert old in ZEN
    other = type_of(tmp_path, ZEN.replace(old, new))
    assert other not in (None, type_of(tmp_path, ZEN))


def test_two_kinds_of_cores_are_a_type_of_their_own(tmp_path: Path) -> None:
    """A thread may run on either."""
    little = NEOVERSE.replace("0xd40", "0xd03")
    found = type_of(tmp_path, NEOVERSE, little)
    assert found == f"{type_of(tmp_path, NEOVERSE)}; {type_of(tmp_path, little)}"


def test_an_unknown_processor_has_no_type(tmp_path: Path) -> None:
    """It is then equal to nothing."""
    assert processor_type(tmp_path / "none") is None
    assert type_of(tmp_path, "processor : 0\n") is None
    assert type_of(tmp_path, "flags : avx2\n") is None
