"""Digests of the features of written programs, as JSON, without torch; run as a program.

python tests/golden/run_programs.py FOLDER THREADS INSTRUCTION-SET ...
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from biobench._native import Engine, Program
from biobench.spec.canonical import sha256_bytes


def main(folder: Path, threads: int, sets: Sequence[str]) -> None:
    for own in sorted(folder.iterdir()):

        def constant(digest: str, own: Path = own) -> bytes:
            return (own / digest.removeprefix("sha256:")).read_bytes()

        program = Program((own / "program.json").read_text(), constant)
        images = np.frombuffer((own / "input").read_bytes(), "<f4")
        shape = [size for size in json.loads(program.text)["input"] if size != "b"]
        for name in sets:
            os.environ["BIOBENCH_ENGINE_ISA"] = name
            engine = Engine(threads)
            features = program.run(engine, images.reshape(-1, *shape))
            line = {
                "family": own.name,
                "set": engine.instruction_set,
                "digest": sha256_bytes(features.astype("<f4").tobytes()),
            }
            print(json.dumps(line), flush=True)
    assert "torch" not in sys.modules


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
