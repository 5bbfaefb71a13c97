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
from biobench.spec.recorders import Recorder, independent, normal_form

DATASET = "demo-beluga"
ANNA = Recorder("Anna", "Laboratory of Whales")
BO = Recorder("Bo", "Institute of Ice")


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and error output of ``biobench data``."""
    code = execute(["data", *map(str, arguments)])
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def names(by: Recorder) -> list[str]:
    return ["--person", by.person, "--laboratory", by.laboratory]


def record(path: Path, by: Recorder) -> Path:
    assert execute(["data", "verify", DATASET, "--record", str(path), *names(by), "--json"]) == 0
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
    assert value["recorded_by"] == {"person": ANNA.person, "laboratory": ANNA.laboratory}
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
    lines = [
        f'      - person: "{b.person}"\n        laboratory: "{b.laboratory}"' for b in (ANNA, BO)
    ]
    assert "\n".join(lines) in out
    code, out, errors = run(capsys, "agree", anna, anna)
    assert (code, errors.count("\n")) == (3, 1)
    assert f"no two people of different laboratories recorded these files, only {ANNA}" in errors
    assert "recorded_by" not in out
    code, out, _ = run(capsys, "agree", anna, bo, "--json")
    both = [ANNA.value(), BO.value()]
    assert json.loads(out)["files"] == {**value["files"], "recorded_by": both}
    assert json.loads(out)["agreed"] is True


def test_a_third_is_told_where_it_differs(
    tmp_path: Path, value: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of other bytes is named, by records alone and from the copy itself."""
    bo = record(tmp_path / "bo.json", BO)
    path, _ = value["list"][5]
    value["list"][5][1] = "sha256:" + "0" * 64
    value["files"]["digest"] = sha256_json(value["list"])
    third = tmp_path / "third.json"
    third.write_text(json.dumps({**value, "recorded_by": Recorder("Cy", "C").value()}))
    capsys.readouterr()
    code, out, errors = run(capsys, "agree", third, tmp_path / "anna.json", bo)
    assert code == 3
    assert f"{third} has 1 difference: {path}: has other bytes than in" in errors
    assert "2 of 3 agree" in out
    assert "for datasets" not in out
    code, out, _ = run(capsys, "agree", third, tmp_path / "anna.json", bo, "--json")
    assert (code, json.loads(out)["agreed"]) == (3, False)
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
        capsys, "verify", "beluga", "--data", tmp_path, "--record", file, *names(ANNA)
    )
    assert code == 3
    assert "difference" in errors
    assert not file.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--record", "r.json"],
        names(ANNA),
        ["--record", "r.json", "--person", "Anna"],
        ["--record", "r.json", *names(Recorder(" ", "L"))],
        ["--record", "r.json", *names(Recorder("Anna", "--"))],
    ],
    ids=["nobody", "nothing", "no laboratory", "a blank name", "a laboratory of no letter"],
)
def test_a_record_has_a_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 in one line before anything is read."""
    code, out, errors = run(capsys, "verify", DATASET, *arguments)
    assert (code, out, errors.count("\n")) == (2, "", 1)
    assert "--record, --person and --laboratory together" in errors


def test_one_laboratory_confirms_nothing(
    tmp_path: Path, value: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two people of one laboratory, and one person of two, are one source, in any spelling."""
    anna = tmp_path / "anna.json"
    for name, by in (
        ("colleague", Recorder("Dee", "LABORATORY  of Whales.")),
        ("again", Recorder("anna", "Another House")),
    ):
        other = tmp_path / f"{name}.json"
        other.write_text(json.dumps({**value, "recorded_by": by.value()}))
        capsys.readouterr()
        code, out, errors = run(capsys, "agree", anna, other, "--json")
        assert (code, json.loads(out)["agreed"]) == (3, False)
        assert "no two people of different laboratories" in errors
        assert execute(["data", "agree", str(anna), str(other), str(bo_of(tmp_path, value))]) == 0


def bo_of(folder: Path, value: dict[str, Any]) -> Path:
    """A record by Bo of the same copy."""
    path = folder / "bo.json"
    path.write_text(json.dumps({**value, "recorded_by": BO.value()}))
    return path


def test_names_are_compared_in_their_normal_form() -> None:
    """Case, width, spaces and marks of punctuation tell no two laboratories apart; letters do."""
    same = ["Institut für Ökologie", "INSTITUT FU\u0308R O\u0308KOLOGIE", "institut-für ökologie"]
    assert len({normal_form(name) for name in same}) == 1
    assert normal_form("\uff2c\uff41\uff42 1") == normal_form("lab1")
    assert normal_form("Lab 1") != normal_form("Lab 2")
    assert normal_form("Ökologie") != normal_form("Okologie")


def test_independent_people_are_found_in_any_order() -> None:
    """The first record must not hide a pair among the later ones."""
    a1, a2, b1 = Recorder("A", "1"), Recorder("A", "2"), Recorder("B", "1")
    assert independent([a1, a2, b1]) == [1, 2]
    assert independent([b1, a1, a2]) == [0, 2]
    assert independent([a1, b1]) == [0]
    assert independent([]) == []
    assert independent([a1, Recorder("B", "--"), Recorder(" ", "2")]) == [0]


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
