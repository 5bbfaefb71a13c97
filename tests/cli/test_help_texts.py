"""Help texts that list what is listed elsewhere too, and texts that stand alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from biobench.cli import execute
from biobench.commands.app import command
from biobench.models.unknown_names import FORMS
from biobench.spec.load import load_spec


def helps(*names: str) -> dict[str, str]:
    """The help of each parameter of a command, by name."""
    found: Any = command()
    for name in names:
        found = found.commands[name]
    return {parameter.name: parameter.help or "" for parameter in found.params}


def test_a_model_is_named_in_every_form() -> None:
    """Protects: each kind of name that `--model` takes is told where it is given."""
    text = helps("run")["model"]
    assert FORMS in text
    for form in ("hf:./", "--arch", "`biobench models list`"):
        assert form in text


def test_the_list_of_models_ends_with_every_other_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Protects: who looks at the short names learns of all the other names."""
    assert execute(["models", "list"]) == 0
    after = capsys.readouterr().out.split("\n?:")[1]
    assert [prefix for prefix in re.findall(r"\w+:", FORMS) if prefix not in after] == []


@pytest.mark.parametrize("name", ["run", "plan"])
def test_every_suite_is_named(name: str) -> None:
    """Protects: the suites of the help are those of the specification, in its order."""
    suites = re.findall(r"[a-z][a-z-]+", helps(name)["suite"].partition(":")[2])
    assert suites == list(load_spec().suites)
