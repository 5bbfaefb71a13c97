"""The sanitizers that native code runs under do find what they are for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from fuzz import SANITIZERS

pytestmark = pytest.mark.slow

C = """
#include <limits.h>
#include <stdlib.h>
int fault(int kind) {
    int four[4] = {0}, *gone = malloc(4);
    if (kind == 1) return INT_MAX + kind;
    if (kind == 2) return four[kind + 3];
    if (kind == 3) { free(gone); return *gone; }
    if (kind == 4) return 1 << (kind + 40);
    free(gone);
    return 0;
}
"""
RUST = """
extern "C" { fn fault(kind: i32) -> i32; }
fn main() {
    let kind: i32 = std::env::args().nth(1).unwrap().parse().unwrap();
    println!("{}", unsafe { fault(kind) });
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """C and Rust in one program, built with the flags of `make fuzz` and `make sanitize`."""
    folder = tmp_path_factory.mktemp("sanitizers")
    (folder / "fault.c").write_text(C)
    (folder / "main.rs").write_text(RUST)
    subprocess.run(["cc", "-c", "-O1", *SANITIZERS, "fault.c"], cwd=folder, check=True)
    subprocess.run(
        ["rustc", "-Zsanitizer=address", "-Clink-arg=fault.o", "main.rs"], cwd=folder, check=True,
        env={**os.environ, "RUSTC_BOOTSTRAP": "1"},
    )  # fmt: skip
    return folder / "main"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (1, "signed integer overflow"),
        (2, "out of bounds"),
        (3, "heap-use-after-free"),
        (4, "shift exponent 44 is too large"),
    ],
)
def test_a_fault_ends_the_program(kind: int, words: str, program: Path) -> None:
    """Undefined behaviour of C too, which the runtime of Rust's sanitizer reports."""
    done = subprocess.run([program, str(kind)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert words in done.stderr


def test_a_sound_program_runs(program: Path) -> None:
    """The counter-check."""
    done = subprocess.run([program, "0"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
