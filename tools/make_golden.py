"""Record what this machine measures, for `biobench selftest` and for the tests of other processors.

Writes runner/biobench/selftest/golden.json and tests/golden/small.json. ``--check`` writes nothing
and says what this machine measures otherwise, which is a fault of level E2 or a change of the code.

A change that moves bits on purpose raises the REVISION of its stage (embed/features.py,
probe/stored.py), or the store would serve what was computed before.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from biobench.repro import settings
from biobench.repro.environment import MOVE_FEATURES, package_versions, processor_name

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "tests" / "golden" / "small.json"


def measured(small: bool) -> dict[str, Any]:
    """Every part of the self test, of small images or of those of a model's own size."""
    from biobench.selftest.part import Conditions, all_parts

    conditions = Conditions(workers=2, small=small)
    return {part.id: part.measure(conditions) for part in all_parts()}


def document(parts: dict[str, Any], small: bool) -> dict[str, Any]:
    """What is written: of small images the digests alone."""
    from biobench.selftest.golden import Golden, golden_document

    golden = Golden(processor_name(), package_versions(MOVE_FEATURES), parts)
    whole = golden_document(golden)
    if not small:
        return whole
    return {"cpu": golden.cpu, "digests": {id: part.digest for id, part in parts.items()}}


def recorded_digests(path: Path) -> dict[str, str]:
    """Part -> digest, of either file."""
    read: dict[str, Any] = json.loads(path.read_text())
    if "digests" in read:
        return dict(read["digests"])
    return {id: part["digest"] for id, part in read["parts"].items()}


def differing(parts: dict[str, Any], recorded: dict[str, str]) -> list[str]:
    """The parts whose digests are not the recorded ones, and those that one side lacks."""
    found = {id: part.digest for id, part in parts.items()}
    return [id for id in {**found, **recorded} if found.get(id) != recorded.get(id)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="Compare and write nothing.")
    check = parser.parse_args().check
    settings.restart_with_settings()
    if not settings.bits_fixed():
        sys.exit("make_golden: unset the settings of biobench, on x86-64 with AVX2 and FMA")

    from biobench.selftest.golden import FILE

    faults = []
    for path, small in ((FILE, False), (SMALL, True)):
        parts = measured(small)
        shown = path.relative_to(ROOT)
        if check:
            faults += [f"{shown}: {id}" for id in differing(parts, recorded_digests(path))]
        else:
            path.write_text(json.dumps(document(parts, small), indent=1) + "\n")
            print(f"wrote {shown}")
    for fault in faults:
        print(f"make_golden: {processor_name()} measures otherwise: {fault}", file=sys.stderr)
    if check and not faults:
        print("every recorded digest is what this machine measures")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
