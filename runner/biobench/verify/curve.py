"""The checks of a learning curve: each size is a result, and the curve must agree with them.

In: curve.json and the folders of its sizes. Out: the results, and findings about the curve itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biobench.report.curve import size_folder
from biobench.report.results import FILE as RESULTS
from biobench.report.results import Results, load_results
from biobench.spec.load import Spec
from biobench.verify.document import check_form
from biobench.verify.findings import Finding, Report
from biobench.verify.load import CurveFile

_SHARED = ("biobench", "spec", "suite", "division")
_MODEL = ("name", "resolved", "revision", "weights")
_TASK = ("version", "metric", "higher_is_better", "cluster_unit")


def check_curve(curve: CurveFile, spec: Spec) -> tuple[Report, dict[str, Results]]:
    """The curve's own report, and its results by the name of their folder.

    Raises:
        DataError: The result of a size cannot be read.
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
        name = size_folder(size["n_train"])
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
    """A size without a result, of which only its cells tell why."""
    size = document["sizes"][i]
    if size["digest"] is not None or size["mean"] is not None:
        yield Finding("result", False, f"{name} has a digest or a mean and no result")
    for task, entry in document["tasks"].items():
        if len(entry["cells"]) != len(document["sizes"]):
            yield Finding("document", False, "has not one cell for each size", task)
        elif any(entry["cells"][i][key] is not None for key in ("score", "low", "high", "train")):
            yield Finding("result", False, f"{name} has scores and no result", task)
        elif entry["cells"][i] != _empty_cell(size["n_train"], entry["cells"][i]):
            yield Finding("result", False, f"its cell at {name} is not one without a score", task)


def _empty_cell(n_train: int | None, cell: Mapping[str, Any]) -> dict[str, Any]:
    """The cell of a task without a score; its reason is only in the curve, and there is one."""
    empty: dict[str, Any] = dict.fromkeys(("train", "score", "low", "high"))
    return {"n_train": n_train, **empty, "reason": cell["reason"] or "none"}


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
    for task in results.tasks:
        if task not in document["tasks"]:
            yield Finding("result", False, f"{name} has this task and the curve has not", task)
    for task, entry in document["tasks"].items():
        scored = results.tasks.get(task)
        if isinstance(scored, dict):
            for key in (key for key in _TASK if entry[key] != scored.get(key)):
                yield Finding("result", False, f"its {key} is not that of {name}", task)
        if len(entry["cells"]) != len(document["sizes"]):
            yield Finding("document", False, "has not one cell for each size", task)
        elif entry["cells"][i] != _cell(size["n_train"], entry["cells"][i], results, task):
            yield Finding("result", False, f"its cell at {name} is not what the result says", task)


def _cell(
    n_train: int | None, cell: Mapping[str, Any], results: Results, task: str
) -> dict[str, Any]:
    """The cell that a result makes."""
    found = results.tasks.get(task)
    if not isinstance(found, dict):
        return _empty_cell(n_train, cell)
    interval = found.get("interval") or {"low": None, "high": None}
    return {
        "n_train": n_train,
        "train": (found.get("counts") or {}).get("train"),
        "score": found.get("score"),
        "low": interval["low"],
        "high": interval["high"],
        "reason": None,
    }
