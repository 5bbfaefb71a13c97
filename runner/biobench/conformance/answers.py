"""The answers of an implementation, checked against the vectors (SPEC.md, "Conformance").

In: an answers file and the vectors of a specification. Out: by section how many cases are right,
wrong and unanswered, each fault in one line, and the levels at which the implementation conforms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from biobench._common.files import Unreadable, read_plain
from biobench.conformance.compare_answers import difference
from biobench.conformance.own_answers import Outcome
from biobench.conformance.vectors import Level, Vectors
from biobench.errors import DataError, SpecError
from biobench.spec.canonical import CanonicalError, parse_json
from biobench.spec.load import Spec
from biobench.spec.problems import choose
from biobench.spec.schema_errors import flaws

SCHEMA = "biobench.answers/1"
LEVELS = get_args(Level)
MAX_BYTES = 64_000_000
"""Most bytes of an answers file; a complete one has a twentieth of it."""


@dataclass
class Tally:
    """Counts of one section.

    Attributes:
        required: True where a level has the section; False where the specification leaves it to an
            implementation.
        claimed: True where the implementation claims the section.
    """

    section: str
    level: str
    required: bool
    claimed: bool
    cases: int = 0
    right: int = 0
    wrong: int = 0
    unanswered: int = 0


@dataclass(frozen=True)
class SectionVerdict:
    """The verdict on an implementation at a level (SPEC.md, section "Answers").

    Attributes:
        lacking: The required sections of the level that are not claimed, or not right.
    """

    level: str
    conforms: bool
    lacking: tuple[str, ...]


@dataclass
class ConformanceReport:
    """The outcome of a check: counts by section, and a line a wrong answer or missing claimed one.

    A line begins with the vector file, below ``conformance/``, and the case.
    """

    tallies: list[Tally] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def verdicts(self) -> list[SectionVerdict]:
        """A verdict on each level of the sections, in the order of :data:`LEVELS`."""
        verdicts = []
        for level in LEVELS:
            sections = [t for t in self.tallies if t.required and t.level == level]
            lacking = tuple(t.section for t in sections if not t.claimed or t.right < t.cases)
            verdicts.append(SectionVerdict(level, not lacking, lacking))
        return verdicts


def read_answers(path: Path, spec: Spec, files: Sequence[Vectors]) -> Mapping[str, Any]:
    """Read the answers file at ``path``, for this specification.

    Raises:
        DataError: The file is not an answers file, is for another specification, or names a section
            or a case that the specification does not have.
    """
    where = str(path)
    try:
        value = parse_json(read_plain(path, MAX_BYTES))
    except Unreadable as error:
        raise DataError(error.what, where=where, remedy=error.remedy) from error
    except CanonicalError as error:
        raise DataError(
            f"is not an answers file: {error}",
            where=where,
            remedy="write one JSON object as SPEC.md, section 20, says",
        ) from error
    for flaw in flaws(value, spec.schema("answers")):
        place = f" at {flaw.pointer}" if flaw.pointer else ""
        raise DataError(
            f"is not an answers file: {flaw.message}{place}", where=where, remedy=flaw.remedy
        )
    named = value["spec"]
    if named["digest"] != spec.digest:
        raise DataError(
            f"answers specification {named['version']} ({named['digest'][:19]}...), and this is "
            f"{spec.version} ({spec.digest[:19]}...)",
            where=where,
            remedy="answer the vectors of `biobench spec export`, or give the other one as --spec",
        )
    if named["version"] != spec.version:
        raise DataError(
            f"names version {named['version']} beside the digest of {spec.version}",
            where=where,
            remedy=f"write {spec.version}, the spec_version in the bundle's suite.yaml",
        )
    sections = list(dict.fromkeys(f.folder for f in files))
    for section in value["sections"]:
        if section not in sections:
            raise DataError(
                f"claims the section {section!r}, which the specification does not have",
                where=where,
                remedy=choose(section, sections),
            )
    known = {case.id for f in files for case in f.cases}
    for id in value["answers"]:
        if id not in known:
            raise DataError(
                f"answers the case {id!r}, which the specification does not have",
                where=where,
                remedy=choose(id, sorted(known)) if len(known) < 50 else "take ids from the bundle",
            )
    return dict(value)


def check_answers(answers: Mapping[str, Any], files: Sequence[Vectors]) -> ConformanceReport:
    """Count right, wrong and missing answers of a sound answers file, in the order of the
    vectors."""
    claimed = set(answers["sections"])
    given = answers["answers"]
    report = ConformanceReport(tallies(files, claimed))
    by_section = {tally.section: tally for tally in report.tallies}
    for vectors in files:
        tally = by_section[vectors.folder]
        for case in vectors.cases:
            if case.id not in given:
                tally.unanswered += 1
                if tally.claimed:
                    report.faults.append(
                        f"{vectors.path} {case.id}: no answer, and {tally.section} is claimed"
                    )
                continue
            wrong = difference(case.output, given[case.id])
            if wrong is None:
                tally.right += 1
            else:
                tally.wrong += 1
                if tally.claimed:
                    report.faults.append(f"{vectors.path} {case.id}: {wrong}")
    return report


def check_outcomes(outcomes: Sequence[Outcome], files: Sequence[Vectors]) -> ConformanceReport:
    """The same report of this implementation's own run.

    It claims every section except those for which a library is not installed.
    """
    report = ConformanceReport(tallies(files, whole_sections(outcomes)))
    by_section = {tally.section: tally for tally in report.tallies}
    for outcome in outcomes:
        if outcome.lacking is not None:
            by_section[outcome.folder].unanswered += 1
        elif outcome.wrong is None:
            by_section[outcome.folder].right += 1
        else:
            by_section[outcome.folder].wrong += 1
            report.faults.append(f"{outcome.path} {outcome.id}: {outcome.wrong}")
    return report


def whole_sections(outcomes: Sequence[Outcome]) -> set[str]:
    """Sections of which every case could be tried."""
    lacking = {outcome.folder for outcome in outcomes if outcome.lacking is not None}
    return {outcome.folder for outcome in outcomes} - lacking


def tallies(files: Sequence[Vectors], claimed: set[str]) -> list[Tally]:
    """A tally a section in the order of the files, with the number of its cases."""
    by_folder: dict[str, Tally] = {}
    for vectors in files:
        folder = vectors.folder
        required = vectors.path.startswith("required/")
        tally = by_folder.setdefault(
            folder, Tally(folder, vectors.level, required, folder in claimed)
        )
        tally.cases += len(vectors.cases)
    return list(by_folder.values())


def answers_document(outcomes: Sequence[Outcome], spec: Spec) -> dict[str, Any]:
    """This implementation's answers file.

    Raises:
        SpecError: A case has no answer though every library is there.
    """
    from importlib.metadata import version

    for outcome in outcomes:
        if outcome.failed and outcome.lacking is None:
            raise SpecError(
                f"the case {outcome.id} has no answer: {outcome.wrong}",
                remedy="leave out --answers to check the other cases",
            )
    return {
        "schema": SCHEMA,
        "spec": {"version": spec.version, "digest": spec.digest},
        "implementation": {
            "name": "biobench",
            "version": version("biobench"),
            "language": "Python",
        },
        "sections": [
            folder
            for folder in dict.fromkeys(outcome.folder for outcome in outcomes)
            if folder in whole_sections(outcomes)
        ],
        "answers": {outcome.id: outcome.answer for outcome in outcomes if not outcome.failed},
    }
