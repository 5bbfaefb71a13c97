"""Pictures of own images on a site: without the task's file named, with images that were left out,
and of a format beyond those of the specification."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from biobench.cli import execute
from biobench.data.locate import EMBEDDED

pytestmark = pytest.mark.slow

CLASSES = ("Centrales", "Ciliata", "Nodularia")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of twelve drawn organisms each as AVIF files, and one that is no image."""
    given = tmp_path_factory.mktemp("given") / "photos"
    for name in CLASSES:
        folder = given / name
        folder.mkdir(parents=True)
        for image in sorted((EMBEDDED / "demo-plankton/train" / name).iterdir())[:12]:
            Image.open(image).convert("RGB").save(folder / f"{image.stem}.avif")
    (given / "Ciliata/a.jpg").write_text("no image")
    return given


def run(photos: Path, out: Path) -> None:
    given = ["run", "--model", "demo", "--images", str(photos), "--out", str(out)]
    # Beside the result: the store of a user's cache is another one in each test.
    kept = ["--store", str(out / "store")]
    assert execute([*given, *kept, "--on-bad-image", "leave-out"]) == 0


@pytest.fixture(scope="module")
def result(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo model's result on them."""
    out = tmp_path_factory.mktemp("result") / "out"
    run(photos, out)
    return out


def detail(site: Path) -> str:
    """The HTML of what a model gets wrong, which its page loads by need."""
    (file,) = (site / "data").glob("*/photos.js")
    value = json.loads(file.read_text().partition(",")[2].removesuffix(");\n"))
    return gzip.decompress(base64.b64decode(value["detail"])).decode()


def test_pictures_of_own_images(result: Path, tmp_path: Path) -> None:
    """The file beside the result names the images, and each picture that the page names is there;
    --no-pictures leaves them out, and a result of own images is of no suite."""
    site = tmp_path / "site"
    assert execute(["report", "--site", str(site), str(result)]) == 0
    named = set(re.findall(r'src="\.\./(images/[^"]+)"', detail(site)))
    made = {path.relative_to(site).as_posix() for path in (site / "images").rglob("*.jpg")}
    assert named
    (page,) = (site / "tasks").glob("*.html")
    examples = page.read_text().partition("<h2>Examples</h2>")[2].partition("<h2>")[0]
    shown = set(re.findall(r'src="\.\./(images/[^"]+)"', examples))
    assert re.findall(r'alt="([^"]+)"', examples) == list(CLASSES)
    assert named | shown == made
    for path in site.rglob("*.html"):
        text = path.read_text().partition("<main")[2].partition("<script")[0]
        assert "official" not in text.replace("filter-division", "")
        assert "uite demo" not in text
        assert "uite biobench" not in text
        assert "<p></p>" not in text
        assert "· ·" not in text
        assert ">. Data set" not in text
    assert execute(["report", "--site", str(site), "--no-pictures", str(result)]) == 0
    assert "left out by --no-pictures" in detail(site)
    assert not (site / "images").exists()
    assert "<h2>Examples</h2>" not in page.read_text()
    assert "<h3>Examples</h3>" in (result / "report.html").read_text()


def test_notes_of_a_task_file_elsewhere(result: Path, tmp_path: Path) -> None:
    """Notes of `run --task` on the rows stand on the site's page as on the run's own, and not
    with --no-pictures, which reads no data."""
    task, table = (tmp_path / name for name in ("photos.yaml", "photos.csv"))
    shutil.copyfile(result / "photos.yaml", task)
    lines = (result / "photos.csv").read_text().splitlines()
    edited = [*lines[:1], lines[1].replace(",train,", ",later,").replace(",test,", ",later,")]
    table.write_text("\n".join([*edited, *lines[2:]]) + "\n")
    out, site = tmp_path / "out", tmp_path / "site"
    command = ["run", "--task", str(task), "--model", "demo", "--out", str(out)]
    assert execute([*command, "--store", str(result / "store")]) == 0
    pattern = r"<li>(\d+ rows? belongs? to no split[^<]*)</li>"
    (said,) = re.findall(pattern, (out / "report.html").read_text())
    report = ["report", "--site", str(site), "--task", str(task), str(out)]
    assert execute(report) == 0
    (page,) = (site / "models").glob("*.html")
    assert re.findall(pattern, page.read_text()) == [said]
    assert execute([*report, "--no-pictures"]) == 0
    (page,) = (site / "models").glob("*.html")
    assert re.findall(pattern, page.read_text()) == []


def test_a_data_folder_that_is_not_there(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped --data is one line that names it, and no site is written."""
    site = tmp_path / "site"
    capsys.readouterr()
    missing = str(tmp_path / "nowhere")
    assert execute(["report", "--site", str(site), "--data", missing, str(result)]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert missing in said
    assert not site.exists()


def test_tasks_of_two_persons_with_one_id(photos: Path, result: Path, tmp_path: Path) -> None:
    """Each result has the pictures of its own folder."""
    other = tmp_path / "other/photos"
    shutil.copytree(photos, other)
    for place, path in enumerate(sorted(other.rglob("*.avif"))):
        Image.new("RGB", (40 + place, 40), (200, 10, 10)).save(path)
    run(other, tmp_path / "b")
    site = tmp_path / "site"
    assert execute(["report", "--site", str(site), str(result), str(tmp_path / "b")]) == 0
    assert sorted(path.name for path in (site / "images").iterdir()) == ["photos", "photos-2"]
    red = next((site / "images/photos-2").iterdir())
    assert Image.open(red).getpixel((56, 56))[0] > 150


def test_a_picture_of_a_further_format(result: Path) -> None:
    """The page of a run shows it."""
    assert "data:image/jpeg" in (result / "report.html").read_text()


def test_pixels_of_a_further_format_are_compared(
    photos: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: by how much two copies of an AVIF differ can be measured."""
    moved, other = tmp_path / "moved/photos", tmp_path / "b"
    shutil.copytree(photos, moved)
    first = min(moved.rglob("*.avif"))
    Image.open(first).rotate(180).save(first)
    run(moved, other)
    capsys.readouterr()
    against = ["--against", str(other), "--against-data", str(moved.parent)]
    assert execute(["verify", str(result), "--data", str(photos), *against]) == 6
    said = capsys.readouterr().out
    assert "the largest difference is" in said
    assert "does not have the images of the run" not in said
