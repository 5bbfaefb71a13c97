"""Record what this machine measures, for `biobench selftest` and for the tests of other processors.

Writes runner/biobench/selftest/golden.json, and in tests/golden small.json (the same parts with
small images), families.json (a small model of each family) and run.json (a whole run of the demo
suite with a tiny model). ``--check`` writes nothing and says what this machine measures otherwise,
which is a fault of an exact level or a change of the code.

A change that moves bits on purpose raises the REVISION of its stage (embed/features.py,
probe/cached.py), or the store would serve what was computed before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from biobench.repro.environment import processor_name
from biobench.repro.software import MOVE_FEATURES, libc, package_versions

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
SMALL, RUN = (GOLDEN / f"{name}.json" for name in ("small", "run"))
sys.path.insert(0, str(GOLDEN))


def measured(small: bool) -> dict[str, Any]:
    """Every part of the self test, of small images or of those of a model's own size."""
    from biobench.selftest.part import Conditions
    from biobench.selftest.parts import PARTS

    conditions = Conditions(workers=2, small=small)
    return {part.id: part.measure(conditions) for part in PARTS}


def document(parts: dict[str, Any], small: bool) -> dict[str, Any]:
    """The document that is written: of small images the digests alone."""
    from biobench.selftest.golden import Golden, golden_document

    golden = Golden(processor_name(), package_versions(MOVE_FEATURES), libc(), parts)
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


def whole_run() -> dict[str, Any]:
    """Digests of the demo suite with the tiny model."""
    import schedules

    from biobench.spec.load import load_spec

    schedule = schedules.Schedule(load_spec().suites["demo"].tasks)
    with tempfile.TemporaryDirectory() as store:
        model = schedules.backbone(schedule.model)
        return {"cpu": processor_name(), **schedules.scheduled(schedule, model, Path(store))}


def differing_tasks(run: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
    """The tasks of a run whose digests are not the recorded ones, with the stages."""
    faults = []
    for task in {**run["tasks"], **recorded["tasks"]}:
        one, other = run["tasks"].get(task, {}), recorded["tasks"].get(task, {})
        stages = [stage for stage in {**one, **other} if one.get(stage) != other.get(stage)]
        faults += [f"{task} ({', '.join(stages)})"] if stages else []
    return faults


def write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")
    print(f"wrote {path.relative_to(ROOT)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="Compare and write nothing.")
    check = parser.parse_args().check
    import families

    from biobench.selftest.golden import FILE

    faults = []
    for path, small in ((FILE, False), (SMALL, True)):
        parts = measured(small)
        shown = path.relative_to(ROOT)
        if check:
            faults += [f"{shown}: {id}" for id in differing(parts, recorded_digests(path))]
        else:
            write(path, document(parts, small))
    small_models = {"cpu": processor_name(), "families": families.measured()}
    if check:
        past = families.recorded()
        for name in {**past, **small_models["families"]}:
            if past.get(name) != small_models["families"].get(name):
                faults.append(f"{families.RECORDED.relative_to(ROOT)}: {name}")
    else:
        write(families.RECORDED, small_models)
    run = whole_run()
    if check:
        recorded = json.loads(RUN.read_text())
        faults += [f"{RUN.relative_to(ROOT)}: {fault}" for fault in differing_tasks(run, recorded)]
    else:
        write(RUN, run)
    for fault in faults:
        print(f"make_golden: {processor_name()} measures otherwise: {fault}", file=sys.stderr)
    if check and not faults:
        print("every recorded digest is what this machine measures")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
