"""Reading YAML: what readers of version 1.1 and 1.2 take differently never enters a document."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from biobench.spec.yaml_source import SourceError, parse_yaml, read_yaml

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x != 0)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff"))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc/~yn ", max_size=4), inner),
    max_leaves=15,
)


def quoted(value: Any) -> Any:
    """PyYAML's writer leaves some strings plain that other readers take for numbers."""

    class Quoted(str):
        pass

    if isinstance(value, str):
        return Quoted(value)
    if isinstance(value, list):
        return [quoted(v) for v in value]
    if isinstance(value, dict):
        return {quoted(k): quoted(v) for k, v in value.items()}
    return value


class Dumper(yaml.SafeDumper):
    """Double quotes around every string, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: Any, data: Any) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style='"')


Dumper.add_multi_representer(str, _represent)


@given(VALUES, st.booleans())
def test_values_read_back(value: Any, flow: bool) -> None:
    """Whatever PyYAML writes with quoted strings is read as the same value."""
    text = yaml.dump(quoted(value), Dumper=Dumper, default_flow_style=flow, allow_unicode=True)
    assert parse_yaml(text, "f").value == value


@pytest.mark.parametrize(
    "scalar",
    [
        *("yes", "No", "on", "OFF", "y", "N", "~", "True", "NULL", "012", "0x1f", "0o17", "0b11"),
        *("1_000", "12:30", "1:30:00", ".inf", "-.INF", ".nan", "2026-03-12", "+1", "1.", ".5"),
        *("-0", "=", "<<", "2026-03-12 10:00:00", "00"),
    ],
)
def test_ambiguous_scalars_are_refused(scalar: str) -> None:
    """Each of these is one thing to YAML 1.1 and another to 1.2; in quotes it is a string."""
    with pytest.raises(SourceError) as caught:
        parse_yaml(f"a: 1\nb: {scalar}\n", "f")
    problem = caught.value.problem
    assert (problem.line, problem.pointer, problem.error) == (2, "/b", "ambiguous-scalar")
    assert parse_yaml(f'b: "{scalar}"', "f").value == {"b": scalar}


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1", 1),
        ("-12", -12),
        ("0.5", 0.5),
        ("3e-4", 3e-4),
        ("1.0", 1.0),
        ("null", None),
        ("true", True),
        ("1.0.0", "1.0.0"),
        ("0c47acd8", "0c47acd8"),
        ("CC-BY", "CC-BY"),
    ],
)
def test_plain_scalars(scalar: str, value: Any) -> None:
    """Numbers, words and strings keep their type."""
    found = parse_yaml(f"a: {scalar}", "f").value["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "pointer", "error"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "/a", "duplicate-key"),
        ("a:\n  - {x/y: 1, x/y: 2}\n", 2, "/a/0/x~1y", "duplicate-key"),
        ("a: &x 1\nb: 2\n", 1, "", "syntax"),
        ("a: 1\nb: *x\n", 2, "", "syntax"),
        ("a: 1\nb: !!python/name:os.system\n", 2, "/b", "syntax"),
        ("a: 1\nb: !!binary aGk=\n", 2, "/b", "syntax"),
        ("a: 1\nb: !!str 1\n", 2, "", "syntax"),
        ("a: !!map {b: 1}\n", 1, "", "syntax"),
        ("a: 1\nb: ! 'x'\n", 2, "", "syntax"),
        ("a: [1,\n", 2, "", "syntax"),
        ("a: 1\n---\nb: 2\n", 2, "", "syntax"),
        ("", 1, "", "syntax"),
        ("a: 1\nyes: 2\n", 2, "/yes", "ambiguous-scalar"),
        ("a:\nb: 1\n", 1, "/a", "ambiguous-scalar"),
        ("? [1, 2]\n: 3\n", 1, "", "syntax"),
        ("a: 9007199254740992\n", 1, "/a", "value"),
        (f"a: {5000 * '7'}\n", 1, "/a", "value"),
        ("a: 1e999\n", 1, "/a", "value"),
        ("\x00", 1, "", "syntax"),
    ],
)
def test_refused_texts(text: str, line: int, pointer: str, error: str) -> None:
    """Each is one problem at its own line, and nothing is constructed from a tag."""
    with pytest.raises(SourceError) as caught:
        parse_yaml(text, "f")
    problem = caught.value.problem
    assert (problem.line, problem.pointer, problem.error) == (line, pointer, error)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text ends in another exception than the one with a line."""
    with contextlib.suppress(SourceError):
        parse_yaml(text, "f")


def test_lines_of_members_and_items() -> None:
    """A member's line is that of its key, an item's that of its first character."""
    source = parse_yaml("a:\n  b:\n    - 1\n    - c: 2\n", "f")
    assert source.lines == {"": 1, "/a": 1, "/a/b": 2, "/a/b/0": 3, "/a/b/1": 4, "/a/b/1/c": 4}
    assert source.line("/a/b/1/missing") == 4


def test_deep_nesting_is_one_line() -> None:
    """A hostile file cannot end the reader with a traceback."""
    with pytest.raises(SourceError):
        parse_yaml("[" * 5000, "f")


def test_a_file_that_is_no_plain_file(tmp_path: Path) -> None:
    """A named pipe, a device, a folder and a file of the wrong kind of size are refused at once."""
    pipe, long = tmp_path / "pipe.yaml", tmp_path / "long.yaml"
    os.mkfifo(pipe)
    long.write_text("a: " + 1_000_000 * "x")
    for path, words in [
        (pipe, "not a plain file"),
        (Path("/dev/zero"), "not a plain file"),
        (tmp_path, "is a folder"),
        (tmp_path / "absent.yaml", "cannot be read"),
        (long, "more than 1 MB"),
    ]:
        with pytest.raises(SourceError, match=words) as caught:
            read_yaml(path)
        assert (caught.value.problem.line, caught.value.problem.error) == (None, "no-file")
        assert str(caught.value).startswith(f"{path}: ")


def test_a_pipe_of_the_shell_is_read() -> None:
    """`<(command)` in a shell is a pipe below /dev/fd."""
    read, write = os.pipe()
    os.write(write, b"a: 1\n")
    os.close(write)
    assert read_yaml(Path(f"/dev/fd/{read}")).value == {"a": 1}
    os.close(read)
