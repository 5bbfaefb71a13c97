#!/usr/bin/env python3
"""Hold the numbered rules of SPEC.md and the cases of the vectors to each other.

Every case names rules that the text has, and every rule has a case or a reason in
tools/vectors/rules.yaml why none can be; nothing in that file is without use.

    tools/check_rules.py            exit 1 with a line for each fault
    tools/check_rules.py --list     the rules, each with the number of its cases or its reason
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "runner"), str(ROOT / "tools")]

from vectors.rules import RULE, cases, expanded, pattern_of, place, reasons  # noqa: E402

CONFORMANCE = ROOT / "spec" / "v1" / "conformance"


def rules_of_the_text(text: str) -> tuple[list[str], list[str]]:
    """The rules in the order of the text, and a line for each that has no place there."""
    found: list[str] = []
    faults = []
    heading = ""
    for line in text.splitlines():
        number = re.match(r"#{2,3} ([0-9]+(?:\.[0-9]+)?)[. ]", line)
        heading = number[1] if number else heading
        for rule in RULE.findall(line):
            if rule.rpartition("-")[0] != heading:
                faults.append(f"rule {rule} stands in section {heading}")
            if rule in found:
                faults.append(f"rule {rule} stands in the text twice")
            found.append(rule)
    return found, faults


def named_by_cases(folder: Path = CONFORMANCE) -> dict[str, tuple[str, list[str]]]:
    """Path below conformance/ and rules of every case, by its id."""
    return {
        case["id"]: (path.relative_to(folder).as_posix(), case["rules"])
        for path in sorted(folder.rglob("*.json"))
        for case in json.loads(path.read_bytes())["cases"]
    }


def faults_of(
    rules: list[str],
    named: Mapping[str, tuple[str, list[str]]],
    excused: Mapping[str, str],
) -> Iterator[str]:
    """A line for each thing that does not fit: text, cases, reasons."""
    for case, (path, of_case) in named.items():
        for rule in of_case:
            if rule not in rules:
                yield f"{path}: {case} names rule {rule}, which SPEC.md does not have"
    tested = {rule for _, of_case in named.values() for rule in of_case}
    without = {rule: why for entry, why in excused.items() for rule in expanded(entry)}
    for rule in rules:
        if rule not in tested and rule not in without:
            yield f"rule {rule} has no case; write one, or its reason in tools/vectors/rules.yaml"
        if rule in tested and rule in without:
            yield f"rule {rule} has a case; remove its reason from tools/vectors/rules.yaml"
    for rule in without:
        if rule not in rules:
            yield f"rules.yaml: a reason for rule {rule}, which SPEC.md does not have"


def unused(named: Mapping[str, tuple[str, list[str]]]) -> Iterator[str]:
    """A line for each entry of rules.yaml that no case matches."""
    used = {(place(path), pattern_of(path, case)) for case, (path, _) in named.items()}
    for file, families in cases().items():
        for patterns in families:
            if (file, patterns) not in used:
                yield f"rules.yaml: {file}: no case matches {patterns!r}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", action="store_true", help="the rules and their cases")
    options = parser.parse_args()
    rules, faults = rules_of_the_text((ROOT / "spec" / "SPEC.md").read_text(encoding="utf-8"))
    named = named_by_cases()
    if options.list:
        why = {rule: text for entry, text in reasons().items() for rule in expanded(entry)}
        counts = Counter(rule for _, of_case in named.values() for rule in of_case)
        lines = (f"{rule}\t{counts[rule] or why.get(rule, 'no case')}\n" for rule in rules)
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
        return 0
    faults += [*faults_of(rules, named, reasons()), *unused(named)]
    for fault in faults:
        print(f"check_rules: {fault}", file=sys.stderr)
    if not faults:
        tested = {rule for _, of_case in named.values() for rule in of_case}
        print(f"{len(rules)} rules: {len(tested)} have cases, {len(rules) - len(tested)} a reason")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
