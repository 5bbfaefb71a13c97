"""Superseded documents: what a task was stays what it was, whatever it rests on moves on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from specification import copy_of_the_specification, replace

from biobench.errors import SpecError
from biobench.spec.load import load_spec, task_from_file
from biobench.spec.validate import validate

PINS = 'protocol_version: 1\ndataset_version: "1"\n'


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    """Beluga at version 2, with the protocol and the data set that it was at version 1 kept."""
    v1 = copy_of_the_specification(tmp_path)
    for path in ("tasks/beluga", "protocols/knn", "datasets/beluga"):
        shutil.copy(v1 / f"{path}.yaml", v1 / f"{path}.v1.yaml")
    with (v1 / "tasks/beluga.v1.yaml").open("a", encoding="utf-8") as file:
        file.write(PINS)
    replace(v1 / "tasks/beluga.yaml", "version: 1", "version: 2")
    replace(v1 / "protocols/knn.yaml", "version: 1", "version: 2")
    replace(v1 / "protocols/knn.yaml", "  k: 1\n", "  k: 3\n")
    replace(v1 / "datasets/beluga.yaml", 'version: "1"', 'version: "2"')
    replace(v1 / "datasets/beluga.yaml", "    label: name\n", "    label: id\n")
    return v1


def errors(v1: Path) -> list[tuple[str, str]]:
    return [(problem.error, problem.pointer) for problem in validate(v1)]


def test_a_superseded_task_keeps_its_protocol_and_its_data_set(v1: Path) -> None:
    """The versions that it pins, in every division; the current task has the current ones."""
    spec = load_spec(v1)
    for division, k in (("official", 3), ("compat", 5)):
        now, then = spec.task("beluga", division), spec.task("beluga", division, version=1)
        assert (now.protocol.version, now.dataset.version) == (2, "2")
        assert (then.protocol.version, then.dataset.version) == (1, "1")
        assert now.protocol.constants["k"] == k
        assert then.protocol.constants["k"] == {"official": 1, "compat": 5}[division]
        assert now.dataset.layout.options["label"] == "id"
        assert then.dataset.layout.options["label"] == "name"
    assert spec.dataset("beluga", 1).layout.options["label"] == "name"
    assert spec.task_ids() == load_spec().task_ids()


def test_a_pin_may_name_a_version_that_is_current(v1: Path) -> None:
    """A task moves on without its protocol."""
    replace(v1 / "tasks/beluga.v1.yaml", "protocol_version: 1", "protocol_version: 2")
    then = load_spec(v1).task("beluga", version=1)
    assert (then.protocol.version, then.dataset.version) == (2, "1")


@pytest.mark.slow
def test_the_parts_of_a_superseded_task_fit_as_they_were(v1: Path) -> None:
    """A metric needs what its own protocol gave, not what the current one gives."""
    gives = "gives: [neighbours, first_hit, average_precision]"
    replace(v1 / "protocols/knn.yaml", gives, "gives: []")
    found = errors(v1)
    assert {error for error, _ in found} == {"does-not-fit"}
    assert all(".v1." not in problem.file for problem in validate(v1))
    replace(v1 / "protocols/knn.yaml", "gives: []", gives)
    assert errors(v1) == []
    replace(v1 / "protocols/knn.v1.yaml", gives, "gives: []")
    assert {problem.file.rpartition("/")[2] for problem in validate(v1)} == {"beluga.v1.yaml"}


@pytest.mark.slow
def test_pins_stand_in_superseded_tasks_and_nowhere_else(v1: Path) -> None:
    """One line each, with what to do."""
    old, new = v1 / "tasks/beluga.v1.yaml", v1 / "tasks/beluga.yaml"
    replace(old, PINS, "")
    assert errors(v1) == [("wrong-name", ""), ("wrong-name", "")]
    assert [p.remedy for p in validate(v1)] == [
        "add protocol_version: <version>",
        "add dataset_version: <version>",
    ]
    with old.open("a", encoding="utf-8") as file:
        file.write(PINS)
    with new.open("a", encoding="utf-8") as file:
        file.write(PINS)
    assert errors(v1) == [("wrong-name", "/protocol_version"), ("wrong-name", "/dataset_version")]


def test_a_pinned_version_is_there(v1: Path) -> None:
    """The remedy names the file that is to be kept."""
    (v1 / "protocols/knn.v1.yaml").unlink()
    (problem,) = validate(v1)
    assert (problem.error, problem.pointer) == ("unknown-reference", "/protocol_version")
    assert "knn.v1.yaml" in problem.remedy
    with pytest.raises(SpecError, match="knn has no version 1"):
        load_spec(v1)


def test_a_superseded_task_extends_no_other(v1: Path) -> None:
    """Inherited keys would move on with their origin."""
    old = v1 / "tasks/demo-beluga.v1.yaml"
    shutil.copy(v1 / "tasks/demo-beluga.yaml", old)
    replace(v1 / "tasks/demo-beluga.yaml", "version: 1", "version: 2")
    assert ("wrong-name", "/extends") in errors(v1)


def test_a_persons_own_task_pins_nothing(tmp_path: Path) -> None:
    """It has no versions beside it, whatever its file is called."""
    path = tmp_path / "my-whales.v1.yaml"
    path.write_text("task: my-whales\nextends: beluga\nprotocol_version: 1\n", encoding="utf-8")
    with pytest.raises(SpecError, match="protocol_version"):
        task_from_file(path, load_spec())
    path.write_text("task: my-whales\nextends: beluga\n", encoding="utf-8")
    assert task_from_file(path, load_spec()).protocol.id == "knn"
