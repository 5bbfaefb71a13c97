"""The ledger of versions: what was released stays, and what moves raises a version."""

from __future__ import annotations

import copy
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from biobench.spec.load import load_spec
from biobench.spec.location import spec_root
from biobench.spec.resolve import chain, merge

pytestmark = pytest.mark.slow

V1 = spec_root() / "v1"


@pytest.fixture
def tool(repository: Path) -> Iterator[ModuleType]:
    """tools/check_versions.py as a module."""
    sys.path.insert(0, str(repository / "tools"))
    try:
        yield importlib.import_module("check_versions")
    finally:
        sys.path.remove(str(repository / "tools"))


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    """A copy of the specification with the vectors of one section, to change."""
    target = tmp_path / "v1"
    shutil.copytree(V1, target)
    for folder in (target / "conformance").glob("*/*"):
        if folder.name != "generator":
            shutil.rmtree(folder)
    return target


def entry(tool: ModuleType, v1: Path) -> dict[str, Any]:
    found: dict[str, Any] = tool.current_entry(load_spec(v1))
    return found


def released(tool: ModuleType, v1: Path) -> dict[str, Any]:
    return {"1.0.0": {**entry(tool, v1), "released": True}}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def supersede(v1: Path, task: str) -> None:
    """Keep a task, written out in full and with its pins, and raise the version of the current."""
    spec = load_spec(v1).library
    links = chain(spec.by_id["task"][task], spec.by_id["task"])
    assert isinstance(links, list)
    value = {**merge(links), "protocol_version": 1, "dataset_version": "1"}
    (v1 / f"tasks/{task}.v1.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    replace(v1 / f"tasks/{task}.yaml", "version: 1", "version: 2")


def problems(tool: ModuleType, v1: Path, ledger: dict[str, Any], version: str = "1.0.0") -> Any:
    return list(tool.check_current(version, entry(tool, v1), ledger))


def test_nothing_changed(tool: ModuleType, v1: Path) -> None:
    """Neither prose for readers nor an expected count needs a version."""
    ledger = released(tool, v1)
    replace(v1 / "tasks/beluga.yaml", "title: Beluga individuals", "title: Belugas")
    replace(v1 / "tasks/beluga.yaml", "classes: 788", "classes: 789")
    assert problems(tool, v1, ledger) == []


def test_a_case_that_moves_or_vanishes(tool: ModuleType, v1: Path) -> None:
    """One line a case, until spec_version is raised."""
    ledger = released(tool, v1)
    words = v1 / "conformance/required/generator/words.json"
    value = json.loads(words.read_bytes())
    value["cases"][0]["output"]["words"][0] = 16 * "0"
    gone = value["cases"].pop(1)["id"]
    words.write_text(json.dumps(value))
    lines = problems(tool, v1, ledger)
    moved = value["cases"][0]["id"]
    assert sorted(line.split()[2] for line in lines) == sorted([moved, gone])
    assert all("raise spec_version" in line for line in lines)
    replace(v1 / "suite.yaml", "spec_version: 1.0.0", "spec_version: 1.1.0")
    ledger["1.1.0"] = entry(tool, v1)
    assert problems(tool, v1, ledger, "1.1.0") == []


def test_a_new_case_needs_a_version_too(tool: ModuleType, v1: Path) -> None:
    """The bundle's digest moves, and a result names it."""
    words = v1 / "conformance/required/generator/words.json"
    value = json.loads(words.read_bytes())
    last = value["cases"].pop()
    words.write_text(json.dumps(value))
    ledger = released(tool, v1)
    value["cases"].append(last)
    words.write_text(json.dumps(value))
    (line,) = problems(tool, v1, ledger)
    assert last["id"] in line


@pytest.mark.parametrize(
    ("file", "old", "new", "documents"),
    [
        ("protocols/knn.yaml", "  k: 1\n", "  k: 2\n", ["protocol knn@1"]),
        ("tasks/beluga.yaml", "label_rule: train-names", "label_rule: union-names", None),
        ("datasets/beluga.yaml", "    label: name\n", "    label: id\n", ["task beluga@1"]),
    ],
)
def test_a_document_that_moves_a_score(
    tool: ModuleType, v1: Path, file: str, old: str, new: str, documents: list[str] | None
) -> None:
    """A raised spec_version alone does not do: results compare by the versions of tasks."""
    ledger = released(tool, v1)
    replace(v1 / file, old, new)
    replace(v1 / "suite.yaml", "spec_version: 1.0.0", "spec_version: 1.1.0")
    ledger["1.1.0"] = entry(tool, v1)
    lines = problems(tool, v1, ledger, "1.1.0")
    # The demo task extends beluga, and so moves with it.
    expected = documents or ["task beluga@1", "task demo-beluga@1"]
    assert [line.split(" differs")[0] for line in lines] == expected
    assert all("raise the version" in line for line in lines)


def test_raising_a_version(tool: ModuleType, v1: Path) -> None:
    """The old document stays beside the new one, and what rests on it is raised too."""
    ledger = released(tool, v1)
    knn = v1 / "protocols/knn.yaml"
    shutil.copy(knn, v1 / "protocols/knn.v1.yaml")
    replace(knn, "  k: 1\n", "  k: 2\n")
    replace(knn, "version: 1", "version: 2")
    replace(v1 / "suite.yaml", "spec_version: 1.0.0", "spec_version: 2.0.0")
    ledger["2.0.0"] = entry(tool, v1)
    lines = problems(tool, v1, ledger, "2.0.0")
    assert [line.split(" in its ")[0] for line in lines] == [
        "task beluga@1 differs from 1.0.0",
        "task demo-beluga@1 differs from 1.0.0",
    ]
    for task in ("beluga", "demo-beluga"):
        supersede(v1, task)
    ledger["2.0.0"] = entry(tool, v1)
    assert problems(tool, v1, ledger, "2.0.0") == []
    # The kept task rests on the kept protocol: a change of that one would move its scores.
    for old, new, part in (
        ("tasks/beluga.v1.yaml", ("protocol_version: 1", "protocol_version: 2"), "its protocol"),
        ("protocols/knn.v1.yaml", ("  k: 1\n", "  k: 2\n"), "members that move a score"),
    ):
        text = (v1 / old).read_text(encoding="utf-8")
        replace(v1 / old, *new)
        (line,) = problems(tool, v1, ledger | {"2.0.0": entry(tool, v1)}, "2.0.0")
        assert "@1 differs from 1.0.0" in line
        assert part in line
        (v1 / old).write_text(text, encoding="utf-8")
    (v1 / "tasks/beluga.v1.yaml").unlink()
    ledger["2.0.0"] = entry(tool, v1)
    (line,) = problems(tool, v1, ledger, "2.0.0")
    assert "keep it as spec/v1/tasks/beluga.v1.yaml" in line


def test_a_ledger_that_is_behind(tool: ModuleType, v1: Path) -> None:
    """Before a release it is written anew; an unknown or lower version is told apart."""
    ledger = {"1.0.0": entry(tool, v1)}
    assert problems(tool, v1, ledger) == []
    replace(v1 / "protocols/knn.yaml", "  k: 1\n", "  k: 2\n")
    (line,) = problems(tool, v1, ledger)
    assert "by 1 entries" in line
    assert "--record" in line
    (line,) = problems(tool, v1, {})
    assert "is not in spec/versions.json" in line
    (line,) = problems(tool, v1, {"1.0.1": ledger["1.0.0"]})
    assert "below" in line


def test_a_released_entry_is_not_edited(tool: ModuleType, v1: Path) -> None:
    """The history of the ledger says what was released."""
    past = {"aaaa": released(tool, v1)}
    now = copy.deepcopy(past["aaaa"])
    assert list(tool.check_history(now, past)) == []
    del now["1.0.0"]["cases"]["generator/mix/zero"]
    (line,) = tool.check_history(now, past)
    assert "1.0.0" in line
    (line,) = tool.check_history({}, past)
    assert "1.0.0" in line
    past["aaaa"]["1.0.0"]["released"] = False
    assert list(tool.check_history(now, past)) == []


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_history_is_read_from_git(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ledger that the history had, not only the last."""
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    assert tool.history("HEAD") == {}
    git(tmp_path, "init", "--quiet")
    (tmp_path / "spec").mkdir()
    for version in ("1.0.0", "1.1.0"):
        (tmp_path / "spec/versions.json").write_text(json.dumps({version: {"released": True}}))
        git(tmp_path, "add", "spec")
        git(tmp_path, "commit", "--quiet", "-m", version)
    found = tool.history("HEAD")
    assert sorted(next(iter(ledger)) for ledger in found.values()) == ["1.0.0", "1.1.0"]
    assert len(list(tool.check_history({}, found))) == 2
    with pytest.raises(SystemExit, match="check_versions: git rev-list"):
        tool.history("no-such-revision")


def ledger_in_git(folder: Path, ledger: dict[str, Any], name: str) -> None:
    (folder / "spec").mkdir(exist_ok=True)
    (folder / "spec/versions.json").write_text(json.dumps(ledger))
    git(folder, "add", "spec")
    git(folder, "commit", "--quiet", "-m", name)


def test_a_release_that_one_side_of_a_merge_knows(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge that takes nothing of a side does not undo what that side released."""
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    ledger_in_git(tmp_path, {"1.0.0": {"released": False}}, "before")
    git(tmp_path, "checkout", "--quiet", "-b", "side")
    ledger_in_git(tmp_path, {"1.0.0": {"released": True}}, "released")
    git(tmp_path, "checkout", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "-s", "ours", "-m", "merged", "side")
    found = tool.history("HEAD")
    assert {"1.0.0": {"released": True}} in found.values()
    (line,) = tool.check_history({"1.0.0": {"released": False}}, found)
    assert "is not the one released" in line
    git(tmp_path, "rm", "--quiet", "spec/versions.json")
    git(tmp_path, "commit", "--quiet", "-m", "without a ledger")
    assert tool.history("HEAD") == found


def test_a_shallow_clone_is_refused(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no history to compare with, and would pass whatever was released."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet")
    for name in ("one", "two"):
        ledger_in_git(origin, {"1.0.0": {"released": True, "name": name}}, name)
    git(tmp_path, "clone", "--quiet", "--depth", "1", origin.as_uri(), "clone")
    monkeypatch.setattr(tool, "ROOT", clone)
    with pytest.raises(SystemExit, match=r"shallow.*git fetch --unshallow"):
        tool.history("HEAD")
    git(clone, "fetch", "--quiet", "--unshallow")
    assert len(tool.history("HEAD")) == 2


@pytest.mark.parametrize("part", ["folder", "level"])
def test_where_a_case_stands_is_released_too(tool: ModuleType, v1: Path, part: str) -> None:
    """The cover of a claim of a section, and of a level."""
    ledger = released(tool, v1)
    generator = v1 / "conformance/required/generator"
    if part == "folder":
        generator.rename(generator.with_name("words"))
    else:
        for path in generator.glob("*.json"):
            replace(path, '"level": "S"', '"level": "D"')
    lines = problems(tool, v1, ledger)
    assert len(lines) == len(ledger["1.0.0"]["cases"])
    assert all("is not what 1.0.0 released" in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "place", "number"),
    [
        ("seed: 17", "seed: 18", "seed", "first"),
        ("cpu: 32", "cpu: 64", "micro_batch", "first"),
        ("few_clusters: 10", "few_clusters: 12", "interval", "first"),
        ("replicates: 1000", "replicates: 2000", "association", "second"),
        ("alpha: 0.05", "alpha: 0.01", "comparison", "second"),
        ("[imagenet1k, inat21, newt]", "[inat21, imagenet1k, newt]", "suite prior-work", "second"),
    ],
)
def test_what_all_tasks_share(
    tool: ModuleType, v1: Path, old: str, new: str, place: str, number: str
) -> None:
    """A kept task rests on the seed, the micro-batch and the interval, so they last longest."""
    ledger = released(tool, v1)
    replace(v1 / "suite.yaml", old, new)
    now = entry(tool, v1)
    raised = {"first": ["2.0.0"], "second": ["1.1.0", "2.0.0"]}[number]
    for version in ("1.0.1", "1.1.0", "2.0.0"):
        lines = list(tool.check_current(version, now, ledger | {version: now}))
        if version in raised:
            assert lines == []
        else:
            (line,) = lines
            assert f"suite.yaml: {place} is not what 1.0.0 released" in line
            assert f"{number} number" in line


def test_a_release_needs_the_vectors_that_are_made(repository: Path, tmp_path: Path) -> None:
    """A vector that was edited by hand would be released for good."""
    (tmp_path / "tools/vectors").mkdir(parents=True)
    for name in ("check_versions", "make_vectors", "vectors/__init__"):
        shutil.copy(repository / f"tools/{name}.py", tmp_path / f"tools/{name}.py")
    for name in ("case.py", "plain.py", "generator.py", "rules.py", "rules.yaml"):
        shutil.copy(repository / f"tools/vectors/{name}", tmp_path / f"tools/vectors/{name}")
    shutil.copytree(V1, tmp_path / "spec/v1", ignore=shutil.ignore_patterns("conformance"))
    (tmp_path / "runner").symlink_to(repository / "runner")

    def run(tool: str, *options: str) -> int:
        command = [sys.executable, str(tmp_path / f"tools/{tool}.py"), *options]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def is_released() -> bool:
        ledger = json.loads((tmp_path / "spec/versions.json").read_bytes())
        return bool(ledger["1.0.0"]["released"])

    assert run("make_vectors") == 0
    words = tmp_path / "spec/v1/conformance/required/generator/words.json"
    made = words.read_text(encoding="utf-8")
    value = json.loads(made)
    value["cases"][0]["output"]["words"][0] = 16 * "0"
    words.write_text(json.dumps(value), encoding="utf-8")
    assert run("check_versions", "--record") == 0
    assert run("check_versions", "--release") == 1
    assert not is_released()
    words.write_text(made, encoding="utf-8")
    assert run("check_versions", "--record", "--release") == 0
    assert is_released()


def test_what_is_written_is_what_is_read(tool: ModuleType, v1: Path) -> None:
    """One line an entry, so that a change is a small difference."""
    ledger = released(tool, v1)
    text = tool.ledger_text(ledger)
    assert json.loads(text) == ledger
    assert len(text.splitlines()) > len(ledger["1.0.0"]["cases"])
