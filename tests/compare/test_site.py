"""A site of results: which stand apart, what it may replace, and that names are text."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biobench.cli import execute
from biobench.compare.groups import groups_of
from biobench.compare.site.disagreements import contradicted
from biobench.compare.site.rows import family, ranks, size_class
from biobench.data.predictions import Predictions
from biobench.report.result_document import result_digest
from biobench.report.results import Results


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((repository / "tests/spec/results.json").read_text())
    return value


def changed(document: dict[str, Any], **values: Any) -> Results:
    """A result with other values at its top, or in its first task."""
    other = copy.deepcopy(document)
    task = next(iter(other["tasks"].values()))
    for name, value in values.items():
        if name == "manifest":
            task["digests"]["manifest"] = value
        elif name == "version":
            task["version"] = value
        elif name == "name":
            other["model"]["name"] = value
        else:
            other[name] = value
    other["digests"]["result"] = result_digest(other)
    return Results(other)


def save(result: Results, folder: Path) -> str:
    result.save(folder)
    return str(folder)


def test_what_stands_apart(document: dict[str, Any]) -> None:
    """Another division, suite, version or list of images is another table, with its reason."""
    plain = changed(document)
    others = {
        "division compat": changed(document, division="compat"),
        "suite biobench": changed(document, suite="biobench"),
        "version 9 of task": changed(document, version=9),
        "other data of task": changed(document, manifest="sha256:" + "1" * 64),
    }
    found = groups_of([plain, *others.values(), changed(document, name="second")])
    assert [len(group.results) for group in found] == [2, 1, 1, 1, 1]
    assert found[0].reason is None
    for group, reason in zip(found[1:], others, strict=True):
        assert reason in str(group.reason)


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        ("hf:google/siglip2-large-patch16-256", "siglip2"),
        ("timm:tf_efficientnet_lite0", "efficientnet"),
        ("open_clip:ViT-B-16/laion2b_s34b_b88k", "vit"),
        ("py:package.module:Class", "package"),
        ("hf:./-", "other"),
        ("timm:./best.pth#vit_tiny_patch16_224", "vit"),
        ("open_clip:./x.pt#ViT-B-32", "vit"),
    ],
)
def test_families(resolved: str, expected: str) -> None:
    """A family is the first word of a model's own name."""
    assert family(resolved) == expected


def test_sizes_and_ranks(document: dict[str, Any]) -> None:
    """Bounds of sizes belong to the upper class; equal scores share a rank."""
    assert [size_class(n) for n in (None, 29_999_999, 30_000_000, 10**9)] == [
        "unknown", "below 30 M", "30 to 100 M", "400 M and more",
    ]  # fmt: skip
    results = [changed(document) for _ in range(3)]
    task = next(iter(document["tasks"]))
    for result, score in zip(results, (0.5, 0.7, 0.5), strict=True):
        result.tasks[task]["score"] = score
    assert [rank for _, _, rank in ranks(results, ["a", "b", "c"], task)] == [2, 1, 2]


def test_labels_that_all_contradict() -> None:
    """An item is a candidate where every model gives it one wrong label."""

    def one(*labels: int) -> Predictions:
        ids = tuple("abcd")
        return Predictions(ids, np.zeros(4, np.int32), np.array(labels, np.int32))

    assert contradicted([one(1, 1, 2, 0), one(1, 2, 2, 0), one(1, 1, 2, 1)]) == [0, 2]
    assert contradicted([one(1, 1, 1, 1)]) == []


def test_it_is_written_and_replaced(document: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    """A site without predictions has its pages and says what is missing; it replaces a site, and
    nothing else; one result that cannot be read costs the others nothing."""
    name = '<img src=x onerror="alert(1)"> \u202e'
    a = save(changed(document, name=name), tmp_path / "a")
    b = save(changed(document, division="compat"), tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/results.json").write_text(
        json.dumps(document | {"schema": "biobench.results/9"})
    )
    site = tmp_path / "site"
    assert execute(["report", a, b, a, "--site", str(site)]) == 0
    text = (site / "index.html").read_text()
    assert "division compat, not official" in text
    assert len(list((site / "models").iterdir())) == 2
    for path in site.rglob("*.html"):
        page = path.read_text()
        assert "<img" not in page
        assert "\u202e" not in page
        assert "script-src 'self'" in page.replace("&#39;", "'")
        assert not re.search(r"<script>|<style|\son[a-z]+=\"", page)
    assert "cannot be read" in next((site / "models").glob("img*.html")).read_text()
    capsys.readouterr()
    assert execute(["report", a, str(tmp_path / "c"), "--site", str(site)]) == 3
    assert "results/9" in capsys.readouterr().err
    assert len(list((site / "models").iterdir())) == 1
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("mine")
    assert execute(["report", a, "--site", str(own)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in own.iterdir()] == ["thesis.txt"]
    assert not list(tmp_path.glob(".biobench-site-*"))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0412, "0.041"), (1.0, "1"), (9.96, "10"), (154.2, "154")]
)
def test_no_small_cost_is_zero(
    seconds: float, shown: str, document: dict[str, Any], tmp_path: Path
) -> None:
    """A quick run took some time."""
    a = save(changed(document, run=document["run"] | {"wall_s": seconds}), tmp_path / "a")
    assert execute(["report", a, "--site", str(tmp_path / "site")]) == 0
    text = (tmp_path / "site/index.html").read_text()
    assert re.findall(r'data-head="seconds">([^<]*)<', text) == [shown]


def test_a_file_and_a_link(document: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    """A file is refused and stays; a link stays a link, and what it leads to becomes the site."""
    result = save(changed(document), tmp_path / "a")
    file, link, real = tmp_path / "file", tmp_path / "link", tmp_path / "real"
    file.write_text("mine")
    assert execute(["report", result, "--site", str(file)]) == 2
    assert f"{file}: is a file; give --site a folder" in capsys.readouterr().err
    assert file.read_text() == "mine"
    real.mkdir()
    link.symlink_to("real")
    for _ in range(2):
        assert execute(["report", result, "--site", str(link)]) == 0
        assert link.is_symlink()
        assert (real / "index.html").is_file()


@pytest.mark.parametrize("options", [["--json"], ["--csv"], []], ids=["json", "csv", "no site"])
def test_options_that_exclude_each_other(options: list[str], tmp_path: Path, capsys: Any) -> None:
    """A wrong combination is exit 2 with one line, before any file is read."""
    more = ["--site", str(tmp_path / "site"), *options] if options else ["--no-pictures"]
    assert execute(["report", str(tmp_path / "nothing"), *more]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
