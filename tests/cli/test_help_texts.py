"""Help texts that list what is listed elsewhere too, and texts that stand alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


CHOICES = re.compile(r"[<\[][a-z0-9-]+(\|[a-z0-9-]+)+[>\]]$")
"""The values of an enumeration, as a help text lists them after the name of its option."""


def options(found: Any, *names: str) -> Iterator[tuple[str, Any, str]]:
    """Each option with a value of a command and of those below it, and how the help begins."""
    for parameter in found.params:
        if parameter.param_type_name == "option" and not parameter.is_flag:
            context = found.make_context(names[-1], [], resilient_parsing=True)
            yield " ".join(names), parameter, parameter.get_help_record(context)[0]
    for name, below in getattr(found, "commands", {}).items():
        yield from options(below, *names, name)


def test_every_option_names_its_value() -> None:
    """Protects: a help text says NAME, FILE, DIR or N after an option, or the values that there
    are, never a type of the program."""
    listed = list(options(command(), "biobench"))
    assert len(listed) > 90
    assert [
        f"{name} {shown}"
        for name, option, shown in listed
        if not (option.metavar and option.metavar[0].isupper()) and not CHOICES.search(shown)
    ] == []


@pytest.mark.parametrize("name", ["--data", "--store", "--model", "--models", "--spec", "--stale"])
def test_an_option_names_its_value_alike_everywhere(name: str) -> None:
    """Protects: the commands that share an option say alike what it takes."""
    shown = [option.metavar for _, option, _ in options(command(), "biobench")
             if option.opts[0] == name]  # fmt: skip
    assert len(shown) > 1
    assert len(set(shown)) == 1
