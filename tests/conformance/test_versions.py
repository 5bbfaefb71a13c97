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

from biobench.spec.load import load_spec
from biobench.spec.location import spec_root

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
        shutil.copy(v1 / f"tasks/{task}.yaml", v1 / f"tasks/{task}.v1.yaml")
        replace(v1 / f"tasks/{task}.yaml", "version: 1", "version: 2")
    ledger["2.0.0"] = entry(tool, v1)
    assert problems(tool, v1, ledger, "2.0.0") == []
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


def test_what_is_written_is_what_is_read(tool: ModuleType, v1: Path) -> None:
    """One line an entry, so that a change is a small difference."""
    ledger = released(tool, v1)
    text = tool.ledger_text(ledger)
    assert json.loads(text) == ledger
    assert len(text.splitlines()) > len(ledger["1.0.0"]["cases"])
