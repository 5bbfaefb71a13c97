"""`--json` wherever a command prints a table or a list: standard output has nothing else then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biobench.cli import execute
from biobench.commands.app import command

WITHOUT = {
    "work": "embeds the parts of a plan, and says which",
    "submit": "writes a file, and says which",
    "export": "its format is an option",
    "import": "writes a file, and says which",
    "completion": "prints a script",
    "data fetch": "writes files, and says which",
    "data unpack": "writes files, and says which",
    "data frames": "writes files, and says which",
    "spec show": "prints JSON already",
    "spec export": "prints JSON already",
    "models show": "prints JSON already",
    "models export": "writes files, and says which",
    "store gc": "says one number",
    "store push": "says one number",
    "store pull": "says one number",
}
"""Commands that print no table, and what they do."""


def commands(tree: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """The commands by the words that call them."""
    for name, one in tree.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, f"{before}{name} ")
        else:
            yield before + name, one


def test_each_command_has_json_or_a_reason() -> None:
    """Protects: a new command that prints a table gets the option too."""
    found = dict(commands(command()))
    having = {
        name for name, one in found.items() if any("--json" in option.opts for option in one.params)
    }
    assert set(found) - having == set(WITHOUT)


@pytest.mark.parametrize(
    "line",
    ["data list", "models list", "spec validate", "store stats", "models fetch no-such-model"],
)
def test_json_is_all_of_standard_output(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: programs read the output of commands that need neither data nor a model."""
    monkeypatch.setenv("BIOBENCH_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    status = execute([*line.split(), "--json"])
    said = capsys.readouterr()
    assert isinstance(json.loads(said.out), dict | list)
    assert status == (5 if "no-such" in line else 0)
    assert bool(said.err) == bool(status)


def test_problems_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects: each problem of a document is an object, and the exit code stays."""
    (tmp_path / "own.yaml").write_text("task: own\nunknown: 1\n")
    assert execute(["spec", "validate", str(tmp_path / "own.yaml"), "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found
    assert all(problem["message"] for problem in found)
