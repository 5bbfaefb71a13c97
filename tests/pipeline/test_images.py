"""``run --images``: class folders to a result whose task file can be run again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from photographs import CLASSES, Capture, Words, document, paths, rows
from PIL import Image

import biobench
from biobench.cli import execute
from biobench.compare.site.rows import images_per_second

pytestmark = pytest.mark.slow


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
