#!/usr/bin/env python3
"""Judge the conformance vectors by wrong implementations: every one must fail a case.

    tools/mutants/run.py                 all of them; make test-mutants
    tools/mutants/run.py --sample        one of each list
    tools/mutants/run.py TEXT ...        those whose list/id has one of the texts in it
    tools/mutants/run.py --rules         which rules with cases no mutant breaks, and run none

Exit 1 where a mutant survives that its list does not explain, a list needs a fix, or (--rules) a
rule of SPEC.md that has cases is broken by no mutant.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "runner"), str(ROOT / "tools")]

from check_rules import named_by_cases, rules_of_the_text  # noqa: E402
from mutants.lists import LISTS, ListError, Mutant, read_lists  # noqa: E402
from mutants.trial import Vectors, Verdict, flaw_of_the_original, judge  # noqa: E402


def chosen(lists: dict[str, list[Mutant]], texts: Sequence[str], *, sample: bool) -> list[Mutant]:
    """The mutants of the command line."""
    if sample:
        return [mutants[0] for mutants in lists.values() if mutants]
    found = [mutant for mutants in lists.values() for mutant in mutants]
    if texts:
        found = [mutant for mutant in found if any(text in mutant.name for text in texts)]
    return found


def verdicts(mutants: Sequence[Mutant], jobs: int) -> Iterable[Verdict]:
    """The verdicts in the order of the mutants; raises ListError where the original is wrong."""
    with TemporaryDirectory(prefix="biobench-mutants-") as scratch:
        vectors = Vectors(Path(scratch))
        asked = {section for mutant in mutants for section in mutant.sections}
        vectors.files(sorted(asked))
        with ThreadPoolExecutor(jobs) as pool:
            for port in (True, False):
                sections = {s for m in mutants if m.is_port is port for s in m.sections}
                if sections:
                    flaw = flaw_of_the_original(tuple(sorted(sections)), vectors, port=port)
                    if flaw is not None:
                        raise ListError(f"the implementation without a change is wrong: {flaw}")
            yield from pool.map(lambda mutant: judge(mutant, vectors), mutants)


def report(mutants: Sequence[Mutant], jobs: int, *, quiet: bool) -> int:
    """Print the verdicts; the exit code."""
    begun = time.perf_counter()
    words: Counter[str] = Counter()
    for verdict in verdicts(mutants, jobs):
        words[verdict.word] += 1
        if verdict.is_fault or not quiet:
            print(verdict, flush=True)
    tally = ", ".join(f"{words[word]} {word}" for word in ("killed", "equal", "survived", "wrong"))
    print(f"{len(mutants)} mutants: {tally}; {time.perf_counter() - begun:.0f} s")
    return 1 if words["survived"] or words["wrong"] else 0


def print_unbroken(lists: dict[str, list[Mutant]]) -> int:
    """Print the rules with cases that no mutant breaks; the exit code, 1 where there is one.

    A mutant that its list calls equal breaks none.
    """
    rules, _ = rules_of_the_text((ROOT / "spec" / "SPEC.md").read_text(encoding="utf-8"))
    mutants = [mutant for of_list in lists.values() for mutant in of_list]
    unknown = sorted({rule for mutant in mutants for rule in mutant.rules} - set(rules))
    if unknown:
        raise ListError(f"rules that SPEC.md does not have: {', '.join(unknown)}")
    broken = {rule for mutant in mutants if mutant.equal is None for rule in mutant.rules}
    tested = {rule for _, of_case in named_by_cases().values() for rule in of_case}
    unbroken = [rule for rule in rules if rule in tested - broken]
    for rule in unbroken:
        print(rule)
    print(f"{len(tested & broken)} of {len(tested)} rules with cases are broken by a mutant")
    return 1 if unbroken else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="*", help="a part of list/id")
    parser.add_argument("--lists", type=Path, default=LISTS, help=argparse.SUPPRESS)
    parser.add_argument("--sample", action="store_true", help="one of each list")
    parser.add_argument(
        "--rules", action="store_true", help="list the rules that no mutant breaks; exit 1 for one"
    )
    parser.add_argument("--quiet", action="store_true", help="print faults and the tally alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args()
    try:
        lists = read_lists(options.lists)
        if options.rules:
            return print_unbroken(lists)
        mutants = chosen(lists, options.text, sample=options.sample)
        if not mutants:
            raise ListError("no mutant is named so")
        if any(mutant.is_port for mutant in mutants) and shutil.which("node") is None:
            raise ListError("the port needs Node; tools/install-packages ci nodejs")
        return report(mutants, options.jobs, quiet=options.quiet)
    except ListError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
