"""The probe of one task fails after hours of embedding: the others keep their results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backbones import MeanColour
from drawn import draw_table, write_task

from biobench import load_results
from biobench.curve import learning_curve
from biobench.errors import BiobenchError, DataError, ModelError
from biobench.pipeline import Options, run
from biobench.probe import stored

KINDS = ("classes", "groups")
ERRORS = [
    DataError("the covariance has no inverse", where="groups"),
    ModelError("the features are all zero", where="groups: a.png"),
    BiobenchError("the fit stops short", where="groups"),
    ZeroDivisionError("a fault of ours"),
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Options:
    folder = tmp_path_factory.mktemp("fails")
    draw_table(folder / "data" / "drawn", 6, 2)
    tasks = tuple(write_task(folder, kind) for kind in KINDS)
    return Options(
        model=MeanColour(), tasks=tasks, data=folder / "data", store=folder / "store", workers=1
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """Errors of probes by task; to be filled."""
    errors: dict[str, Exception] = {}
    probe = stored.run_probe

    def run_probe(task: Any, *rest: Any, **options: Any) -> Any:
        if task.id in errors:
            raise errors[task.id]
        return probe(task, *rest, **options)

    monkeypatch.setattr(stored, "run_probe", run_probe)
    return errors


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("failed", KINDS)
def test_the_others_are_written(
    failed: str,
    error: Exception,
    asked: Options,
    failing: dict[str, Exception],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whichever task it is, and whatever happens there: the error comes once they are."""
    failing[failed] = error
    with pytest.raises(type(error)) as caught:
        run(replace(asked, store=tmp_path / "store", out=tmp_path))
    assert caught.value is error
    (other,) = set(KINDS) - {failed}
    found = load_results(tmp_path)
    assert list(found.tasks) == [other]
    assert len(found.predictions(other).ids) == found.tasks[other]["counts"]["test"]
    said = capsys.readouterr().err
    assert f"biobench: {failed} is not scored, the run goes on: " in said
    assert f"what was scored is in {tmp_path}" in said


def test_a_task_of_the_suite_counts_as_not_run(
    failing: dict[str, Exception], tmp_path: Path
) -> None:
    """No mean, and the reason is there."""
    failing["demo-fungiclef"] = ERRORS[0]
    demo = Options(
        model=MeanColour(), tasks=("demo-beluga", "demo-fungiclef"), out=tmp_path,
        store=tmp_path / "store", quiet=True,
    )  # fmt: skip
    with pytest.raises(DataError):
        run(demo)
    document = load_results(tmp_path).document
    assert (document["suite"], document["mean"]) == ("demo", None)
    (reason,) = (r for r in document["unofficial_reasons"] if r.startswith("tasks not run: "))
    assert "demo-fungiclef" in reason
    assert "demo-beluga" not in reason


def test_where_all_fail_nothing_is_written(
    asked: Options, failing: dict[str, Exception], tmp_path: Path
) -> None:
    """The first error alone."""
    failing |= {"classes": ERRORS[1], "groups": ERRORS[0]}
    for call in (run, lambda options: learning_curve(options, (2, None))):
        with pytest.raises(ModelError):
            call(replace(asked, store=tmp_path / "store", out=tmp_path / "out"))
        assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_curve_keeps_its_other_cells(
    asked: Options, failing: dict[str, Exception], tmp_path: Path
) -> None:
    """What is no refusal of a sample ends the command with its exit code, once all is written."""
    failing["groups"] = ERRORS[1]
    with pytest.raises(ModelError):
        learning_curve(replace(asked, store=tmp_path / "store", out=tmp_path), (2, None))
    document = json.loads((tmp_path / "curve.json").read_text())
    assert [cell["reason"] for cell in document["tasks"]["groups"]["cells"]] == [
        "the features are all zero"
    ] * 2
    assert all(cell["score"] is not None for cell in document["tasks"]["classes"]["cells"])
    assert list(load_results(tmp_path / "all").tasks) == ["classes"]
