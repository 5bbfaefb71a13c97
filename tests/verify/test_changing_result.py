"""`submit` of a result that changes meanwhile: an exit code and one line, never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_runs import Made

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("BIOBENCH_FAULT_ROUNDS", "60"))
# Two processes: one submits again and again, the other one spoils the files, in place and by
# another one of the name, and makes them whole again.
SUBMIT = """
import contextlib, io, json, pathlib, subprocess, sys
from biobench.cli import execute
codes = []
whole = {path: path.read_bytes() for path in pathlib.Path(sys.argv[1]).rglob("*.*")}
spoiler = subprocess.Popen([sys.executable, "-c", sys.argv[4], sys.argv[1]])
for left in range(int(sys.argv[3]), -1, -1):
    if not left:
        assert spoiler.poll() is None
        spoiler.kill()
        spoiler.wait()
        for path, data in whole.items():
            path.write_bytes(data)
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


@pytest.mark.timeout(3600)
def test_a_result_that_changes(own: Made, tmp_path: Path) -> None:
    """A damaged file is 3, a claim that does not hold is 6, nothing else happens; once the files
    are whole again, the next submission is."""
    place = own.copy(tmp_path).out
    done = subprocess.run(
        [sys.executable, "-c", SUBMIT, place, tmp_path / "submission.tar", str(ROUNDS), SPOIL],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout)
    assert len(codes) == ROUNDS + 1
    assert set(codes) <= {0, 3, 6}
    assert 3 in codes
    assert codes[-1] == 0
