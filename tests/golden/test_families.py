"""A small model of each family: the recorded program, and the recorded features on every
instruction set, with any number of threads, in any batch and order of rows, and emulated."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import families
import numpy as np
import pytest
from processes import emulator, lines

from biobench._native import Engine
from biobench.spec.canonical import sha256_bytes

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SETS = {"x86_64": ("scalar", "avx2", "avx512"), "aarch64": ("scalar", "neon")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every family as files."""
    made = tmp_path_factory.mktemp("families")
    assert list(families.write(made)) == list(families.FAMILIES)
    return made


def features_of(folder: Path, threads: int, *sets: str, start: tuple[str, ...] = ()) -> None:
    """Hold what a process computes to what was recorded."""
    found = lines(HERE / "run_programs.py", str(folder), str(threads), *sets, emulator=start)
    expected = {name: digests["features"] for name, digests in families.recorded().items()}
    assert len(found) == len(expected) * len(sets)
    wrong = [f"{one['family']}, {one['set']}" for one in found
             if one["digest"] != expected[one["family"]]]  # fmt: skip
    assert not wrong, f"other features: {'; '.join(wrong)}"


@pytest.mark.depth
def test_programs_are_the_recorded_ones(folder: Path) -> None:
    """Of whatever versions of torch and timm are installed."""
    found = {
        name: sha256_bytes((folder / name / families.PROGRAM).read_bytes())
        for name in families.FAMILIES
    }
    assert found == {name: each["program"] for name, each in families.recorded().items()}


@pytest.mark.depth
@pytest.mark.parametrize("threads", [1, 3])
def test_every_instruction_set_gives_the_recorded_features(threads: int, folder: Path) -> None:
    """Those that this processor has, and plain arrays in their place."""
    best = Engine(1).instruction_set
    sets = SETS.get(platform.machine(), ("scalar",))
    features_of(folder, threads, *sets[: sets.index(best) + 1])


@pytest.mark.depth
@pytest.mark.parametrize("processor", ["Haswell", "EPYC"])
def test_emulated_processors_give_the_recorded_features(processor: str, folder: Path) -> None:
    """Of two makers, without AVX-512."""
    features_of(folder, 2, "avx2", start=emulator(processor))


@pytest.mark.parametrize("name", ["vit", "swin", "efficientnet"])
def test_a_row_depends_on_no_other(name: str) -> None:
    """Batches of 1, 5 and 32, rows in another order, 1, 2, 3 and 7 threads."""
    program, _ = families.made(name)
    drawn = np.random.default_rng(1).standard_normal((32, *families.images(name).shape[1:]))
    rows = drawn.astype(np.float32)
    whole = program.run(Engine(1), rows)
    order = np.random.default_rng(2).permutation(32)
    for threads in (1, 2, 3, 7):
        engine = Engine(threads)
        np.testing.assert_array_equal(program.run(engine, rows[order]), whole[order])
        np.testing.assert_array_equal(program.run(engine, rows[3:8]), whole[3:8])
        np.testing.assert_array_equal(program.run(engine, rows[9:10]), whole[9:10])


def test_every_family_of_the_list_is_recorded() -> None:
    """No family is left out of what other processors are compared with."""
    document = json.loads(families.RECORDED.read_text())
    assert list(document["families"]) == list(families.FAMILIES)
    assert document["cpu"]
