"""`submit` of a result that changes meanwhile: an exit code and one line, never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from made import Made

ROUNDS = int(os.environ.get("BIOBENCH_FAULT_ROUNDS", "60"))
# Two processes: one submits again and again, the other one spoils the files, in place and by
# another one of the name, and makes them whole again.
SUBMIT = """
import contextlib, io, json, sys
from biobench.cli import execute
codes = []
for _ in range(int(sys.argv[3])):
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        codes.append(execute(["submit", sys.argv[1], "--out", sys.argv[2]]))
    lines = said.getvalue().splitlines()
    assert codes[-1] == 0 or len(lines) == 1, lines
    assert "unexpectedly" not in said.getvalue(), lines
print(json.dumps(codes))
"""
SPOIL = """
import os, pathlib, random, sys
folder, chance = pathlib.Path(sys.argv[1]), random.Random(1)
whole = {path: path.read_bytes() for path in [*folder.glob("*.json"), *folder.glob("*/*.parquet")]}
parquet = [path for path in whole if path.suffix == ".parquet"]
while True:
    path = chance.choice([*whole, *parquet, *parquet])
    data, way = whole[path], chance.randrange(6)
    at = chance.randrange(len(data))
    if not path.exists():
        path.write_bytes(data)
    if way == 0:
        os.truncate(path, at)
    elif way == 1:
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(bytes(4096))
    elif way == 2:
        other = whole[chance.choice(parquet)]
        path.write_bytes(data[:at] + other[at:])
    elif way == 3:
        path.unlink()
    elif way == 4:
        (folder / "new").write_bytes(bytes(chance.randrange(256) for _ in data[:at]))
        os.replace(folder / "new", path)
    else:
        flipped = bytearray(data)
        flipped[at] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
    for _ in range(chance.randrange(2000)):
        pass
    if chance.random() < 0.7:
        path.write_bytes(data)
"""


def submitted(made: Made, folder: Path, times: int) -> Counter[int]:
    """Exit codes of so many submissions while another process spoils the files."""
    place = made.copy(folder).out
    spoiler = subprocess.Popen([sys.executable, "-c", SPOIL, place])
    try:
        done = subprocess.run(
            [sys.executable, "-c", SUBMIT, place, folder / "submission.tar", str(times)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert spoiler.poll() is None
    finally:
        spoiler.kill()
        spoiler.wait()
    assert done.returncode == 0, done.stderr
    return Counter(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_result_that_changes(own: Made, tmp_path: Path) -> None:
    """A damaged file is 3, a claim that does not hold is 6, and nothing else happens."""
    codes = submitted(own, tmp_path, ROUNDS)
    assert set(codes) <= {0, 3, 6}
    assert codes[3]
