"""Images of a person's own that cannot be read: named before the work, or left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from photographs import CLASSES, Capture, Words, document, paths, rows
from PIL import Image

from biobench.cli import execute
from biobench.decode import formats

pytestmark = pytest.mark.slow


def test_a_reason_that_images_share_is_said_once(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words
) -> None:
    """Protects: a folder of which nothing can be read is a line that a person can read."""
    for path in paths(photos):
        path.write_bytes(b"")
    (photos / CLASSES[0] / "odd.jpg").write_bytes(b"\xff\xd8\xff\xe0odd")
    assert execute([*scoring, str(photos), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    names = [path.relative_to(photos).as_posix() for path in paths(photos)]
    assert f"37 of 37 images cannot be read: {', '.join(names[:3])} and 33 more (" in said
    assert f"; {CLASSES[0]}/odd.jpg (" in said
    assert said.count("is empty") == 1


def test_a_format_that_cannot_be_read_here_is_not_checked(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: where the library of a format is missing, `verify` says what to install, and not
    that the images are others."""
    for path in paths(photos):
        Image.open(path).convert("RGB").save(path.with_suffix(".avif"))
        path.unlink()
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    monkeypatch.setattr(formats, "available", lambda: ())
    capsys.readouterr()
    assert execute(["verify", str(out)]) == 0
    said = capsys.readouterr().out
    (pixels,) = [line for line in said.splitlines() if line.startswith("pixels")]
    assert "not checked" in pixels
    assert "AVIF is not read by this build of Pillow" in pixels


def damage(photos: Path) -> None:
    """A file that is no image, and one whose end is missing, which only its pixels show."""
    (photos / "Ciliata/a.jpg").write_text("no image")
    whole = paths(photos)[0]
    (photos / "Nodularia/cut.png").write_bytes(whole.read_bytes()[:-200])


def test_a_bad_file_is_named_before_anything_is_embedded(
    photos: Path,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    scoring: Words,
    small_program: str,
) -> None:
    """Protects: headers are read before a model is loaded, for a task file as well."""
    task = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(task)]) == 0
    (photos / "Ciliata/a.jpg").write_text("no image")
    table = task / "photos.csv"
    table.write_text(table.read_text() + "Ciliata/a.jpg,Ciliata,test\n")
    monkeypatch.setattr("biobench.models.load.load_model", None)
    capsys.readouterr()
    for given in (["--images", str(photos)], ["--task", str(task / "photos.yaml")]):
        assert execute(["run", "--model", small_program, *given]) == 3
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "Ciliata/a.jpg (the content is not an image" in said


def test_bad_files_are_left_out(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words, small_program: str
) -> None:
    """Protects: with leave-out the others are scored as if the bad files were not there, and
    result, page and table list them; the table gives the same stages again."""
    clean, out, again = (tmp_path / name for name in ("clean", "out", "again"))
    damage(photos)
    assert execute([*scoring, str(photos), "--out", str(out), "--on-bad-image", "leave-out"]) == 0
    said = capsys.readouterr().out
    first = document(out)
    entry = first["tasks"]["photos"]
    left = {image["path"]: image["reason"] for image in entry["left_out"]}
    assert list(left) == ["Ciliata/a.jpg", "Nodularia/cut.png"]
    assert all(left.values())
    assert first["bad_images"] == 0
    # The last pass finds all features in the store; the speed is of the pass that made them.
    assert entry["cost"]["images_per_s"] > 0
    assert "2 unreadable images left out: Ciliata/a.jpg" in said
    assert "Nodularia/cut.png" in (out / "report.html").read_text()
    noted = {row["path"]: row["note"] for row in rows(out / "photos.csv") if row["note"]}
    assert noted == left
    assert execute(["verify", str(out)]) == 0
    task = str(out / "photos.yaml")
    assert execute(["run", "--model", small_program, "--task", task, "--out", str(again)]) == 0
    stages = ("data", "pixels", "features", "predictions", "score")
    second = document(again)["digests"]
    assert [second[stage] for stage in stages] == [first["digests"][stage] for stage in stages]
    (photos / "Ciliata/a.jpg").unlink()
    (photos / "Nodularia/cut.png").unlink()
    assert execute([*scoring, str(photos), "--out", str(clean)]) == 0
    # The one that only its pixels showed took part in the split, and its place stays empty.
    assert document(clean)["tasks"]["photos"]["counts"]["train"] in (
        entry["counts"]["train"],
        entry["counts"]["train"] + 1,
    )


def test_every_sample_is_free_of_bad_files(
    photos: Path, tmp_path: Path, scoring: Words, small_program: str
) -> None:
    """Protects: a sample that is drawn anew once bad images are gone has others, which may be bad
    too: none is counted, and the time and the images of every pass are."""
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    train = [row["path"] for row in rows(out / "photos.csv") if row["split"] == "train"]
    for name in CLASSES:
        of_class = [path for path in train if path.startswith(name)]
        for path in of_class[: len(of_class) - 5]:
            (photos / path).write_bytes((photos / path).read_bytes()[:-200])
    few = tmp_path / "few"
    run = ["run", "--model", small_program, "--task", str(out / "photos.yaml"), "--n-train", "5"]
    run += ["--store", str(tmp_path / "store"), "--on-bad-image", "leave-out"]
    assert execute([*run, "--out", str(few)]) == 0
    found = document(few)
    assert found["bad_images"] == 0
    entry = found["tasks"]["photos"]
    assert len(entry["left_out"]) > 1
    assert entry["cost"]["images_per_s"] > 0
    assert execute(["verify", str(few), "--task", str(out / "photos.yaml")]) == 0
    # Each was embedded once, in one of the passes.
    embedding = entry["cost"]["stages"]["decode"] + entry["cost"]["stages"]["embed"]
    computed = round(entry["cost"]["images_per_s"] * embedding)
    assert computed >= sum(entry["counts"][split] for split in ("train", "test"))


def test_an_own_task_leaves_out_too(
    photos: Path, tmp_path: Path, scoring: Words, small_program: str
) -> None:
    """Protects: --task with leave-out drops what headers and pixels show, and verify holds the
    result to it: an image that can be read must not be left out."""
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    damaged = {
        row["split"]: row["path"] for row in rows(out / "photos.csv") if "Ciliata" in row["path"]
    }
    whole = {path: (photos / path).read_bytes() for path in damaged.values()}
    (photos / damaged["train"]).write_bytes(whole[damaged["train"]][:-200])
    (photos / damaged["test"]).write_text("no image")
    own = tmp_path / "own"
    task = str(out / "photos.yaml")
    run = ["run", "--model", small_program, "--task", task, "--out", str(own)]
    assert execute(run) == 3
    assert execute([*run, "--on-bad-image", "leave-out"]) == 0
    counts = document(own)["tasks"]["photos"]["counts"]
    assert (counts["train"], counts["test"]) == (23, 11)
    verify = ["verify", str(own), "--task", task]
    assert execute(verify) == 0
    (photos / damaged["test"]).write_bytes(whole[damaged["test"]])
    assert execute(verify) == 6


def test_leaving_out_is_for_own_images(capsys: Capture, small_program: str) -> None:
    """Protects: no image of the specification's tasks is ever left out."""
    run = [
        "run",
        "--model",
        small_program,
        "--task",
        "demo-plankton",
        "--on-bad-image",
        "leave-out",
    ]
    assert execute(run) == 2
    assert "is for a person's own images" in capsys.readouterr().err
