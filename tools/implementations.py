#!/usr/bin/env python3
"""Write the table of known implementations into spec/PORTING.md, from what the vectors say of them.

tools/implementations.py [--check] ANSWERS ...    exit 1 with --check where the table is another
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from biobench.conformance.answers import check_answers, read_answers
from biobench.conformance.vectors import read_vectors
from biobench.spec.load import load_spec

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "spec" / "PORTING.md"
BEGIN, END = "<!-- implementations -->\n", "<!-- end of implementations -->\n"


def table(answers: list[Path]) -> str:
    """A row an implementation: name, language, levels, sections beyond them, right answers."""
    spec = load_spec(ROOT / "spec")
    files = read_vectors(spec)
    heads = "implementation", "language", "conforms at levels", "optional sections", "right answers"
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for path in answers:
        document = read_answers(path, spec, files)
        report = check_answers(document, files)
        levels = [verdict.level for verdict in report.verdicts() if verdict.conforms]
        beyond = [t.section for t in report.tallies if not t.required and t.claimed]
        right, cases = (sum(getattr(t, n) for t in report.tallies) for n in ("right", "cases"))
        named = document["implementation"]
        cells = (", ".join(levels) or "none", ", ".join(beyond) or "none", f"{right} of {cases}")
        rows.append(f"| {named['name']} | {named['language']} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    parser.add_argument("answers", nargs="+", type=Path, metavar="ANSWERS")
    options = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    head, rest = before.split(BEGIN)
    page = f"{head}{BEGIN}{table(options.answers)}{END}{rest.split(END)[1]}"
    if options.check and page != before:
        print(f"implementations: the table of {PAGE} is another one; run it", file=sys.stderr)
    if not options.check:
        PAGE.write_text(page, encoding="utf-8")
    return int(options.check and page != before)


if __name__ == "__main__":
    sys.exit(main())
