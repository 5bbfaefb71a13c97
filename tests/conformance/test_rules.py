"""The rules of SPEC.md and the cases of the vectors: each has the other, or a reason."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from biobench.conformance.operations import operations
from biobench.conformance.vectors import read_vectors
from biobench.data.faults import Faults
from biobench.spec.load import load_spec
from biobench.spec.location import spec_root

PROSE = (spec_root() / "SPEC.md").read_text(encoding="utf-8")


@pytest.fixture
def tool(repository: Path) -> Iterator[ModuleType]:
    """tools/check_rules.py as a module."""
    sys.path.insert(0, str(repository / "tools"))
    try:
        yield importlib.import_module("check_rules")
    finally:
        sys.path.remove(str(repository / "tools"))


def test_every_rule_has_a_case_or_a_reason(tool: ModuleType) -> None:
    """Text, cases and reasons fit each other, and no entry of rules.yaml is without use."""
    rules, faults = tool.rules_of_the_text(PROSE)
    assert len(rules) > 500
    named = tool.named_by_cases()
    assert [*faults, *tool.faults_of(rules, named, tool.reasons()), *tool.unused(named)] == []


def test_a_rule_stands_once_and_in_its_section(tool: ModuleType) -> None:
    """A number that is copied with its text is found."""
    text = "## 3. Names\n\n[3-1] One. [3-2]\nTwo, as rule 4.1-7 says.\n"
    text += "\n### 4.1 More\n\n[3-2] Three.\n"
    rules, faults = tool.rules_of_the_text(text)
    assert rules == ["3-1", "3-2", "3-2"]
    assert faults == ["rule 3-2 stands in section 4.1", "rule 3-2 stands in the text twice"]


@pytest.mark.parametrize(
    ("named", "excused", "words"),
    [
        ({"a/b": ("x.json", ["1-1"])}, {}, "rule 1-2 has no case"),
        ({"a/b": ("x.json", ["1-1", "1-3"])}, {"1-2": "why"}, "a/b names rule 1-3"),
        ({"a/b": ("x.json", ["1-1"])}, {"1-1 to 2": "why"}, "rule 1-1 has a case"),
        ({"a/b": ("x.json", ["1-1"])}, {"1-2, 2-1": "why"}, "a reason for rule 2-1"),
    ],
)
def test_what_does_not_fit_is_said(
    tool: ModuleType,
    named: dict[str, tuple[str, list[str]]],
    excused: dict[str, str],
    words: str,
) -> None:
    """A rule without a case, a case of no rule, and reasons that nothing needs."""
    (fault,) = tool.faults_of(["1-1", "1-2"], named, excused)
    assert words in fault


def test_files_of_an_input_have_one_flaw(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case without findable items has one kind of fault, so that no order of looking decides.

    Of documents the operation itself refuses flaws of several kinds.
    """
    kinds: Counter[str] = Counter()
    add = Faults.add

    def count(self: Faults, name: str, what: str) -> None:
        # An id that is none stands in two places of a file.
        kinds[what.replace("image_id", "id")] += 1
        add(self, name, what)

    monkeypatch.setattr(Faults, "add", count)
    several = {}
    spec = load_spec()
    cases = [c for v in read_vectors(spec) if v.operation == "layout.find" for c in v.cases]
    for case in cases:
        kinds.clear()
        if "error" in case.output:
            with pytest.raises(Exception, match="value"):
                operations()["layout.find"](case.input, spec)
            if len(kinds) > 1:
                several[case.id] = dict(kinds)
    assert len(cases) > 200
    assert several == {}
