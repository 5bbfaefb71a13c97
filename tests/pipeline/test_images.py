"""``run --images``: class folders to a result whose task file can be run again."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, ImageOps

import biobench
from biobench.cli import execute
from biobench.compare.site.rows import images_per_second
from biobench.data.locate import EMBEDDED
from biobench.decode import formats

pytestmark = pytest.mark.slow

CLASSES = ("Centrales", "Ciliata", "Nodularia")
EACH = 12
Words = tuple[str, ...]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def scoring(small_program: str) -> Words:
    """The words before a folder of images, with a model that needs no torch."""
    return "run", "--model", small_program, "--images"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes of twelve drawn organisms each, in folders."""
    for name in CLASSES:
        source = EMBEDDED / "demo-plankton/train" / name
        (tmp_path / "photos" / name).mkdir(parents=True)
        for image in sorted(source.iterdir())[:EACH]:
            shutil.copy(image, tmp_path / "photos" / name / image.name)
    return tmp_path / "photos"


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def paths(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.png"))


def test_a_result_and_its_task_file(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words, small_program: str
) -> None:
    """Protects: one command scores class folders; the file beside the result gives the same digests
    again, verifies without further words, and nothing speaks of official results."""
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    said = "".join(capsys.readouterr())
    page = (out / "report.html").read_text()
    assert "official" not in said
    assert "official" not in re.sub(r"(?s)<(style|script)\b.*?</\1>", "", page)
    first = document(out)
    assert first["division"] == "open"
    assert first["tasks"]["photos"]["counts"]["test"] == 12
    table = rows(out / "photos.csv")
    assert [row["path"] for row in table] == [
        path.relative_to(photos).as_posix() for path in paths(photos)
    ]
    tested = [row["class"] for row in table if row["split"] == "test"]
    assert {name: tested.count(name) for name in CLASSES} == dict.fromkeys(CLASSES, 4)
    assert execute(["verify", str(out), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert "not checked: no data" not in json.dumps(checked)
    again = tmp_path / "again"
    task = str(out / "photos.yaml")
    assert execute(["run", "--model", small_program, "--task", task, "--out", str(again)]) == 0
    assert document(again)["digests"] == first["digests"]


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


def test_images_that_moved(
    photos: Path, tmp_path: Path, scoring: Words, small_program: str
) -> None:
    """Protects: where the folder has moved, --data says where it is, also by the folder above."""
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    moved = tmp_path / "elsewhere" / "photos"
    moved.parent.mkdir()
    photos.rename(moved)
    again = ["run", "--model", small_program, "--task", str(out / "photos.yaml"), "--dry-run"]
    assert execute(again) == 3
    assert execute([*again, "--data", str(moved)]) == 0
    assert execute([*again, "--data", str(moved.parent)]) == 0


def test_a_second_run_keeps_the_measured_speed(
    photos: Path, tmp_path: Path, scoring: Words
) -> None:
    """Protects: the same command again does not replace a measured speed by 0 in the result and on
    every page; no speed is stated of other conditions, or of images that nobody timed."""
    run = [*scoring, str(photos), "--workers", "1"]
    costs = []
    for name, more in (("a", ()), ("b", ()), ("c", ("--workers", "2"))):
        out = tmp_path / name
        assert execute([*run, *more, "--out", str(out)]) == 0
        costs.append(document(out)["tasks"]["photos"]["cost"])
        shown = images_per_second(biobench.load_results(out))
        assert shown == (pytest.approx(costs[0]["images_per_s"]) if name != "c" else None)
    first, second, third = costs
    assert first["images_per_s"] > 0
    assert second["images_per_s"] == first["images_per_s"]
    assert first["stages"]["embed"] > second["stages"]["embed"] == 0
    assert third["images_per_s"] == 0
    # Fewer of the same images: the store knows them all, and nobody timed these.
    paths(photos)[0].unlink()
    assert execute([*run, "--out", str(tmp_path / "d")]) == 0
    assert document(tmp_path / "d")["tasks"]["photos"]["cost"]["images_per_s"] == 0


def test_an_edited_task_file_is_kept(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words, small_program: str
) -> None:
    """Protects: --images replaces its own file, and never one that a person has edited; the edited
    one is run and gives a result beside it."""
    out = tmp_path / "out"
    run = [*scoring, str(photos), "--out", str(out)]
    assert execute(run) == 0
    assert execute([*run, "--train-share", "0.5"]) == 0
    assert document(out)["tasks"]["photos"]["counts"]["test"] == 18
    task = out / "photos.yaml"
    task.write_text(task.read_text().replace("protocol: logistic_regression", "protocol: svm"))
    capsys.readouterr()
    assert execute(run) == 2
    assert "was edited" in capsys.readouterr().err
    edited = ["run", "--model", small_program, "--task", str(task), "--out", str(out)]
    assert execute(edited) == 0
    assert document(out)["tasks"]["photos"]["protocol"] == "svm"
    assert "protocol: svm" in task.read_text()


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


def test_further_formats(photos: Path, tmp_path: Path, scoring: Words) -> None:
    """Protects: an AVIF among class folders is scored, and the result says that its pixels are
    those of a library."""
    image = Image.open(paths(photos)[0]).convert("RGB")
    image.save(photos / "Ciliata/a.avif")
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    found = document(out)
    assert found["tasks"]["photos"]["formats"] == ["AVIF"]
    assert found["levels"]["pixels"] == "E"
    assert execute(["verify", str(out)]) == 0


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


def test_a_learning_curve(photos: Path, tmp_path: Path, scoring: Words) -> None:
    """Protects: the sizes of a curve share one task file, which lies beside the curve."""
    out = tmp_path / "out"
    run = [*scoring, str(photos), "--out", str(out), "--protocol", "nearest_centroid"]
    assert execute([*run, "--n-train", "3,all"]) == 0
    assert (out / "photos.yaml").is_file()
    assert (out / "curve.json").is_file()
    assert execute(["verify", str(out)]) == 0


def test_sizes_below_the_folds_take_a_protocol_without_folds(
    photos: Path, tmp_path: Path, capsys: Capture, scoring: Words
) -> None:
    """Protects: a curve that begins with one image a class is scored, says why by which protocol,
    and has no mean; the protocol that is asked for is kept, with what to do where it cannot be."""
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out), "--n-train", "1,3"]) == 0
    said = capsys.readouterr()
    assert (
        "no class has 5 images to learn from at --n-train 1, so the protocol of all 2 sizes, which "
        "share one, is linear_probe_short in place of logistic_regression"
    ) in said.err
    assert "photos: macro_f1 by linear_probe_short at all sizes" in said.out
    assert (
        '<td data-head="metric">macro_f1 by linear_probe_short</td>'
        in (out / "curve.html").read_text()
    )
    assert "mean" not in said.out
    assert "mean" not in (out / "curve.html").read_text().partition("</style>")[2]
    assert yaml.safe_load((out / "photos.yaml").read_text())["protocol"] == "linear_probe_short"
    biobench.evaluate(scoring[2], images=photos, n_train=1)
    assert "no class has 5 images to learn from at n_train=1" in capsys.readouterr().err
    asked = [*scoring, str(photos), "--n-train", "3", "--protocol", "logistic_regression"]
    assert execute([*asked, "--out", str(tmp_path / "other")]) == 3
    assert "(with --images: --protocol)" in capsys.readouterr().err
    assert (
        execute([*scoring, str(photos), "--out", str(tmp_path / "many"), "--n-train", "5,all"]) == 0
    )
    protocol = yaml.safe_load((tmp_path / "many/photos.yaml").read_text())["protocol"]
    assert protocol == "logistic_regression"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--task", "beluga"], "--images and --task exclude each other"),
        (["--suite", "demo"], "--images and --suite exclude each other"),
        (["--data", "."], "--images and --data exclude each other"),
        (["--division", "compat"], "has no division compat"),
        (["--train-share", "70"], "must lie between 0 and 1"),
        (["--protocol", "knn"], "there is no protocol 'knn' for classes"),
        (["--group", "*/{x}/nothing"], "the pattern matches none of the paths"),
    ],
)
def test_options_that_do_not_fit(
    photos: Path, capsys: Capture, more: list[str], said: str, scoring: Words
) -> None:
    """Protects: a wrong option is one line and exit 2."""
    assert execute([*scoring, str(photos), "--dry-run", *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_options_without_a_folder(capsys: Capture, small_program: str) -> None:
    """Protects: options of --images alone are refused with another task."""
    assert execute(["run", "--model", small_program, "--group", "{x}/*"]) == 2
    assert "--group is for --images" in capsys.readouterr().err


def test_the_folder_of_other_data_does_not_matter(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scoring: Words,
    small_program: str,
) -> None:
    """Protects: BIOBENCH_DATA, which a laboratory sets for its data sets, is no wrong option here,
    and hides no folder that a task file names."""
    monkeypatch.setenv("BIOBENCH_DATA", str(tmp_path))
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    monkeypatch.setenv("BIOBENCH_DATA", str(out))
    again = ["run", "--model", small_program, "--task", str(out / "photos.yaml"), "--dry-run"]
    assert execute(again) == 0


def test_odd_names(
    photos: Path, tmp_path: Path, make_odd: Callable[[Path], None], scoring: Words
) -> None:
    """Protects: blanks, quotes, line ends and formulas in names reach the table and come back."""
    make_odd(photos)
    out = tmp_path / "out"
    assert execute([*scoring, str(photos), "--out", str(out)]) == 0
    assert {row["class"] for row in rows(out / "photos.csv")} == {"Centrales", "=Ünï {x}", "yes"}
    assert execute(["verify", str(out)]) == 0


@pytest.fixture
def make_odd() -> Callable[[Path], None]:
    def rename(photos: Path) -> None:
        (photos / "Ciliata").rename(photos / "=Ünï {x}")
        (photos / "Nodularia").rename(photos / "yes")
        first, second, *_ = paths(photos / "yes")
        first.rename(first.with_name('two\nlines, "quoted".png'))
        second.rename(second.with_name(" blank .png"))

    return rename
