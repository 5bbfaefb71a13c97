"""Text from data never reaches a screen as it is: the one function, the errors, the one way out."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench._common import output
from biobench._common.text import cells_shown, json_shown, json_text_shown, shown_lines
from biobench.errors import BiobenchError, DataError, shown
from biobench.spec.problems import Problem
from biobench.spec.yaml_source import SourceError

HOSTILE = {
    "escape": "\x1b]0;owned\x07\x1b[2J",
    "C1": "\x9b31m\x9d0;owned\x9c",
    "controls": "\0\a\b\t\n\v\f\r\x7f",
    "bidi": "\u202egpj.exe\u2066\u200f\u061c",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg",
    "separators": "a\u2028b\u2029c\x85d",
    "spaces": "a\u00a0b\u3000c\u2003d",
    "surrogate": "a\udcffb\ud800",
    "invisible": "\u3164\u115f\ufe0f\u034f\u2800\U000e0101",
    "tags": "\U000e0041\U000e007f",
    "private": "\ue000\U000f0000",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_seen_is_escaped(name: str) -> None:
    """Each as Python writes it, so that it can be told what was there."""
    text = HOSTILE[name]
    made = shown(text)
    assert made.isprintable()
    assert not re.search("[\u3164\u115f\ufe0f\u034f\u2800\U000e0101]", made)
    assert ast.literal_eval(f'"{made}"') == text


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text(text: str) -> None:
    """Printable, unchanged where it was, and the same the second time; JSON keeps its value."""
    made = shown(text)
    assert made.isprintable()
    assert shown(made) == made
    assert shown_lines(text).split("\n") == list(map(shown, text.split("\n")))
    value = {text: [text, 1.5, None]}
    assert json.loads(json_shown(value)) == value
    assert all(map(str.isprintable, json_shown(value).split("\n")))
    assert json.loads(json_text_shown(json.dumps(value, ensure_ascii=False))) == value


def test_plain_text_stays() -> None:
    """Letters of any language, quotes, brackets and backslashes are as they were."""
    for text in ("Müller's gull", "鷗", "[red]x[/red]", r"C:\temp", 'it\'s "x"', "é\u0301"):
        assert shown(text) == text


@given(st.text(min_size=1, max_size=400), st.integers(100, 300))
def test_a_long_text_is_cut(text: str, most: int) -> None:
    """In the middle, with the number of characters, and once."""
    made = shown(text * 30, most)
    assert len(made) <= most
    assert shown(made, most) == made
    assert len(text) * 30 <= most or "characters" in made


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_no_cell_is_a_formula(first: str) -> None:
    """An apostrophe tells a spreadsheet that it is text; numbers keep their sign."""
    row = cells_shown({"model": f"{first}cmd|' /C calc'!A0", "score": -0.5, "low": None})
    assert str(row["model"]).startswith("'")
    assert str(row["model"]).isprintable()
    assert (row["score"], row["low"]) == (-0.5, None)
    assert cells_shown({"model": "hf:a=b"}) == {"model": "hf:a=b"}


def error_classes() -> Iterator[type[BiobenchError]]:
    """Every class of error, with the modules that define one loaded."""
    root = Path(output.__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        if re.search(r"^class \w+\([^)]*Error", path.read_text(), re.M):
            parts = path.relative_to(root.parent).with_suffix("").parts
            importlib.import_module(".".join(parts))
    waiting = [BiobenchError]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += found.__subclasses__()


def test_every_error_is_one_safe_line() -> None:
    """Whatever stands in its parts; and none makes its own text."""
    text = "".join(HOSTILE.values())
    found = set(error_classes())
    assert len(found) >= 12
    for kind in found:
        if kind.__init__ is not BiobenchError.__init__:
            assert "super().__init__(" in inspect.getsource(kind.__init__), kind
        error = kind.__new__(kind)
        BiobenchError.__init__(error, text, where=text, remedy=text)
        assert str(error).isprintable(), kind
        assert not inspect.isfunction(kind.__str__), kind
        for part in (error.what, error.where, error.remedy):
            assert str(part).isprintable(), kind
    assert str(SourceError(Problem(text, 3, text, text, text, "syntax"))).isprintable()
    assert len(str(DataError("x" * 10**6, where="y" * 10**6, remedy="z" * 10**6))) < 13_000


def test_there_is_one_way_out() -> None:
    """No file but one prints, makes a console or writes to a standard stream."""
    root = Path(output.__file__).parents[1]
    others = []
    for path in sorted(root.rglob("*.py")):
        if path == Path(output.__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in ("print", "Console", "rich.print", "typer.echo", "typer.secho") or re.search(
                r"std(out|err)(\.buffer)?\.write", name
            ):
                others.append(f"{path.relative_to(root)}:{node.lineno}: {name}")
    assert others == []


def guarded(text: str) -> str:
    """The bytes that arrive where ``text`` is written to a guarded stream."""
    raw = io.BytesIO()
    stream = output._Guard(raw, encoding="utf-8", newline="\n")
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode()


def test_a_guarded_stream() -> None:
    """Lines and cells stay, a bar of a download may return to its start, nothing else is obeyed."""
    assert guarded("a\tb\nc\n") == "a\tb\nc\n"
    assert guarded("\rfile: 50%") == "\rfile: 50%"
    assert guarded("\x1b[A") == "\x1b[A"
    assert guarded("\rfile\r\x1b[A") == "\rfile\\r\\x1b[A"
    assert guarded("warning: \x1b[2J\x9b\u202e\n") == "warning: \\x1b[2J\\x9b\\u202e\n"


def test_a_console_has_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a plain string, nor in a cell, nor in a Text that nobody escaped."""
    from rich.table import Table
    from rich.text import Text

    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    table = Table("[red]head[/red]", "\x1b[31m")
    table.add_row("[link=x]cell[/link] :smile:", Text("raw\x1b[2J\x9b\u202e"))
    console = output.console()
    console.print(table)
    console.print("[bold]line[/bold]\x1b]0;x\x07")
    text = screen.getvalue()
    assert all(map(str.isprintable, text.split("\n")))
    # A Text is safe; it has room for what it is only where the call made it with `as_text`.
    for part in ("[red]head[/red]", "[link=x]cell[/link] :smile:", "raw\\x1b["):
        assert part in text
    assert "[bold]line[/bold]\\x1b]0;x\\x07" in text
    # The columns are as wide as what is printed.
    assert len({len(line) for line in text.splitlines()[:-1] if line.strip()}) == 1


def test_native_messages_are_safe() -> None:
    """The message of the native decoder names the file as `shown` does."""
    from biobench import _native

    name = (
        HOSTILE["escape"] + HOSTILE["bidi"] + HOSTILE["zero width"] + HOSTILE["controls"] + "é'\\"
    )
    with pytest.raises(OSError, match=r"does not exist|reading failed") as caught:
        _native.decode(name.replace("\0", ""))
    assert str(caught.value).isprintable()
    assert "é'\\" in str(caught.value)
    with pytest.raises((OSError, ValueError)) as caught:
        _native.decode("a\0b")
    assert str(caught.value).isprintable()
