"""The checks of a learning curve: each size is a result, and the curve must agree with them.

In: curve.json and the folders of its sizes. Out: the results, and findings about the curve itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biobench.report.curve import folder_name
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results, load_results
from biobench.spec.load import Spec
from biobench.verify.document import check_form
from biobench.verify.findings import Finding, Report
from biobench.verify.load import CurveFile

_SHARED = ("biobench", "spec", "suite", "division")
_MODEL = ("name", "resolved", "revision", "weights")


def check_curve(curve: CurveFile, spec: Spec) -> tuple[Report, dict[str, Results]]:
    """The curve's own report, and its results by the name of their folder.

    Raises DataError where the result of a size cannot be read.
    """
    form = check_form(curve.document, spec, "curve")
    if not form[0].holds:
        return Report(tuple(form), {}, {}), {}
    results: dict[str, Results] = {}
    findings = list(form)
    sizes = [size["n_train"] for size in curve.document["sizes"]]
    if sizes != sorted(set(sizes), key=lambda n: (n is None, n or 0)):
        findings.append(Finding("result", False, "its sizes are not in ascending order, each once"))
    for i, size in enumerate(curve.document["sizes"]):
        name = folder_name(size["n_train"])
        if size["results"] is None:
            findings += _empty(curve.document, i, name)
        elif size["results"] != f"{name}/{RESULTS}":
            text = f"the result of {name} lies elsewhere: {size['results'][:80]}"
            findings.append(Finding("result", False, text))
        else:
            results[name] = load_results(curve.folder / name)
            findings += _size(curve.document, i, name, results[name])
    if not any(finding.holds is False for finding in findings):
        text = f"its {len(sizes)} sizes are those of their results"
        findings.append(Finding("result", True, text))
    return Report(tuple(findings), {}, {}), results


def _empty(document: Mapping[str, Any], i: int, name: str) -> Iterator[Finding]:
    if any(entry["cells"][i]["score"] is not None for entry in document["tasks"].values()):
        yield Finding("result", False, f"{name} has scores and no result")


def _size(document: Mapping[str, Any], i: int, name: str, results: Results) -> Iterator[Finding]:
    """Compare a size of the curve with its result. The result itself is checked as any other."""
    size, found = document["sizes"][i], results.document
    mean = results.mean and {key: results.mean.get(key) for key in ("score", "low", "high")}
    model = {key: found["model"].get(key) for key in _MODEL}
    same = (
        size["digest"] == results.digests.get("result")
        and size["n_train"] == found.get("n_train")
        and size["mean"] == mean
        and document["model"] == model
        and all(document[key] == found.get(key) for key in _SHARED)
    )
    if not same:
        yield Finding("result", False, f"{name} is not the result that the curve was made of")
    for task, entry in document["tasks"].items():
        if len(entry["cells"]) != len(document["sizes"]):
            yield Finding("document", False, "has not one cell for each size", task)
        elif entry["cells"][i] != _cell(size["n_train"], entry["cells"][i], results, task):
            yield Finding("result", False, f"its cell at {name} is not what the result says", task)


def _cell(
    n_train: int | None, cell: Mapping[str, Any], results: Results, task: str
) -> dict[str, Any]:
    """The cell that a result makes; the reason of an empty cell is only in the curve."""
    found = results.tasks.get(task)
    if not isinstance(found, dict):
        empty: dict[str, Any] = dict.fromkeys(("train", "score", "low", "high"))
        return {"n_train": n_train, **empty, "reason": cell["reason"] or "none"}
    interval = found.get("interval") or {"low": None, "high": None}
    return {
        "n_train": n_train,
        "train": (found.get("counts") or {}).get("train"),
        "score": found.get("score"),
        "low": interval["low"],
        "high": interval["high"],
        "reason": None,
    }
