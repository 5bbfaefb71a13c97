"""Do two laboratories have the same data set? Records of copies, written, read and compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from biobench.cli import execute
from biobench.data.copy_record import CopyRecord, agreeing, read_copy_record
from biobench.data.locate import EMBEDDED
from biobench.errors import DataError
from biobench.spec.canonical import sha256_json
from biobench.spec.load import load_spec

DATASET = "demo-beluga"
ANNA, BO = "Anna, Laboratory of Whales", "Bo, Institute of Ice"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and error output of ``biobench data``."""
    code = execute(["data", *map(str, arguments)])
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def record(path: Path, by: str, data: Path | None = None) -> Path:
    where = [] if data is None else ["--data", str(data)]
    command = ["data", "verify", DATASET, *where, "--record", str(path), "--by", by, "--json"]
    assert execute(command) == 0
    return path


@pytest.fixture
def value(tmp_path: Path) -> dict[str, Any]:
    """The record of the embedded data."""
    value: dict[str, Any] = json.loads(record(tmp_path / "anna.json", ANNA).read_text())
    return value


def test_a_record_is_the_document(value: dict[str, Any]) -> None:
    """A record of the embedded data states what their documents state."""
    spec = load_spec()
    assert value["files"] == spec.dataset(DATASET).files
    assert sha256_json(value["list"]) == value["files"]["digest"]
    counts = spec.task(DATASET).counts
    assert value["counts"][DATASET] == {
        name: count for name, count in vars(counts).items() if count is not None
    }
    assert value["recorded_by"] == ANNA
    assert str(EMBEDDED) not in json.dumps(value)


def test_two_people_confirm_a_digest(
    tmp_path: Path, value: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Equal records of two people give the document's lines; of one person twice they do not."""
    anna, bo = tmp_path / "anna.json", record(tmp_path / "bo.json", BO)
    capsys.readouterr()
    code, out, _ = run(capsys, "agree", anna, bo)
    assert code == 0
    assert f"digest: {value['files']['digest']}" in out
    assert f'      - "{ANNA}"\n      - "{BO}"' in out
    code, out, errors = run(capsys, "agree", anna, anna)
    assert (code, errors.count("\n")) == (3, 1)
    assert f"only {ANNA} recorded" in errors
    assert "recorded_by" not in out
    code, out, _ = run(capsys, "agree", anna, bo, "--json")
    assert json.loads(out)["files"] == {**value["files"], "recorded_by": [ANNA, BO]}


def test_a_third_is_told_where_it_differs(
    tmp_path: Path, value: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of other bytes is named, by records alone and from the copy itself."""
    bo = record(tmp_path / "bo.json", BO)
    path, _ = value["list"][5]
    value["list"][5][1] = "sha256:" + "0" * 64
    value["files"]["digest"] = sha256_json(value["list"])
    third = tmp_path / "third.json"
    third.write_text(json.dumps({**value, "recorded_by": "Cy"}))
    capsys.readouterr()
    code, out, errors = run(capsys, "agree", third, tmp_path / "anna.json", bo)
    assert code == 3
    assert f"{third} has 1 difference: {path}: has other bytes than in" in errors
    assert "2 of 3 agree" in out
    assert "for datasets" not in out
    code, _, errors = run(capsys, "verify", DATASET, "--against", bo, "--against", third)
    assert code == 3
    assert f"1 difference: {path}: has other bytes than in {third}" in errors


def test_lists_are_compared_by_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is missing and one that the other copy lacks are named as such."""
    anna = record(tmp_path / "anna.json", ANNA)
    value = json.loads(anna.read_text())
    (gone, _), value["list"] = value["list"][3], value["list"][:3] + value["list"][4:]
    value["list"].append(["z.png", "sha256:" + "1" * 64])
    value["files"]["digest"] = sha256_json(value["list"])
    other = tmp_path / "other.json"
    other.write_text(json.dumps(value))
    capsys.readouterr()
    code, _, errors = run(capsys, "verify", DATASET, "--against", other)
    assert code == 3
    assert f"{gone}: is not in {other}" in errors
    assert f"z.png: is missing, {other} has it" in errors


def test_no_record_of_a_copy_that_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3, and no file is written."""
    shutil.copytree(EMBEDDED / DATASET, tmp_path / "beluga")
    file = tmp_path / "record.json"
    code, _, errors = run(
        capsys, "verify", "beluga", "--data", tmp_path, "--record", file, "--by", ANNA
    )
    assert code == 3
    assert "difference" in errors
    assert not file.exists()


@pytest.mark.parametrize(
    "arguments",
    [["--record", "r.json"], ["--by", ANNA], ["--record", "r.json", "--by", " "]],
    ids=["nobody", "nothing", "a blank name"],
)
def test_a_record_has_a_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 in one line before anything is read."""
    code, out, errors = run(capsys, "verify", DATASET, *arguments)
    assert (code, out, errors.count("\n")) == (2, "", 1)
    assert "--record and --by together" in errors


def test_files_that_are_no_records(tmp_path: Path, value: dict[str, Any]) -> None:
    """One line, exit 3: other JSON, a list that is not of the digest, an unknown key."""
    texts = ["", "{}x", "[1]", "{}", "[" * 100_000, '{"list": 3}', '{"list": [[1, 2]]}']
    bad = [{**value, "note": 1}, {**value, "list": [*value["list"], 7]}]
    for i, text in enumerate([*texts, *map(json.dumps, bad)]):
        (tmp_path / str(i)).write_text(text)
        with pytest.raises(DataError, match="is not a record of a data set"):
            read_copy_record(tmp_path / str(i))
    value["list"][0][1] = "sha256:" + "0" * 64
    (tmp_path / "edited").write_text(json.dumps(value))
    with pytest.raises(DataError, match="was edited"):
        read_copy_record(tmp_path / "edited")
    with pytest.raises(DataError, match="cannot be read"):
        read_copy_record(tmp_path / "nowhere")


def test_records_of_other_data_sets(value: dict[str, Any]) -> None:
    """Versions and data sets are not mixed."""
    first = CopyRecord("a.json", value, {})
    for key, other in (("dataset", "beluga"), ("version", "2")):
        with pytest.raises(DataError, match=r"b\.json: is a record of"):
            agreeing([first, CopyRecord("b.json", {**value, key: other}, {})])
