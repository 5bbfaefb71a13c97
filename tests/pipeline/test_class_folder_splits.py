"""Splits of class folders: groups, copies, folders that are split already, rejected predictions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from markupsafe import escape
from photographs import CLASSES, Capture, Words, document, paths, rows
from PIL import Image, ImageOps

import biobench
from biobench.cli import execute

pytestmark = pytest.mark.slow


def test_groups_and_copies_stay_together(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words
) -> None:
    """Protects: images of a site and files with equal bytes are on one side, and the table names
    the groups."""
    for place, path in enumerate(paths(photos)):
        path.rename(path.with_name(f"site{place % 7}_{path.name}"))
    shutil.copy(paths(photos)[0], photos / "Nodularia/site9_copy.png")
    out = tmp_path / "out"
    given = [*scoring, str(photos), "--out", str(out), "--group", "*/{site}_*"]
    assert execute(given) == 0
    table = rows(out / "photos.csv")
    sides: dict[str, set[str]] = {}
    for row in table:
        sides.setdefault(row["group"], set()).add(row["split"])
    assert len(sides) == 8
    assert all(len(of) == 1 for of in sides.values())
    assert sides["site9"] == sides["site0"]
    options = yaml.safe_load((out / "photos.yaml").read_text())["dataset"]["layout"]["options"]
    assert options["cluster"] == {"unit": "site", "template": "{group}"}
    assert execute(["verify", str(out)]) == 0
    assert "have the bytes of one of the train split" not in capsys.readouterr().err


def test_a_folder_that_is_split(photos: Path, tmp_path: Path, scoring: Words) -> None:
    """Protects: train/ and val/ are kept as they are, and no share is taken of them."""
    split = tmp_path / "split"
    for place, path in enumerate(paths(photos)):
        side = split / ("val" if place % 3 == 0 else "train") / path.parent.name
        side.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, side)
    out = tmp_path / "out"
    assert execute([*scoring, str(split), "--out", str(out), "--protocol", "svm"]) == 0
    assert document(out)["tasks"]["split"]["counts"]["test"] == 12
    assert yaml.safe_load((out / "split.yaml").read_text())["protocol"] == "svm"
    assert execute([*scoring, str(split), "--train-share", "0.5", "--dry-run"]) == 2


def test_what_is_doubtful_about_a_split_is_known_before_a_run(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words
) -> None:
    """Protects: images that were learnt from and are scored, and classes that no score speaks of,
    are named by the dry run and once by the run."""
    split = tmp_path / "split"
    for place, path in enumerate(paths(photos)):
        for side in ("train", "val") if place < 4 else ("train",) if place % 3 else ("val",):
            if (side, path.parent.name) != ("val", CLASSES[2]):
                (split / side / path.parent.name).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, split / side / path.parent.name)
    run = [*scoring, str(split), "--out", str(tmp_path / "out"), "--protocol", "svm"]
    first = paths(photos)[0].relative_to(photos).as_posix()
    for more in (["--dry-run"], []):
        assert execute([*run, *more]) == 0
        said = "".join(capsys.readouterr())
        copied = "split: 4 images of the test split have the bytes of one of the train split: val/"
        assert f"{copied}{first} and train/{first}, " in said
        assert ", and 1 more" in said
        assert said.count("have the bytes") == 1
        assert "split: 1 class has no image in the test split, so no score of it" in said
        assert f"'{CLASSES[2]}'" in said


def test_what_is_doubtful_stays_with_the_result(
    photos: Path, tmp_path: Path, scoring: Words
) -> None:
    """Protects: who reads a result later learns what the run said of its split: from the task file,
    the page of the run, and a site. Digests are the same without."""
    split = tmp_path / "split <b>"
    for place, path in enumerate(paths(photos)):
        for side in ("train", "val") if place < 4 else ("train",) if place % 3 else ("val",):
            folder = split / side / path.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder)
    out, again, site = tmp_path / "out", tmp_path / "again", tmp_path / "site"
    run = [*scoring, str(split), "--protocol", "svm"]
    assert execute([*run, "--out", str(out)]) == 0
    line = "images of the test split have the bytes of one of the train split"
    file = (out / "split-b.yaml").read_text()
    (note,) = [one for one in file.splitlines() if line in one]
    assert note.startswith("# note: 4 ")
    page = (out / "report.html").read_text()
    assert f"<li>{escape(note.removeprefix('# note: '))}</li>" in page
    assert execute(["report", "--site", str(site), str(out)]) == 0
    (of_site,) = (site / "models").glob("*.html")
    assert f"<li>{escape(note.removeprefix('# note: '))}</li>" in of_site.read_text()
    task = str(out / "split-b.yaml")
    given = [scoring[0], *scoring[1:-1], "--task", task, "--out", str(again)]
    assert execute(given) == 0
    assert document(again)["digests"] == document(out)["digests"]
    assert execute([*run, "--out", str(out)]) == 0
    assert (out / "split-b.yaml").read_text() == file


def test_rejected_predictions_are_told(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words
) -> None:
    """Protects: a score that a threshold makes is not left without its reason, neither when
    predictions are computed nor when the store has them; other protocols reject nothing."""
    split = tmp_path / "split"
    for path in paths(photos):
        for side in ("train", "val"):
            (split / side / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, split / "train" / path.parent.name)
        ImageOps.invert(Image.open(path).convert("RGB")).save(
            split / "val" / path.parent.name / path.name
        )
    for out in ("first", "again"):
        options = ["--protocol", "nearest_centroid", "--out", str(tmp_path / out)]
        assert execute([*scoring, str(split), *options]) == 0
        said = capsys.readouterr().err
        predictions = biobench.load_results(tmp_path / out).predictions("split")
        assert (predictions.y_pred == -1).all()
        assert 'split: every one of 36 predictions is "unknown"' in said
        assert "from the 36 items learnt from" in said
    assert execute([*scoring, str(split), "--out", str(tmp_path / "other")]) == 0
    assert '"unknown"' not in capsys.readouterr().err
    few = [*scoring, str(photos), "--protocol", "nearest_centroid", "--out", str(tmp_path / "few")]
    assert execute(few) == 0
    rejected = biobench.load_results(tmp_path / "few").predictions("photos").y_pred == -1
    assert 0 < rejected.sum() < len(rejected) / 2
    assert '"unknown"' not in capsys.readouterr().err
