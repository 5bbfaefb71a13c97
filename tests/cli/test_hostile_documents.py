"""Documents and results that were made to do harm, through the commands that read them: the right
exit code, a bounded number of lines, and no waiting."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from biobench.cli import execute
from biobench.errors import SpecError
from biobench.spec.load import load_spec, task_from_file
from processor_time import processor_time

Text = str | bytes
YAML: dict[str, Callable[[], Text]] = {
    "many keys": lambda: "task: x\n" + "".join(f"k{i}: 1\n" for i in range(20_000)),
    "many flaws": lambda: f"task: x\nmetrics: [{','.join('{id: a}' for _ in range(20_000))}]\n",
    "many items": lambda: f"task: x\nerrata: [{','.join(f'e{i}' for i in range(100_000))}]\n",
    "the same item": lambda: f"task: x\nerrata: [{','.join('e' for _ in range(100_000))}]\n",
    "300,000 items": lambda: f"task: x\nerrata: [{','.join('e' for _ in range(300_000))}]\n",
    "deep lists": lambda: "[" * 400_000,
    "deep mappings": lambda: "".join(" " * i + "a:\n" for i in range(1300)),
    "an alias": lambda: "a: &a [1]\nb: [*a, *a]\n",
    "a billion laughs": lambda: "a: &a [x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
    ),
    "a number beyond float64": lambda: "version: 1e999\n",
    "no number": lambda: "version: .nan\n",
    "a number of many digits": lambda: f"version: {'9' * 900_000}\n",
    "a key without end": lambda: f'? "{"k" * 900_000}"\n: 1\n',
    "a value without end": lambda: f'task: "{"k" * 900_000}"\n',
    "a key of escapes": lambda: '"\\e[2J\\x9b\\u202e": "\\e]0;x\\a"\n',
    "a control": lambda: b"task: a\0b\n",
    "a tag": lambda: '!!python/object/apply:os.system ["id"]\n',
    "a merge": lambda: "a: 1\n<<: {b: 2}\n",
    "two documents": lambda: "a: 1\n---\nb: 2\n",
    "UTF-16": lambda: "task: x\n".encode("utf-16"),
    "nothing": lambda: "",
}  # fmt: skip


LONG = ("many keys", "many flaws", "many lists")
"""Take seconds, because their length is the point."""
LONGER = ("many items", "the same item", "300,000 items", "500,000 keys", "2,500,000 lists")
"""The same, several times as long; by `make test-depth`."""


def cases(names: Iterable[str]) -> list[Any]:
    """One case a name, with the marks of those that take long."""

    def marks(name: str) -> list[pytest.MarkDecorator]:
        if name in LONGER:
            return [pytest.mark.slow, pytest.mark.depth]
        return [pytest.mark.slow] if name in LONG else []

    return [pytest.param(name, marks=marks(name)) for name in names]


def said(*arguments: str | Path) -> tuple[int, list[str]]:
    """Exit code and lines of a command."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = execute([str(argument) for argument in arguments])
    return code, (out.getvalue() + err.getvalue()).splitlines()


def assert_calm(lines: list[str]) -> None:
    assert all(map(str.isprintable, lines))
    assert max(map(len, lines)) < 13_000
    assert "unexpectedly" not in lines[-1], lines[-1]


@pytest.mark.parametrize("name", cases(YAML))
def test_yaml(name: str, tmp_path: Path) -> None:
    """Every problem is a line, and no more than a person can read; a run says the first."""
    text = YAML[name]()
    path = tmp_path / "task.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with processor_time() as spent:
        code, lines = said("spec", "validate", path)
    assert spent.seconds < 10
    assert code == 4
    assert len(lines) <= 1_002
    assert_calm(lines)
    with pytest.raises(SpecError) as caught:
        task_from_file(path, load_spec())
    assert_calm([str(caught.value)])


JSON: dict[str, Callable[[str], Text]] = {
    "a number beyond float64": lambda text: text.replace('"score": 0.0', '"score": 1e999', 1),
    "no number": lambda text: text.replace('"score": 0.0', '"score": NaN', 1),
    "infinity": lambda text: text.replace('"score": 0.0', '"score": -Infinity', 1),
    "an integer beyond 2^53": lambda text: text.replace('"version": 1', f'"version": {9**99}', 1),
    "a name twice": lambda text: text.replace('"suite":', '"suite": "x", "suite":', 1),
    "a lone surrogate": lambda text: text.replace('"suite": "', '"suite": "\\ud800', 1),
    "deep": lambda _: "[" * 5_000_000,
    "deep in an object": lambda text: text.replace(
        '"unofficial_reasons": [', f'"unofficial_reasons": [{"[" * 500}{"]" * 500},', 1
    ),
    "many keys": lambda _: "{" + ",".join(f'"k{i}":0' for i in range(210_000)) + "}",
    "many lists": lambda _: f"[{'[],' * 210_000}[]]",
    "500,000 keys": lambda _: "{" + ",".join(f'"k{i}":0' for i in range(500_000)) + "}",
    "2,500,000 lists": lambda _: f"[{'[],' * 2_500_000}[]]",
    "too large": lambda _: " " * (70 << 20) + "{}",
    "too large for a result": lambda _: "{" + " " * (9 << 20) + "}",
    "no object": lambda _: "[1]",
    "cut": lambda text: text[:1000],
    "not UTF-8": lambda text: text.encode().replace(b'"suite": "', b'"suite": "\xff', 1),
    "a mark": lambda text: "\ufeff" + text,
    "UTF-16": lambda text: text.encode("utf-16"),
    "nothing": lambda _: "",
}  # fmt: skip
READERS = ("verify", "report", "compare", "submit")


def read_by(command: str, path: Path) -> tuple[int, list[str]]:
    return said(command, path, *([path] if command == "compare" else []))


@pytest.mark.parametrize("name", cases(JSON))
def test_results(name: str, tmp_path: Path, repository: Path) -> None:
    """Every command that reads a result refuses it in one line, soon."""
    whole = (repository / "tests/spec/results.json").read_text()
    text = JSON[name](whole)
    assert text != whole
    (tmp_path / "results.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in READERS:
        with processor_time() as spent:
            code, lines = read_by(command, tmp_path / "results.json")
        assert spent.seconds < 10
        assert (code, len(lines)) == (3, 1), (command, lines)
        assert_calm(lines)


@pytest.mark.slow
@pytest.mark.depth
def test_the_most_values_that_a_file_can_hold(tmp_path: Path) -> None:
    """The file is below the limit of bytes and is read whole before its values are counted."""
    (tmp_path / "results.json").write_text(f"[{'[],' * 2_500_000}[]]")
    with processor_time() as spent:
        code, lines = said("verify", tmp_path / "results.json")
    assert spent.seconds < 10
    assert (code, len(lines)) == (3, 1), lines
    assert_calm(lines)


def pipe(path: Path) -> None:
    os.mkfifo(path)


KINDS: dict[str, Callable[[Path], None]] = {
    "a named pipe": pipe,
    "a folder": Path.mkdir,
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to("absent"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["results.json", "curve.json", "submission.tar"])
def test_what_is_no_file(name: str, kind: str, tmp_path: Path) -> None:
    """Nothing is waited for, and nothing read without end."""
    KINDS[kind](tmp_path / name)
    for command in READERS:
        for path in (tmp_path / name, *([tmp_path] if name == "results.json" else [])):
            code, lines = read_by(command, path)
            assert (code, len(lines)) == (3, 1), (command, lines)
            assert_calm(lines)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_document(kind: str, tmp_path: Path, repository: Path) -> None:
    """In the place of a document, a schema or a file of vectors; of answers; of an entry of the
    store."""
    KINDS[kind](tmp_path / "x")
    code, lines = said("conformance", "check", tmp_path / "x")
    assert (code, len(lines)) in ((2, 1), (3, 1), (4, 1), (6, 1)), lines
    with pytest.raises(SpecError):
        task_from_file(tmp_path / "x", load_spec())
    entry = tmp_path / "store" / "features" / "aa" / ("a" * 64 + ".safetensors")
    entry.parent.mkdir(parents=True)
    KINDS[kind](entry)
    code, lines = said("store", "verify", "--store", tmp_path / "store")
    assert code in (0, 3), lines
    assert_calm(lines)
    assert said("store", "stats", "--store", tmp_path / "store")[0] == 0
    assert said("store", "gc", "--size", "1", "--store", tmp_path / "store")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "place",
    ["suite.yaml", "tasks/beluga.yaml", "schema/task.schema.json", "conformance/required/x/y.json"],
)
def test_a_specification_of_somebody(
    place: str, kind: str, tmp_path: Path, repository: Path
) -> None:
    """Each file of it is one line, in `spec show` and in `spec validate`."""
    v1 = tmp_path / "v1"
    for path in sorted((repository / "spec" / "v1").rglob("*")):
        target = v1 / path.relative_to(repository / "spec" / "v1")
        if path.is_file() and "conformance" not in target.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    (v1 / place).parent.mkdir(parents=True, exist_ok=True)
    (v1 / place).unlink(missing_ok=True)
    KINDS[kind](v1 / place)
    for command in (("validate", tmp_path), ("export", "--spec", tmp_path)):
        code, lines = said("spec", *command)
        assert code in (2, 4), (command, lines)
        assert_calm(lines)
