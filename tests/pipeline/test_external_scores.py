"""Published scores that stand in for running imagenet1k: marked, sourced, and out of the mean."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from backbones import MeanColour
from drawn import draw, draw_folders
from rich.console import Console

from biobench import Results, evaluate
from biobench.errors import UsageError
from biobench.pipeline import run
from biobench.report.result_document import result_digest
from biobench.report.result_page import render_page
from biobench.report.table import print_results
from biobench.run.external_scores import Declaration, read_declarations
from biobench.run.options import Options
from biobench.run.plan import plan
from biobench.spec.canonical import sha256_json
from biobench.spec.load import load_spec

SAID = Declaration("imagenet1k", 0.812, "the model's paper, table 3")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """The data of a task of the benchmark and of two of the prior work's three."""
    root = tmp_path_factory.mktemp("declared")
    draw_folders(root / "data/plankton", {"train": 4, "val": 2})
    draw_folders(root / "data/inat21", {"train_mini": 4, "val": 2})
    rows = ["id,task,label,split"]
    for split, label, i in (("train", 0, 0), ("train", 1, 1), ("test", 0, 2), ("test", 1, 3)):
        draw(root / f"data/newt/newt2021_images/{i}.jpg", i, label)
        rows.append(f"{i},age,{label},{split}")
    (root / "data/newt/newt2021_labels.csv").write_text("\n".join(rows))
    return Options(
        model=MeanColour(), data=root / "data", store=root / "store", out=root / "out",
        workers=2, quiet=True, declare=(SAID,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def prior_work(asked: Options) -> Results:
    return run(replace(asked, suite="prior-work"))


@pytest.fixture(scope="module")
def plankton(asked: Options) -> Results:
    return run(replace(asked, tasks=("plankton",), out=None, save=False))


def validate(results: Results, repository: Path) -> None:
    schema = json.loads((repository / "spec/v1/schema/results.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(results.document)
    assert results.digests["result"] == result_digest(results.document)


def test_the_entry_says_that_nothing_was_run(prior_work: Results, repository: Path) -> None:
    """Score, metric and source; of the digests that of the score alone."""
    validate(prior_work, repository)
    assert list(prior_work.tasks) == ["imagenet1k", "inat21", "newt"]
    entry = prior_work.tasks["imagenet1k"]
    score = {"score": 0.812, "interval": None, "no_interval": "declared", "clusters": None}
    score |= {"metrics": {"accuracy": 0.812}}
    assert entry == {
        "version": 1,
        "protocol": None,
        "metric": "accuracy",
        "higher_is_better": True,
        **score,
        "cluster_unit": None,
        "counts": None,
        "declared": True,
        "source": "the model's paper, table 3",
        "errata": [],
        "predictions": None,
        "digests": {"score": sha256_json(score)},
        "cost": None,
    }
    assert not any(prior_work.tasks[task]["declared"] for task in ("inat21", "newt"))
    assert "source" not in prior_work.tasks["newt"]


def test_a_mean_of_prior_work_names_what_is_declared(prior_work: Results) -> None:
    """It has the declared score, without bounds, and says so; nothing counts as not run."""
    scores = [entry["score"] for entry in prior_work.tasks.values()]
    mean = prior_work.mean
    assert mean is not None
    assert mean["score"] == ((scores[0] + scores[1]) + scores[2]) / 3
    assert (mean["low"], mean["tasks"], mean["declared"]) == (None, 3, ["imagenet1k"])
    reasons = prior_work.document["unofficial_reasons"]
    assert "declared, not run: imagenet1k" in reasons
    assert not any("tasks not run" in reason for reason in reasons)


def test_beside_the_benchmark_it_changes_nothing(
    plankton: Results, asked: Options, repository: Path
) -> None:
    """Reasons, roots and mean are those of the run without it; only the result's digest moves."""
    validate(plankton, repository)
    assert list(plankton.tasks) == ["plankton", "imagenet1k"]
    bare = run(replace(asked, tasks=("plankton",), declare=(), save=False))
    for key in ("suite", "mean", "unofficial_reasons", "levels"):
        assert plankton.document[key] == bare.document[key]
    same = {name: digest for name, digest in plankton.digests.items() if name != "result"}
    assert same == {name: digest for name, digest in bare.digests.items() if name != "result"}
    assert plankton.digests["result"] != bare.digests["result"]


def test_it_never_enters_the_benchmarks_mean() -> None:
    """No member of the suite can be declared."""
    spec = load_spec()
    assert [id for id in spec.task_ids() if spec.task(id).declarable] == ["imagenet1k"]
    assert "imagenet1k" not in spec.suites["biobench"].members


def test_table_and_page_mark_it(prior_work: Results) -> None:
    """Whoever reads the score reads that it is declared, and from where."""
    out = io.StringIO()
    print_results(prior_work, Console(file=out, width=100))
    lines = out.getvalue().splitlines()
    assert any("imagenet1k" in line and "0.8120" in line and "declared" in line for line in lines)
    assert any("not run" in line and "table 3" in line for line in lines)
    assert any(line.startswith(" mean") and "declared in part" in line for line in lines)
    page = render_page(prior_work)
    assert "imagenet1k was not run: its score is declared, from the model&#39;s paper" in page
    assert "The mean has it." in page
    assert page.count('class="declared"') == 2


def test_the_frame_and_the_predictions(prior_work: Results, asked: Options) -> None:
    """Notebooks see the mark; nobody can compare predictions that do not exist."""
    frame = prior_work.to_frame()
    assert list(frame["declared"]) == [True, False, False]
    with pytest.raises(UsageError, match=r"imagenet1k is declared.*table 3"):
        prior_work.predictions("imagenet1k")
    # Another run in the same folder takes the place of this one.
    again = run(replace(asked, suite="prior-work"))
    assert again.digests == prior_work.digests


def test_from_python(asked: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping from the task to its score and source."""
    monkeypatch.setenv("BIOBENCH_STORE", str(asked.store))
    results = evaluate(
        MeanColour(), "newt", data=asked.data, declare={"imagenet1k": (0.5, "somewhere")}
    )
    assert results.document["suite"] == "prior-work"
    assert results.tasks["imagenet1k"]["source"] == "somewhere"
    assert "tasks not run: inat21" in results.document["unofficial_reasons"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"declare": (replace(SAID, task="plankton"),)}, "has to be run.*imagenet1k"),
        ({"declare": (replace(SAID, task="imagenet"),)}, "no task 'imagenet'.*imagenet1k"),
        ({"declare": (replace(SAID, score=81.2),)}, "81.2 is not a fraction"),
        ({"declare": (replace(SAID, score=float("nan")),)}, "not a fraction"),
        ({"declare": (replace(SAID, source="  "),)}, "no source"),
        ({"declare": (SAID, SAID)}, "declared twice"),
        ({"tasks": ("imagenet1k",)}, "named and declared"),
        ({"n_train": 3}, "whole train split"),
        ({"suite": "demo"}, "suite demo has no task imagenet1k; .*--suite prior-work or biobench"),
        ({"tasks": ("demo-plankton",)}, "suite demo has no task imagenet1k"),
        ({"data": None}, "suite demo has no task imagenet1k"),  # no data: the demo suite is taken
    ],
)
def test_what_cannot_be_declared(changes: dict[str, Any], words: str, asked: Options) -> None:
    """Wrong arguments, each with what to do."""
    base = replace(asked, suite=None if changes.keys() & {"tasks", "data"} else "prior-work")
    with pytest.raises(UsageError, match=words) as caught:
        plan(replace(base, **changes))
    assert caught.value.exit_code == 2


def test_declarations_as_they_are_typed() -> None:
    """TASK=SCORE, each with a source."""
    assert read_declarations(["imagenet1k=0.812"], ["a paper"]) == (
        Declaration("imagenet1k", 0.812, "a paper"),
    )
    for given, sources, words in (
        (["imagenet1k=0.812"], [], "1 --declare with 0 --source"),
        ([], ["a paper"], "0 --declare with 1 --source"),
        (["imagenet1k"], ["a paper"], "is not TASK=SCORE"),
        (["imagenet1k="], ["a paper"], "is not TASK=SCORE"),
        (["imagenet1k=81%"], ["a paper"], "is not TASK=SCORE"),
    ):
        with pytest.raises(UsageError, match=words):
            read_declarations(given, sources)
