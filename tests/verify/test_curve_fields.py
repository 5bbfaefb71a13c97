"""Every field of a learning curve is found out when it changes, or docs/verifying.md lists it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn import draw_table, write_task
from small_runs import Made, options_of
from test_fields import is_listed, other_values, page, place

from biobench.errors import BiobenchError
from biobench.pipeline import learning_curve
from biobench.report.curve import FILE
from biobench.spec.load import Spec, load_spec
from biobench.verify.curve import check_curve
from biobench.verify.load import CurveFile

pytestmark = pytest.mark.slow

Path_ = tuple[Any, ...]
SIZES = (1, 5, None)


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec()


@pytest.fixture(scope="module", params=[("clips", "groups"), ("clips",)])
def curve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One example a class is too few for the clips: an empty cell, and an empty size without the
    groups."""
    folder = tmp_path_factory.mktemp("curve")
    draw_table(folder / "data/drawn", 12, 4)
    asked = options_of(folder, tuple(write_task(folder, kind) for kind in request.param))
    learning_curve(asked, SIZES)
    return Made(folder, asked)


def claims() -> list[str]:
    """The fields of curve.json that the page lists."""
    text = page()
    table = text[text.index("Of a learning curve's `curve.json`") :].split("\n\n")[1]
    cells = [line.strip("|").split("|")[0] for line in table.splitlines()[2:]]
    return [name.strip().strip("`") for cell in cells for name in cell.split(",")]


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The place of everything in a document, the items of lists included."""
    if path:
        yield path
    items: Any = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        yield from leaves(inner, (*path, key))


def document_of(made: Made) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((made.out / FILE).read_text())
    return document


def holds(made: Made, document: dict[str, Any], spec: Spec) -> bool:
    """Return whether verify names no stage of the curve itself."""
    try:
        report, _ = check_curve(CurveFile(document, made.out), spec)
    except BiobenchError:
        return False
    return all(finding.holds is not False for finding in report.findings)


def believed(made: Made, spec: Spec) -> list[Path_]:
    """The fields whose change is not found out."""
    document = document_of(made)
    found = []
    for path in leaves(document):
        was = place(document, path)[path[-1]]
        for value in (*other_values(was), None):
            forged = copy.deepcopy(document)
            place(forged, path)[path[-1]] = value
            if forged != document and holds(made, forged, spec):
                found.append(path)
                break
    return found


def test_every_field_of_a_curve(curve: Made, spec: Spec) -> None:
    """A change that is not found out is a claim of the page; of a task without a score all is."""
    assert holds(curve, document_of(curve), spec)
    fields = claims()
    assert [path for path in believed(curve, spec) if not is_listed(path, fields)] == []


def test_every_claim_of_a_curve(curve: Made, spec: Spec) -> None:
    """A field that came to be found out leaves the list."""
    found = believed(curve, spec)
    idle = [field for field in claims() if not any(is_listed(path, [field]) for path in found)]
    assert idle == []


@pytest.mark.parametrize("key", ["version", "metric", "higher_is_better", "cluster_unit"])
def test_another_rule_of_a_task(curve: Made, spec: Spec, key: str) -> None:
    """The stage is named, with the field."""
    document = document_of(curve)
    entry = document["tasks"]["clips"]
    other = {
        "version": 7,
        "metric": "accuracy",
        "higher_is_better": False,
        "cluster_unit": "camera",
    }
    entry[key] = other[key]
    report, _ = check_curve(CurveFile(document, curve.out), spec)
    said = [f.text for f in report.findings if f.holds is False and f.task == "clips"]
    assert said == [f"its {key} is not that of {name}" for name in ("n-5", "all")]


def test_the_tasks_of_a_curve(curve: Made, spec: Spec) -> None:
    """One fewer than the results have, and one more."""
    document = document_of(curve)
    entry = document["tasks"].pop("clips")
    report, _ = check_curve(CurveFile(document, curve.out), spec)
    said = [finding.text for finding in report.findings if finding.holds is False]
    missing = "n-5 has this task and the curve has not"
    assert said
    assert missing in said or not document["tasks"]
    document["tasks"] = {"clips": entry, "more": entry, **document["tasks"]}
    assert not holds(curve, document, spec)
    del document["tasks"]["more"]
    assert holds(curve, document, spec)


def test_a_curve_elsewhere(tmp_path: Path, spec: Spec) -> None:
    """Its results lie beside it."""
    size = {"n_train": None, "results": "all/results.json", "digest": None, "mean": None}
    document = {"schema": "biobench.curve/1", "sizes": [size], "tasks": {}}
    assert not holds(Made(tmp_path, options_of(tmp_path, ())), document, spec)
