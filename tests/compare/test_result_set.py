"""Sets of results: what is drawn together can be compared, and every failure is kept."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from biobench import ResultSet
from biobench.errors import UsageError
from biobench.report.results import Results

TASK = "demo-beluga"


def result(template: dict[str, Any], name: str, **changes: Any) -> Results:
    """A result of one task; ``changes`` are members of the document."""
    document = copy.deepcopy(template) | copy.deepcopy(changes)
    document["model"]["name"] = name
    return Results(document)


def of_task(template: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The tasks of a document with something else of its task, such as another version."""
    return {TASK: {**copy.deepcopy(template["tasks"][TASK]), **changes}}


def others(template: dict[str, Any]) -> dict[str, tuple[Results, str]]:
    """By what sets it apart a result that cannot share a drawing, and the words of the reason."""
    digests = {**template["tasks"][TASK]["digests"], "manifest": "sha256:" + "0" * 64}
    version = of_task(template, version="7.0.0")
    return {
        "division": (result(template, "b", division="compat"), "division compat, not official"),
        "version": (result(template, "b", tasks=version), f"version 7.0.0 of task {TASK}"),
        "data": (result(template, "b", tasks=of_task(template, digests=digests)), "other data of"),
        "protocol": (
            result(template, "b", tasks=of_task(template, protocol="svm")),
            f"protocol svm of task {TASK}, not ",
        ),
        "metric": (
            result(template, "b", tasks=of_task(template, metric="other")),
            f"metric other of task {TASK}, not ",
        ),
    }


@pytest.mark.parametrize("apart", ["division", "version", "data", "protocol", "metric"])
@pytest.mark.parametrize("task", [None, TASK])
def test_results_that_cannot_be_compared_are_not_drawn_together(
    template: dict[str, Any], apart: str, task: str | None
) -> None:
    """A sorted drawing says which is better; of other data or another division nobody can."""
    other, words = others(template)[apart]
    mixed = ResultSet([result(template, "a"), other])
    with pytest.raises(UsageError, match=words) as caught:
        mixed.plot(task)
    assert "model b cannot be drawn beside a" in str(caught.value)
    ResultSet([other]).plot(task)


def test_a_task_that_agrees_is_drawn_by_itself(template: dict[str, Any]) -> None:
    """Other data of one task keep nobody from drawing another, also of another suite."""
    more = {"demo-plankton": template["tasks"][TASK]}
    (version,) = of_task(template, version="7.0.0").values()
    one = result(template, "a", tasks={**template["tasks"], **more})
    other = result(template, "b", tasks={TASK: version, **more}, suite=None)
    found = ResultSet([one, other])
    assert found.plot("demo-plankton")._repr_svg_().count("<circle") == 2
    with pytest.raises(UsageError, match="version"):
        found.plot(TASK)
