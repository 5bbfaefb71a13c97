"""Patterns of the schemas mean what ECMA-262 says, here and in the validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from biobench.spec.load import load_spec
from biobench.spec.patterns import compiled
from biobench.spec.validator import validator

pytestmark = pytest.mark.slow

SCHEMAS = load_spec().library.schemas
ENDS = ("\n", "\r", "\r\n", "\u2028", "\x85", " ", "\0")


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern of a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from patterns(item)
    elif isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for member in schema.values():
            yield from patterns(member)


ALL = sorted({pattern for schema in SCHEMAS.values() for pattern in patterns(schema)})
GOOD = (
    "a", "a-b", "a_b", "1", "1.0.0", "10.1", "sha256:" + "0" * 64, "0" * 64, "0" * 32, "a/b", "hub",
    "https://a.b/c", "{a}.jpg", "v/{subject}.mp4", "hf:a/b", "metric.accuracy", "knn/ties", ";",
    "{cluster}.jpg", "7.2-3", "pypi:a-b", "2026-01-01T00:00:00Z", "a/b.jpg",
)  # fmt: skip
TEXTS = sorted({
    *GOOD, *(f"{text}{end}" for text in GOOD for end in ENDS), *(f"\n{text}" for text in GOOD),
    "a\n/../b", "../a", "a/..", "a/../b", "a\u2028/../b", "a/..\n", "/a", "..", "", "a..b", "a\\b",
})  # fmt: skip


MAY_HOLD_ONE = ("^[^{}:]+$", "^[^{}/.][^{}/]*/")
"""Patterns of columns and of paths below another pattern."""


@pytest.mark.parametrize("pattern", ALL)
def test_an_end_of_line_is_no_part_of_a_name(pattern: str) -> None:
    """Each takes something, and nothing that an end of line or another control follows."""
    taken = [text for text in GOOD if compiled(pattern).search(text)]
    assert taken
    if pattern not in MAY_HOLD_ONE and "[^/\\\\]+" not in pattern:
        found = [f"{text}{end}" for text in taken for end in ENDS if end != " "]
        assert [text for text in found if compiled(pattern).search(text)] == []


def test_no_pattern_needs_a_look_ahead() -> None:
    """Libraries that promise linear time (RE2 and its like) read every schema."""
    assert [pattern for pattern in ALL if "(?" in pattern] == []


@pytest.mark.parametrize("text", ["a\n/../b", "a\u2028/../b", "..", "a/..", "../a", "/a"])
def test_no_path_climbs(text: str) -> None:
    """Also behind an end of line, in documents and in manifests, whose files have any name."""
    paths = [pattern for pattern in ALL if "+/)*" in pattern or "(/(\\.|" in pattern]
    assert len(paths) == 5
    assert [pattern for pattern in paths if compiled(pattern).search(text)] == []


def test_a_schema_goes_by_them() -> None:
    """A validator refuses the texts that the patterns refuse, and no others."""
    for pattern in ALL:
        judge = validator({"type": "string", "pattern": pattern})
        for text in TEXTS:
            found = compiled(pattern).search(text) is not None
            assert judge.is_valid(text) is found, (pattern, text)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_as_javascript_has_it() -> None:
    """Every pattern and text, judged by ECMAScript itself."""
    program = (
        "const [ps, ts] = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(ps.map(p => ts.map(t => new RegExp(p, 'u').test(t)))))"
    )
    given = json.dumps([ALL, TEXTS])
    done = subprocess.run(["node", "-e", program], input=given, capture_output=True, text=True,
                          check=True)  # fmt: skip
    ours = [[compiled(p).search(t) is not None for t in TEXTS] for p in ALL]
    assert json.loads(done.stdout) == ours
