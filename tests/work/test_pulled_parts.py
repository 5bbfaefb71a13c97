"""Workers over pulled features: a sample is embedded again, and the result is that of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biobench.cli import execute

pytestmark = pytest.mark.slow

TASK = "demo-beluga"


def test_a_worker_looks_at_what_was_pulled(
    small_program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It embeds a sample of each part and nothing else, says so, and scores as its source did."""
    own, other, place = (str(tmp_path / name) for name in ("own", "other", "place"))
    plan, alone, out = (tmp_path / name for name in ("plan.json", "alone", "out"))
    model = ["--model", small_program, "--task", TASK]
    assert execute(["run", *model, "--store", own, "--out", str(alone), "--no-pictures"]) == 0
    assert execute(["store", "push", place, "--store", own]) == 0
    assert execute(["store", "pull", place, "--store", other, "--sample", "3"]) == 0
    assert execute(["plan", *model, "--store", other, "--out", str(plan)]) == 0
    capsys.readouterr()
    assert execute(["work", str(plan), "--store", other, "--out", str(out), "--no-pictures"]) == 0
    said = capsys.readouterr()
    assert f"{TASK}: 3 of 142 images with pulled features embedded again, equal" in said.err
    assert "(0 images embedded)" in said.out
    results = [next(f.rglob("results.json")) for f in (alone, out)]
    first, second = (json.loads(path.read_text())["tasks"] for path in results)
    assert first[TASK]["digests"] == second[TASK]["digests"]
