"""A result's numbers are those of the model whose name it states, not of the one in its command."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import pytest
from small_runs import Made
from tampering import resealed

from biobench import Results
from biobench.cli import execute
from biobench.spec.load import load_spec
from biobench.verify.document import check_model
from biobench.verify.findings import Finding
from biobench.verify.loaded_model import check_loaded, model_to_load

pytestmark = pytest.mark.slow

OTHER = "timm:vit_large_patch14_dinov2.lvd142m"


def named(made: Made, name: str) -> Results:
    document = copy.deepcopy(made.results.document)
    document["model"]["name"] = name
    return Results(document)


def chosen(made: Made, name: str, recorded: str | None, given: str | None = None) -> str:
    """The model that is loaded for a result of ``name`` whose command has another one."""
    said = {"model": None if recorded is None else [recorded]}
    return model_to_load(named(made, name), said, given, load_spec())


def test_the_recorded_command_names_no_other_model(exact: Made) -> None:
    """It tells where the folder of the stated name lies, and nothing else."""
    assert chosen(exact, OTHER, "demo") == OTHER
    assert chosen(exact, OTHER, "py:os:system") == OTHER
    assert chosen(exact, OTHER, "no such name") == OTHER
    assert chosen(exact, OTHER, None) == OTHER
    assert chosen(exact, "hf:./near", "hf:/a/far") == "hf:./near"
    assert chosen(exact, "hf:./far", "hf:/a/far") == "hf:/a/far"
    assert chosen(exact, "demo", "demo") == "demo"
    assert chosen(exact, OTHER, "demo", "hf:./mine") == "hf:./mine"


def test_a_result_under_the_name_of_another_model(exact: Made, tmp_path: Path) -> None:
    """Everything fits but the name, and the command records the model that made it."""
    out = tmp_path / "out"
    shutil.copytree(exact.out, out)
    document = json.loads((out / "results.json").read_text())
    document["model"] |= {"name": "hf:a/b", "resolved": "hf:a/b", "source": "hub", "revision": None}
    document["model"] |= {"revision_sources": None, "training_data": None, "overlap": []}
    document["run"]["argv"] = ["biobench", "run", "--model", "demo"]
    (out / "results.json").write_text(json.dumps(resealed(document, exact), indent=2))
    assert execute(["verify", str(out)]) == 0
    store = ["--store", str(exact.folder / "store")]
    assert execute(["verify", str(out), *store, "--sample", "5", "--offline"]) == 5
    # A person who says which model it is hears that its name is a claim.
    assert execute(["verify", str(out), *store, "--sample", "5", "--model", "demo"]) == 0


@pytest.mark.parametrize("field", ["name", "resolved", "source", "program"])
def test_another_model_was_loaded(field: str, exact: Made) -> None:
    stated = exact.results.document["model"]
    loaded = {**stated, field: "another"}
    assert [finding.holds for finding in check_loaded(stated, stated, given=False)] == [True]
    assert False in [finding.holds for finding in check_loaded(stated, loaded, given=False)]
    outcome = [finding.holds for finding in check_loaded(stated, loaded, given=True)]
    assert outcome == ([True, False] if field == "program" else [None])


def test_a_name_leads_to_one_model(exact: Made) -> None:
    """The full name beside a short one is that of the list."""

    def found(results: Results) -> list[Finding]:
        return list(check_model(results, load_spec()))

    assert found(exact.results) == []
    document = copy.deepcopy(exact.results.document)
    document["model"]["resolved"] = OTHER
    (finding,) = found(Results(document))
    assert (finding.stage, finding.holds) == ("spec", False)
    assert "its name leads to 'timm:tf_efficientnet_lite0'" in finding.text
