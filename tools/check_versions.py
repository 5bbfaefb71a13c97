#!/usr/bin/env python3
"""Hold the specification to its versions (SPEC.md, section 17), with the ledger spec/versions.json.

The ledger has an entry a spec_version: the digest of every case of the vectors, of what can move a
score in every document by id@version, and of what all tasks share. What was released stays as it
is: a case that moves or vanishes needs a higher spec_version, a document that moves a score a
higher version.

    tools/check_versions.py                compare the specification with the ledger
    tools/check_versions.py --base REV     and the ledger with what REV's history released
    tools/check_versions.py --record       write the entry of a version that is not yet released
    tools/check_versions.py --release      after a check, of the vectors too, mark it as released
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "runner"))

from biobench.conformance.vectors import read_vectors  # noqa: E402
from biobench.spec.canonical import sha256_json  # noqa: E402
from biobench.spec.library import Document  # noqa: E402
from biobench.spec.load import Spec, load_spec  # noqa: E402
from biobench.spec.pinned import pinned  # noqa: E402
from biobench.spec.resolve import chain, merge  # noqa: E402

LEDGER = "spec/versions.json"
# Counts decide whether a result is official and move no score; the rest is for readers.
TASK_KEYS = ("task", "dataset", "split", "label_rule", "view", "feature", "protocol", "metrics")
COMPAT_KEYS = ("label_rule", "view", "feature", "metrics")
PROTOCOL_KEYS = ("kind", "constants", "compat")
# Superseded tasks rest on these too, and a document of theirs cannot pin them.
FIXED_KEYS = ("seed", "micro_batch", "interval")
SHARED_KEYS = (*FIXED_KEYS, "comparison", "association", "aggregate")

Entry = Mapping[str, Any]
"""{"released": flag, "cases": {id: digest}, "documents": {id@version: {part: digest or name}},
"suite": {member of suite.yaml, or id of a suite: digest}}"""
Ledger = Mapping[str, Entry]


def current_entry(spec: Spec) -> dict[str, Any]:
    """The entry of a specification as it is, not released."""
    cases = {
        case.id: sha256_json([v.folder, v.level, v.operation, case.input, case.output])
        for v in read_vectors(spec)
        for case in v.cases
    }
    documents = {}
    for document in spec.library.documents.values():
        if document.kind in ("task", "protocol"):
            name = f"{document.kind} {document.value[document.kind]}@{document.value['version']}"
            documents[name] = _parts(document, spec)
    return {
        "released": False,
        "cases": dict(sorted(cases.items())),
        "documents": dict(sorted(documents.items())),
        "suite": _shared(spec.library.documents["suite.yaml"].value),
    }


def _shared(suite: Mapping[str, Any]) -> dict[str, str]:
    """The values that can move any score, interval or mean, by their place in suite.yaml."""
    found = {key: sha256_json(suite[key]) for key in SHARED_KEYS}
    for one in suite["suites"]:
        found[f"suite {one['id']}"] = sha256_json([one["members"], one["pending"]])
    return found


def _parts(document: Document, spec: Spec) -> dict[str, str]:
    """The parts that can move a score: the document's own members, and those a task rests on."""
    if document.kind == "protocol":
        return {"own": sha256_json({key: document.value[key] for key in PROTOCOL_KEYS})}
    links = chain(document, spec.library.by_id["task"])
    assert isinstance(links, list)  # load_spec has refused the others
    task = merge(links)
    compat = {key: task["compat"][key] for key in COMPAT_KEYS if key in task["compat"]}
    library = pinned(spec.library, document)
    layout = library.by_id["dataset"][task["dataset"]].value["layout"]
    protocol = library.by_id["protocol"][task["protocol"]].value
    return {
        "own": sha256_json({**{key: task[key] for key in TASK_KEYS}, "compat": compat}),
        "layout": sha256_json(layout),
        "protocol": f"{task['protocol']}@{protocol['version']}",
    }


def check_current(version: str, now: Entry, ledger: Ledger) -> Iterator[str]:
    """The faults of a specification, as it is now, by its ledger; a line each."""
    if any(_order(other) > _order(version) for other in ledger):
        yield f"spec_version {version} is below one of {LEDGER}; raise it in spec/v1/suite.yaml"
        return
    for other, entry in ledger.items():
        if entry["released"]:
            yield from _documents(other, now, entry)
            yield from _suite(version, other, now, entry)
    recorded = ledger.get(version)
    if recorded is None:
        yield f"spec_version {version} is not in {LEDGER}; run tools/check_versions.py --record"
    elif recorded["released"]:
        yield from _cases(version, now, recorded)
        yield from _added(version, now, recorded)
    elif {**recorded, "released": False} != now:
        count = sum(
            recorded.get(part, {}).get(key) != now[part].get(key)
            for part in ("cases", "documents", "suite")
            for key in recorded.get(part, {}).keys() | now[part].keys()
        )
        yield (
            f"{LEDGER} is behind {version}, which is not released, by {count} entries; "
            "run tools/check_versions.py --record"
        )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _cases(version: str, now: Entry, released: Entry) -> Iterator[str]:
    remedy = "raise spec_version in spec/v1/suite.yaml, with a line in spec/CHANGELOG.md"
    for case, digest in released["cases"].items():
        if case not in now["cases"]:
            yield f"the case {case} of {version} is gone; {remedy}"
        elif now["cases"][case] != digest:
            yield f"the case {case} is not what {version} released; {remedy}"


def _added(version: str, now: Entry, released: Entry) -> Iterator[str]:
    for part, noun in (("cases", "case"), ("documents", "document")):
        for name in now[part]:
            if name not in released[part]:
                yield (
                    f"the {noun} {name} is not in {version}, which is released; "
                    "raise spec_version in spec/v1/suite.yaml"
                )


def _documents(version: str, now: Entry, released: Entry) -> Iterator[str]:
    for name, parts in released["documents"].items():
        kind, _, rest = name.partition(" ")
        id, _, number = rest.partition("@")
        found = now["documents"].get(name)
        if found is None:
            yield (
                f"{name} of {version} is gone; keep it as spec/v1/{kind}s/{id}.v{number}.yaml "
                "beside the new version"
            )
            continue
        for part, value in parts.items():
            if found[part] != value:
                what = "members that move a score" if part == "own" else f"its {part}"
                yield (
                    f"{name} differs from {version} in {what}; keep that one as "
                    f"{id}.v{number}.yaml and raise the version, with a line in spec/CHANGELOG.md"
                )


def _suite(version: str, other: str, now: Entry, released: Entry) -> Iterator[str]:
    """Refuse changes of suite.yaml that need a higher first or second number of the version."""
    places = released["suite"].keys() | now["suite"].keys()
    for place in sorted(places):
        if released["suite"].get(place) == now["suite"].get(place):
            continue
        same = 1 if place in FIXED_KEYS else 2
        if _order(version)[:same] == _order(other)[:same]:
            yield (
                f"suite.yaml: {place} is not what {other} released; it changes with the "
                f"{('first', 'second')[same - 1]} number of spec_version"
            )


def check_history(ledger: Ledger, earlier: Mapping[str, Ledger]) -> Iterator[str]:
    """Check that entries that an earlier ledger calls released are still there, unchanged."""
    told: set[str] = set()
    for revision, past in earlier.items():
        for version, entry in past.items():
            if entry["released"] and ledger.get(version) != entry and version not in told:
                told.add(version)
                yield (
                    f"the entry of {version} in {LEDGER} is not the one released in "
                    f"{revision[:12]}; restore it and raise spec_version instead"
                )


def history(revision: str) -> dict[str, Ledger]:
    """Every ledger in the history of a revision, by commit; none in a folder without history.

    Exits where the history is cut off: what was released could lie beyond the cut.
    """
    if not (ROOT / ".git").exists():
        print("no git history here: released entries are not compared with it")
        return {}
    if _git("rev-parse", "--is-shallow-repository").strip() == "true":
        sys.exit(
            "check_versions: this clone is shallow, so what was released may be missing from its "
            "history; run git fetch --unshallow, or leave --base out"
        )
    # Without it git leaves out a side of a merge whose ledger the merge did not take.
    listed = _git("rev-list", "--full-history", revision, "--", LEDGER)
    return {
        commit: json.loads(_git("show", f"{commit}:{LEDGER}"))
        for commit in listed.split()
        if _git("ls-tree", "--name-only", commit, LEDGER)
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines() or ["no output"]
        sys.exit(f"check_versions: git {' '.join(arguments)}: {reason[0]}")
    return done.stdout


def vectors_hold() -> bool:
    """Check that the vectors are those made from the text and its independent sources."""
    command = [sys.executable, str(ROOT / "tools" / "make_vectors.py"), "--check"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def ledger_text(ledger: Ledger) -> str:
    """One line an entry of an entry, versions in order."""
    ordered = {version: ledger[version] for version in sorted(ledger, key=_order)}
    return json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write the entry of this version")
    parser.add_argument("--release", action="store_true", help="mark this version as released")
    parser.add_argument("--base", metavar="REV", help="compare with the history of a revision")
    options = parser.parse_args()
    path = ROOT / LEDGER
    ledger: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    spec = load_spec(ROOT / "spec")
    now = current_entry(spec)
    if options.record and not ledger.get(spec.version, {}).get("released"):
        ledger[spec.version] = now
        path.write_text(ledger_text(ledger), "utf-8")
        cases, documents = len(now["cases"]), len(now["documents"])
        print(f"recorded {spec.version}: {cases} cases, {documents} documents")
    problems = list(check_current(spec.version, now, ledger))
    if options.base:
        problems += check_history(ledger, history(options.base))
    for problem in problems:
        print(f"check_versions: {problem}", file=sys.stderr)
    if problems or (options.release and not vectors_hold()):
        return 1
    if options.release:
        ledger[spec.version]["released"] = True
        path.write_text(ledger_text(ledger), "utf-8")
    state = "released" if ledger[spec.version]["released"] else "not released"
    print(f"{spec.version} ({state}): {len(now['cases'])} cases as recorded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
