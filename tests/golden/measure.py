"""Digests of the parts of the self test that fit a slow processor, as JSON; run as a program."""

from __future__ import annotations

import json
import sys
import time

from biobench.selftest.part import Conditions
from biobench.selftest.parts import PARTS


def main(workers: int) -> None:
    conditions = Conditions(workers=workers, small=True)
    for part in PARTS:
        started = time.perf_counter()
        digest = part.measure(conditions).digest
        seconds = round(time.perf_counter() - started, 2)
        print(json.dumps({"part": part.id, "digest": digest, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
