"""The options of `biobench run` as arguments of the Python calls, and the messages about them."""

from __future__ import annotations

import inspect
import typing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

import biobench
from biobench._common.argument_names import in_arguments, naming_arguments
from biobench._common.output import print_note
from biobench.commands.app import command
from biobench.errors import BiobenchError, UsageError
from biobench.run.call_options import (
    ARGUMENTS,
    OF_THE_COMMAND,
    EvaluateOptions,
    RunOptions,
    call_options,
    sizes_of,
)
from biobench.run.many import ModelRun, names_of
from biobench.run.model_list import ListedModel, options_of_models
from biobench.run.options import Options

ONLY_IN_PYTHON = {"progress"}
"""The command shows progress unless --json is given."""
NOT_OF_A_CURVE = {"n_train", "declare"}
"""A curve has sizes, and no declared score has any."""


def options_of_run() -> dict[str, Any]:
    """The options of the command by name, without dashes."""
    run = command().commands["run"]
    found = {}
    for parameter in run.params:
        (name,) = [text for text in parameter.opts if text.startswith("--")]
        found[name.removeprefix("--")] = parameter
    return found


def test_evaluate_has_every_option_of_the_command() -> None:
    """Protects: the two cannot part. An option that is added to one is missed in the other here."""
    arguments = set(inspect.signature(biobench.evaluate).parameters)
    options = options_of_run()
    assert set(options) == {*ARGUMENTS, *OF_THE_COMMAND}
    assert {ARGUMENTS[name] for name in options if name in ARGUMENTS} == arguments - ONLY_IN_PYTHON


def test_the_learning_curve_has_the_options_that_it_can_have() -> None:
    """Protects: `learning_curve()` follows `evaluate()`, but for what a curve cannot have."""
    both = [inspect.signature(f).parameters for f in (biobench.evaluate, biobench.learning_curve)]
    assert set(both[1]) == set(both[0]) - NOT_OF_A_CURVE | {"sizes"}
    for name in set(both[0]) & set(both[1]) - {"model"}:
        assert both[0][name].default == both[1][name].default, name


def test_types_for_checkers_have_the_same_arguments() -> None:
    """Protects: what mypy knows of the calls is what they take."""
    evaluate = inspect.signature(biobench.evaluate).parameters
    shared = set(RunOptions.__annotations__)
    assert set(evaluate) == {"model", "tasks", "models", *EvaluateOptions.__annotations__, *shared}
    assert len(typing.get_overloads(biobench.evaluate)) == 3
    assert len(typing.get_overloads(biobench.learning_curve)) == 3


def test_defaults_are_those_of_the_command() -> None:
    """Protects: a call without options does what the command does without them."""
    arguments = inspect.signature(biobench.evaluate).parameters
    for name, parameter in options_of_run().items():
        if name in ARGUMENTS and name != "no-pictures":
            default = getattr(parameter.default, "value", parameter.default)
            assert (default or None) == (arguments[ARGUMENTS[name]].default or None), name
    assert arguments["pictures"].default is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("give --on-bad-image leave-out, and", 'give on_bad_image="leave-out", and'),
        ("give --data the folder that holds x/", "give data= the folder that holds x/"),
        ("--images and --task exclude each other", "images= and tasks= exclude each other"),
        ("--images /photos/--task", "images= /photos/--task"),
        ("run `biobench run --task my.yaml`", "run `biobench run --task my.yaml`"),
        ("give --from a folder", "give --from a folder"),
        ("this needs --no-pictures.", "this needs pictures=."),
        ("(with --images: --protocol)", "(with images=: protocol=)"),
        ("to learn from at --n-train 3, so", "to learn from at n_train=3, so"),
        ("--n-train 1,3 is not a list", "n_train=1,3 is not a list"),
        ("store, and another --out takes it", "store, and another out= takes it"),
    ],
)  # fmt: skip
def test_messages_name_arguments(text: str, said: str) -> None:
    """Protects: who calls from Python reads of arguments, and of the command where one is meant."""
    assert in_arguments(text, ARGUMENTS) == said


def test_notes_name_what_the_caller_gave(capsys: pytest.CaptureFixture[str]) -> None:
    """Protects: a note on standard error names arguments within a call from Python, options
    otherwise, and a call in one thread does not change the notes of another."""
    note = "no class has 5 images at --n-train 3"

    def said() -> str:
        print_note(note)
        return capsys.readouterr().err.strip()

    assert said() == note
    with naming_arguments(ARGUMENTS):
        assert said() == "no class has 5 images at n_train=3"
        with ThreadPoolExecutor() as threads:
            assert threads.submit(said).result() == note
    with pytest.raises(UsageError), naming_arguments(ARGUMENTS):
        raise UsageError(note)
    assert said() == note


def refused(**given: Any) -> str:
    with pytest.raises(UsageError) as error:
        biobench.evaluate("demo", **given)
    return str(error.value)


def test_no_options_have_a_suite_beside_tasks() -> None:
    """Protects: nobody who makes options can have a suite left out in silence."""
    asked = Options(model="demo", suite="demo")
    for make in (
        lambda: Options(model="demo", suite="demo", tasks=("demo-plankton",)),
        lambda: replace(asked, tasks=("demo-plankton",)),
    ):
        with pytest.raises(UsageError, match="--suite and --task exclude each other") as error:
            make()
        assert error.value.exit_code == 2
    assert replace(asked, suite=None, tasks=("demo-plankton",)).tasks == ("demo-plankton",)


def test_what_the_command_refuses_a_call_refuses(tmp_path: Path) -> None:
    """Protects: an argument takes what its option takes, and each message says which."""
    photos = tmp_path / "photos"
    assert refused(suite="demo", tasks="demo-plankton").startswith("tasks= and suite= exclude")
    assert refused(train_share=0.5).startswith("train_share= is for images=")
    assert refused(images=photos, data=tmp_path).startswith("images= and data= exclude")
    assert refused(images=photos, train_share=1.5).startswith("train_share= '1.5' must lie between")
    assert refused(images=photos, suite="demo").startswith("images= and suite= exclude")
    assert refused(precision="float64").startswith("precision= is 'float64'; give float32 or")
    assert refused(workers=0).startswith("workers= is 0; ")
    assert refused(workers=5000) == "workers= is 5000; give at most 1024"
    assert refused(workers="3").startswith("workers= is '3'; ")
    assert refused(n_train="3").startswith("n_train= is '3'; ")
    assert refused(on_bad_image="skip").startswith("on_bad_image= is 'skip'; give stop or report")
    assert refused(declare={"imagenet1k": 0.8}).startswith("declare= has 0.8 for imagenet1k; give")
    assert refused(declare={"imagenet1k": ("a", "b")}).startswith("the score of declare= is 'a'")
    assert refused(out=" ").startswith("out= is empty")
    assert refused(out=5) == "out= is 5; give a path, or None"
    assert refused(models=5).startswith("models= is 5; give a path")
    assert refused(declare=5).startswith("declare= is 5; give a score")
    for tasks in (5, [1], b"demo-plankton", ["demo-plankton", None], {1: 2}):
        assert refused(tasks=tasks).endswith("; give a task id or file, or a list of them")
    assert refused(engine="exact", device="cuda").endswith('give device="cpu", or engine="torch"')
    assert refused(models=tmp_path / "none.txt").startswith(f"models= {tmp_path}/none.txt: ")
    with pytest.raises(UsageError, match="no model is given"):
        biobench.evaluate()  # type: ignore[call-overload]
    with pytest.raises(UsageError, match=r"sizes= \[0\] is not a list of sizes; .* None for all"):
        biobench.learning_curve("demo", "demo-plankton", sizes=(0,))
    with pytest.raises(UsageError, match=r"sizes= is 5; give a list"):
        biobench.learning_curve("demo", "demo-plankton", sizes=5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"sizes= is 'most'; give a whole number"):
        biobench.learning_curve("demo", "demo-plankton", sizes=[3, "most"])
    photos.mkdir()
    with pytest.raises(BiobenchError, match="check the path given to images="):
        biobench.evaluate("demo", images=photos)


def test_a_tuple_of_names_leads_to_the_list() -> None:
    """Protects: brackets of the wrong kind, by which a module is given, lead to the right one."""
    for names in (("demo", "bioclip-2"), ("demo",), ("a", "b", "c")):
        with pytest.raises(UsageError, match=r"give a list of models: \['") as caught:
            biobench.evaluate(names)  # type: ignore[call-overload]
        assert str([*names]) in str(caught.value)


@pytest.mark.parametrize("path", [5, None, [5], ["a", 5], b"results.json"])
def test_a_result_is_read_from_a_path(path: Any) -> None:
    """Protects: whatever is no path is one line, and not an error of Python's from inside."""
    with pytest.raises(UsageError, match="give a file or folder of a result, or a list of them"):
        biobench.load_results(path)


def test_paths_of_tasks_and_results_may_be_of_any_kind(tmp_path: Path) -> None:
    """Protects: a Path is a task file, and what a glob gives is a list of results."""
    shared: dict[str, Any] = dict.fromkeys(RunOptions.__annotations__)
    shared |= {"precision": "float32", "on_bad_image": "stop", "progress": True}
    made = [call_options("demo", tasks, **shared).tasks for tasks in (tmp_path, [tmp_path])]  # type: ignore[arg-type]
    assert made == [(str(tmp_path),)] * 2
    assert call_options("demo", None, **shared).tasks == ()
    assert len(biobench.load_results(tmp_path.glob("*"))) == 0  # type: ignore[call-overload]


def test_models_of_one_name_are_told_apart_by_their_folders() -> None:
    """Protects: both errors of a list that has a model at two precisions, and of two objects of one
    name, under the names that the page has."""
    made = [type("Made", (), {"info": SimpleNamespace(name="mine")})() for _ in range(2)]
    listed = [
        ListedModel("demo", "float32"), ListedModel("demo", "float16"), ListedModel("beluga"),
        *map(ListedModel, made),
    ]  # fmt: skip
    runs = [
        ModelRun(one, None, ValueError(str(i)))
        for i, one in enumerate(options_of_models(Options(model="demo", quiet=True), listed))
    ]
    names = names_of(runs)
    assert names[:3] == ["demo", "demo-float16", "beluga"]
    assert len(set(names)) == len(runs)


def test_values_reach_the_run(tmp_path: Path) -> None:
    """Protects: every argument has its effect, and an empty BIOBENCH_DATA none."""
    shared: dict[str, Any] = dict.fromkeys(RunOptions.__annotations__)
    shared |= {"engine": "auto", "device": "auto", "division": "official", "precision": "float32"}
    shared |= {"on_bad_image": "leave-out", "pictures": False, "offline": True, "progress": True}
    given: Any = shared | {
        "images": str(tmp_path), "train_share": 0.6, "group": tmp_path / "sites.csv",
        "protocol": "knn", "store": "s", "out": "o", "workers": 3,
    }  # fmt: skip
    made = call_options("demo", None, **given)
    assert made.images is not None
    assert made.images.train_share == Fraction(6, 10)
    assert (made.images.folder, made.images.group) == (tmp_path, str(tmp_path / "sites.csv"))
    assert (made.store, made.out, made.workers) == (Path("s"), Path("o"), 3)
    assert (made.on_bad_image, made.pictures, made.offline) == ("leave-out", False, True)
    assert made.save
    assert not made.quiet


def test_typer_is_what_the_names_are_read_from() -> None:
    """Protects: the comparison above sees options at all."""
    assert isinstance(command(), typer.core.TyperGroup)
    assert len(options_of_run()) > 20


def test_all_is_a_size_of_a_call_too() -> None:
    """Protects: what `--n-train 3,1,all` means, a list means; twice is refused by either name."""
    assert sizes_of([3, 1, "all"]) == sizes_of((1, 3, None)) == (1, 3, None)
    with pytest.raises(UsageError, match="is not a list of sizes"):
        sizes_of(["all", None])
