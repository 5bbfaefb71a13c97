"""`verify --sample`: any item can be computed again alone, and a forged one is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_runs import SAMPLED as TASK
from small_runs import Made
from tampering import resealed

from biobench.cli import execute
from biobench.data.manifest import Manifest
from biobench.embed.embedded import features_root, pixels_digest
from biobench.report.item_digests import STAGES, Stage, place_of
from biobench.spec.documents import Task
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow


def copied(exact: Made, folder: Path) -> Path:
    """The result of a run in another folder, to be forged."""
    out = folder / "out"
    for path in exact.out.rglob("*"):
        if path.is_file():
            place = out / path.relative_to(exact.out)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    return out


def forge(exact: Made, out: Path, stage: Stage, row: int) -> str:
    """Another digest of one row, and all that follows from it; returns the row's id."""
    file = out / place_of(TASK, stage)
    leaves = np.frombuffer(file.read_bytes(), np.uint8).reshape(-1, 32).copy()
    leaves[row] ^= 1
    file.write_bytes(leaves.tobytes())
    document = json.loads((out / "results.json").read_text())
    ids = row_ids(stage)
    root = pixels_digest if stage == "pixels" else features_root
    document["tasks"][TASK]["digests"][stage] = root(ids, leaves)
    (out / "results.json").write_text(json.dumps(resealed(document, exact), indent=2))
    return ids[row]


def manifest_of_task() -> Manifest:
    from biobench.data.build import build_manifest
    from biobench.data.locate import locate

    spec = load_spec()
    task = spec.task(TASK)
    root = locate(task, None, only_task=True)
    assert root is not None
    return build_manifest(task, root, spec.suites["demo"].seed)


def row_ids(stage: Stage) -> list[str]:
    manifest = manifest_of_task()
    return [row.id for row in (manifest.rows if stage == "pixels" else manifest.items.rows)]


def sample(exact: Made, out: Path, *more: str) -> int:
    """The exit code of the check; the store of the run has the program of the model."""
    store = ["--store", str(exact.folder / "store")]
    return execute(["verify", str(out), *store, "--sample", *more])


def test_all_items_of_an_honest_run(exact: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """With other batches than the run had: a row's features do not depend on them."""
    assert sample(exact, exact.out, "1000", "--workers", "1") == 0
    said = capsys.readouterr().out
    assert "decoded for the sample alone" in said
    count = len(row_ids("features"))
    assert f"{count} of {count} items embedded again, equal" in said
    assert "refuted" not in said


def test_a_manifest_is_built_once(exact: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a data set of millions of files the list takes minutes."""
    from biobench.verify import from_data

    built: list[str] = []
    build = from_data.build_manifest

    def counted(task: Task, *rest: Any) -> Manifest:
        built.append(task.id)
        return build(task, *rest)

    monkeypatch.setattr(from_data, "build_manifest", counted)
    assert sample(exact, exact.out, "5") == 0
    assert built == [TASK]


def test_what_a_part_of_them_proves(exact: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """Drawn anew each time, unless a seed is given."""
    seeds = set()
    for _ in range(2):
        assert sample(exact, exact.out, "10", "--json") == 0
        report = json.loads(capsys.readouterr().out)["checked"]["sample"]
        (finding,) = report["stages"]["features"]["findings"]
        assert "a forged share above 30.00% is refuted at 95 %" in finding["text"]
        assert finding["size"] == {"drawn": 10, "of": len(row_ids("features"))}
        seeds.add(finding["text"].partition("seed ")[2].partition(";")[0])
    assert len(seeds) == 2


def test_three_items_bound_no_share(exact: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """A share above 100 % says nothing."""
    assert sample(exact, exact.out, "3", "--json") == 0
    report = json.loads(capsys.readouterr().out)["checked"]["sample"]
    (finding,) = report["stages"]["features"]["findings"]
    assert finding["text"].startswith("3 of ")
    assert "refuted" not in finding["text"]


@pytest.mark.parametrize(("stage", "row"), [("features", 3), ("pixels", 7)])
def test_one_forged_row_is_found(
    exact: Made, tmp_path: Path, stage: Stage, row: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the name of its item, though everything else fits; a sample without it proves nothing."""
    out = copied(exact, tmp_path)
    name = forge(exact, out, stage, row)
    if stage == "features":
        # The images are here, so pixels need no sample.
        assert execute(["verify", str(out)]) == 0
    manifest = manifest_of_task()
    item, count = row, len(manifest.items.rows)
    if stage == "pixels":
        item = int(manifest.item_of_row[row])
    orders = {seed: Stream(seed, "verify/sample").permutation(count)[:5] for seed in range(2000)}
    without = next(seed for seed, drawn in orders.items() if item not in drawn)
    with_it = next(seed for seed, drawn in orders.items() if item in drawn)
    capsys.readouterr()
    assert sample(exact, out, "5", "--seed", str(with_it)) == 6
    said = capsys.readouterr()
    assert f"stage {stage}: " in said.err
    assert f"differ: {TASK} {name}" in said.out
    if stage == "features":
        assert sample(exact, out, "5", "--seed", str(without)) == 0


def test_digests_of_another_result(exact: Made, tmp_path: Path) -> None:
    """A file beside the result that is not what its digest was taken of; and none at all."""
    out = copied(exact, tmp_path)
    file = out / place_of(TASK, "features")
    whole = file.read_bytes()
    file.write_bytes(whole[32:] + whole[:32])
    assert execute(["verify", str(out)]) == 6
    file.write_bytes(whole[:-1])
    assert sample(exact, out, "5") == 2
    file.unlink()
    assert execute(["verify", str(out)]) == 0
    assert sample(exact, out, "5") == 2


def test_a_submission_has_them_too(exact: Made, tmp_path: Path) -> None:
    """The receiver needs nothing but the file, the images and the model."""
    path = tmp_path / "submission.tar"
    assert execute(["submit", str(exact.out), "--out", str(path)]) == 0
    assert sample(exact, path, "5") == 0


def test_another_model(exact: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its weights are named before any image is read."""
    out = copied(exact, tmp_path)
    document = json.loads((out / "results.json").read_text())
    document["model"]["weights"] = "sha256:" + "0" * 64
    (out / "results.json").write_text(json.dumps(resealed(document, exact), indent=2))
    assert sample(exact, out, "5") == 6
    assert "stage weights: its weights here" in capsys.readouterr().err


def test_what_has_no_sample(demo: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """Features by torch, and options without it."""
    for arguments in (["--sample", "5", "--model", "demo"], ["--seed", "5"], ["--model", "demo"]):
        assert execute(["verify", str(demo.out), *arguments]) == 2
    assert "torch computed its features" in capsys.readouterr().err


def test_a_result_without_evidence(
    exact: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the digests of its items, not the images, which are there."""
    out = copied(exact, tmp_path)
    for stage in STAGES:
        (out / place_of(TASK, stage)).unlink()
    capsys.readouterr()
    assert sample(exact, out, "5") == 2
    said = capsys.readouterr().err
    assert "--sample: nothing can be drawn: no digests of single" in said
    assert "--data" not in said
