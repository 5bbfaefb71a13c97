"""Results whose micro-batches memory had no room for: what verify allows, and what it repeats."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
from drawn import draw_table, write_task
from small_runs import Made, make, options_of
from tampering import own_tasks, resealed

from biobench import Results
from biobench.spec.load import load_spec
from biobench.verify.document import check_levels
from biobench.verify.rerun import RerunOptions, options_again
from biobench.verify.rules import suite_of, task_rules

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A run by torch with micro-batches of 16 rows."""
    folder = tmp_path_factory.mktemp("halved")
    draw_table(folder / "data" / "drawn", 12, 4)
    options = options_of(folder, (write_task(folder, "observations"),))
    return make(folder, replace(options, micro_batch=16))


def test_a_halved_micro_batch_is_declared(halved: Made) -> None:
    """The result states it, as a reason too, and verify finds nothing wrong."""
    document = halved.results.document
    assert document["model"]["micro_batch"] == 16
    reason = "micro-batches of 16 rows, which is no size of the specification"
    assert reason in document["unofficial_reasons"]
    assert halved.verify().holds


@pytest.mark.parametrize(("size", "allowed"), [(32, True), (1, True), (24, False), (64, False)])
def test_sizes_that_a_run_can_have(size: int, allowed: bool, halved: Made) -> None:
    """The suite's and its halves, on a CPU of 32 rows."""
    spec = load_spec()
    document = copy.deepcopy(halved.results.document)
    document["model"]["micro_batch"] = size
    results = Results(resealed(document, halved), halved.out)
    rules, _ = task_rules(results, spec, own_tasks(halved))
    suite = suite_of(results, spec)
    assert suite is not None
    faults = [f.text for f in check_levels(results, rules, spec, suite) if f.holds is False]
    assert faults == ([] if allowed else [f"micro_batch is {size}, and that of the suite is 32"])


def test_a_rerun_has_the_size_of_the_result(halved: Made) -> None:
    """So that level E can be compared where memory has room for more."""
    own = {"observations": halved.folder / "observations.yaml"}
    given = RerunOptions(Path(), "demo", None, own, 1, True, True)
    assert options_again(halved.results, {}, given, load_spec()).micro_batch == 16
