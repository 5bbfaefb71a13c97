"""A site of scores that were imported: nothing was run here, and the pages say so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from upstream_file import NINE, upstream_file

from biobench.cli import execute
from biobench.report.result_document import result_digest
from biobench.report.results import Results

pytestmark = pytest.mark.slow


def test_a_site_of_the_published_models(tmp_path: Path) -> None:
    """Each model and task has a page; without intervals, costs and predictions nothing speaks of
    them, and each page says that nothing of it can be verified."""
    source, file, site = tmp_path / "results.json", tmp_path / "X.json", tmp_path / "site"
    source.write_text(json.dumps(upstream_file()))
    assert execute(["import", str(source), "--out", str(file)]) == 0
    assert execute(["report", "--site", str(site), str(file)]) == 0
    models = sorted((site / "models").iterdir())
    tasks = sorted((site / "tasks").iterdir())
    assert len(models) == 14
    assert [path.name for path in tasks] == sorted(f"0-{t}.html" for t in (*NINE, "imagenet1k"))
    for path in (site / "index.html", *models, *tasks):
        page = path.read_text()
        assert "nothing of it can be verified" in page
        for word in (
            "95% interval",
            "of the same kind",
            ">seconds",
            "Where it ran",
            "press a score",
        ):
            assert word not in page, path.name
        for link in re.findall(r'href="([^"#]+)', page):
            assert link.startswith("https://") or (path.parent / link).is_file(), link
    index = (site / "index.html").read_text()
    assert "<option>F</option>" in index
    assert " d<" not in index
    assert index.count('data-row="') == 14
    # A task's words are the specification's, although it was not run.
    assert "Camera traps at new places" in (site / "tasks/0-iwildcam.html").read_text()


def test_imported_results_beside_one_that_was_run(repository: Path, tmp_path: Path) -> None:
    """They stand in tables of their own, and only what was run links to its check."""
    source, run, site = tmp_path / "results.json", tmp_path / "run", tmp_path / "site"
    source.write_text(json.dumps(upstream_file(models=3)))
    document = json.loads((repository / "tests/spec/results.json").read_text())
    document["run"]["wall_s"] = 1.0
    document["digests"]["result"] = result_digest(document)
    Results(document).save(run)
    assert execute(["report", "--site", str(site), str(run), str(source)]) == 0
    index = (site / "index.html").read_text()
    assert index.count('<section class="table"') == 2
    first, second = index.split('<section class="table"')[1:]
    assert "#check-" in first
    assert "seconds of the run" in first
    assert "#check-" not in second
    assert "seconds of the run" not in second
