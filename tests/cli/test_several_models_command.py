"""Several models on the command line: the table, one list of JSON, folders, and failures."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch

from biobench import ResultSet, load_results
from biobench.cli import execute
from biobench.run.options import Options
from biobench.run.out_folder import page_beside

pytestmark = pytest.mark.slow

TASK = "demo-plankton"
VIT, RESNET = "timm-vit.safetensors-test_vit", "timm-resnet.pt-test_resnet"


def biobench(*arguments: str) -> subprocess.CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = execute(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def weights(folder: Path) -> None:
    """Files of weights of two small architectures, and lists of models."""
    import timm
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    vit = timm.create_model("test_vit", pretrained=False).state_dict()
    resnet = timm.create_model("test_resnet", pretrained=False).state_dict()
    save_file(vit, folder / "vit.safetensors")
    torch.save({"state_dict": resnet}, folder / "resnet.pt")
    torch.save({k: v for k, v in vit.items() if k != "norm.weight"}, folder / "half.pt")
    entries = [
        {"model": f"timm:{folder}/vit.safetensors", "arch": "test_vit"},
        {"model": f"timm:{folder}/resnet.pt", "arch": "test_resnet"},
    ]
    (folder / "two.json").write_text(json.dumps(entries))
    wrong = [
        "no-such-model",
        entries[0],
        {"model": f"timm:{folder}/half.pt", "arch": "test_vit"},
        entries[1],
        entries[0],
    ]
    (folder / "wrong.json").write_text(json.dumps(wrong))


@pytest.fixture(scope="module")
def folder(made_once: Callable[..., Path]) -> Path:
    return made_once("weights", weights)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the tests of this file share."""
    return tmp_path_factory.mktemp("several")


def run(folder: Path, shared: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return biobench(
        "run", "--models", str(folder), "--task", TASK, "--store", str(shared / "store"),
        "--out", str(out), *more,
    )  # fmt: skip


def test_models_that_fail_cost_the_others_nothing(
    folder: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failing model is one line, then the others' table, and the exit code of a failure."""
    monkeypatch.setenv("COLUMNS", "100")
    done = run(folder / "wrong.json", shared, tmp_path / "out")
    assert done.returncode == 5
    lines = done.stderr.splitlines()
    assert sum("not scored, the run goes on" in line for line in lines) == 2
    assert sum("given twice, and runs once" in line for line in lines) == 1
    assert any("norm.weight" in line for line in lines)
    assert lines[-1].startswith("biobench: model 'no-such-model': unknown model name")
    assert "Traceback" not in done.stderr
    there = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert there == ["models.html", RESNET, VIT]
    page = (tmp_path / "out" / "models.html").read_text()
    for text in (f"{VIT}/report.html#check-{TASK}", f"{RESNET}/report.html", "norm.weight"):
        assert text in page
    assert "no-such-model: unknown model name" in page
    assert done.stdout.splitlines()[-1] == f"page:   {tmp_path}/out/models.html"
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(" timm:")]
    scores = [float(row[1]) for row in rows]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert f"{TASK}, best first" in done.stdout
    for word in ("images/s", "parameters", "features", "95% interval"):
        assert word in done.stdout

    table = biobench("report", *map(str, sorted((tmp_path / "out").iterdir())))
    assert table.returncode == 0, table.stderr
    assert "test_vit" in table.stdout


def test_json_is_one_list_of_results(
    folder: Path, shared: Path, tmp_path: Path, repository: Path
) -> None:
    """One model prints its document and several a list of them, equal to the files."""
    schema = json.loads((repository / "spec/v1/schema/results.schema.json").read_text())
    done = run(folder / "two.json", shared, tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    documents = json.loads(done.stdout)
    assert len(documents) == 2
    for document, name in zip(documents, (VIT, RESNET), strict=True):
        jsonschema.Draft202012Validator(schema).validate(document)
        assert document == json.loads((tmp_path / "out" / name / "results.json").read_text())
    loaded = load_results([tmp_path / "out" / name for name in (VIT, RESNET)])
    assert isinstance(loaded, ResultSet)
    assert list(loaded.to_frame()["task"]) == [TASK, TASK]


def test_a_table_of_40_columns_says_what_it_leaves_out(
    folder: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is longer than the terminal, and the second run says that nothing was measured."""
    monkeypatch.setenv("COLUMNS", "40")
    run(folder / "two.json", shared, tmp_path / "first", "--json")
    done = run(folder / "two.json", shared, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    table = [line for line in shown if line.startswith(" ")]
    assert table
    assert max(map(len, table)) <= 40
    assert any(line.startswith("no room for: ") for line in shown)


def test_learning_curves_of_several_models(folder: Path, shared: Path, tmp_path: Path) -> None:
    """Protects: one table and one page of all curves, each in a folder of its own that can be
    verified, --json as one list of them; a model that fails is named and costs the others
    nothing, and a dry run has all sizes."""
    out, sizes = tmp_path / "out", ("--n-train", "3,1,all")
    done = run(folder / "wrong.json", shared, out, *sizes)
    assert done.returncode == 5
    assert sorted(path.name for path in out.iterdir()) == ["curves.html", RESNET, VIT]
    assert f"{TASK}, best first at all" in done.stdout
    (head,) = [line.split() for line in done.stdout.splitlines() if line.startswith(" model")]
    assert head == ["model", "1", "3", "all"]
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(" timm:")]
    scores = [float(row[-1]) for row in rows]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    page = (out / "curves.html").read_text()
    for text in (f"{VIT}/curve.html", f"{RESNET}/curve.html", "no-such-model", "norm.weight"):
        assert text in page
    assert biobench("verify", str(out / VIT)).returncode == 0

    beside = sorted(map(str, out.iterdir()))
    assert str(out / "curves.html") in beside
    shown = biobench("report", *beside)
    assert shown.returncode == 0, shown.stderr
    assert "curves.html" not in shown.stderr
    page_alone = biobench("report", str(out / "curves.html"))
    assert page_alone.returncode == 3
    assert "is a page" in page_alone.stderr

    again = run(folder / "two.json", shared, out, *sizes, "--json")
    assert again.returncode == 0, again.stderr
    assert again.stderr == ""
    documents = json.loads(again.stdout)
    assert documents == [json.loads((out / n / "curve.json").read_text()) for n in (VIT, RESNET)]
    assert "no-such-model" not in (out / "curves.html").read_text()

    alone = biobench(
        "run", "--model", f"timm:{folder}/vit.safetensors", "--arch", "test_vit", "--task", TASK,
        "--store", str(tmp_path / "store"), "--out", str(tmp_path / "alone"), "--json", *sizes,
    )  # fmt: skip
    assert json.loads(alone.stdout) == documents[0]
    planned = run(folder / "two.json", shared, tmp_path / "none", *sizes, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "images by size: 1: " in planned.stdout
    assert not (tmp_path / "none").exists()


def test_pages_without_out_are_apart(tmp_path: Path) -> None:
    """Protects: other tasks and sizes, whose folders lie in the same one, keep their page."""
    document = {"tasks": {"a": {}, "b": {}}, "suite": "demo", "division": "official"}
    asked = (
        Options("x"),
        Options("x", tasks=("a", "b")),
        Options("x", tasks=("a", "b"), division="compat"),
        Options("x", n_train=5),
    )
    pages = [page_beside(options, "curves.html", document) for options in asked]
    assert [page.name for page in pages] == [
        "demo-curves.html", "a-b-curves.html", "a-b-compat-curves.html",
        "demo-5-train-curves.html",
    ]  # fmt: skip
    assert {page.parent for page in pages} == {Path("biobench-out")}
    own = page_beside(Options("x", out=tmp_path), "models.html", document)
    assert own == tmp_path / "models.html"


def test_a_file_of_weights_alone_and_verified(folder: Path, shared: Path, tmp_path: Path) -> None:
    """One --model keeps its form: --out itself is the folder, --json one document. The result is
    verified with the model that the recorded command leads to."""
    out = tmp_path / "out"
    command = [
        "run", "--model", f"timm:{folder}/vit.safetensors", "--arch", "test_vit", "--task", TASK,
        "--store", str(shared / "store"), "--out", str(out), "--json",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "biobench", *command],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document: Any = json.loads(done.stdout)
    assert document["model"]["name"] == "timm:./vit.safetensors#test_vit"
    assert (out / "results.json").is_file()
    checked = biobench("verify", str(out), "--rerun")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--task", TASK], 2, "no model is given"),
        (
            ["--model", "demo", "--model", "timm:x", "--arch", "y"],
            2,
            "and there are several; write "
            "it into each name, as timm:./x.pt#resnet18, or into a --models file",
        ),
        (["--model", "demo", "--arch", "y"], 2, "local file of weights"),
        (["--models", "nowhere.txt"], 2, "--models nowhere.txt"),
        (["--model", "timm:./none.pt", "--arch", "test_vit"], 5, "no such file"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[str], code: int, says: str) -> None:
    """Each mistake has its exit code, before anything is loaded."""
    done = biobench("run", *arguments)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_architectures_of_several_models(folder: Path, tmp_path: Path) -> None:
    """Protects: what the error about --arch advises works: each name has its architecture."""
    done = biobench(
        "run", "--model", f"timm:{folder / 'vit.safetensors'}#test_vit", "--model", "demo",
        "--task", TASK, "--out", str(tmp_path / "o"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "demo" / "results.json").is_file()
    assert (tmp_path / "o" / VIT / "results.json").is_file()


def test_a_dry_run_lists_models_and_folders(folder: Path, tmp_path: Path) -> None:
    """The plan of several models: each with its folder, the tasks once, nothing loaded."""
    done = biobench(
        "run", "--models", str(folder / "two.json"), "--task", TASK, "--out", str(tmp_path / "o"),
        "--dry-run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    models = [line for line in done.stdout.splitlines() if line.startswith("model ")]
    assert [line.rpartition("/")[2] for line in models] == [VIT, RESNET]
    assert sum(line.startswith(f"{TASK}: ") for line in done.stdout.splitlines()) == 1
    assert not (tmp_path / "o").exists()


def test_the_list_of_models_has_sizes_or_reasons() -> None:
    """Numbers are those of the libraries' own architectures; every null has its reason."""
    listed = {
        entry["name"]: entry for entry in json.loads(biobench("models", "list", "--json").stdout)
    }
    assert listed["demo"]["parameters"] == 3_371_008
    assert (listed["demo"]["input"], listed["demo"]["features"]) == (224, 1280)
    assert listed["hf:google/siglip2-large"]["parameters"] is None
    for entry in listed.values():
        for key in ("parameters", "input", "features", "licence", "revision"):
            assert (entry[key] is None) == (key in entry["unknown"]), (entry["name"], key)


def test_fetching_names_what_is_not_there() -> None:
    """Each model is loaded once; the others are fetched all the same, and the code is 5."""
    done = biobench("models", "fetch", "demo", "no-such-model", "--offline")
    assert done.returncode == 5
    assert done.stdout.startswith("demo: ready, 3.4 M parameters")
    assert done.stderr.count("no-such-model") == 2
    assert biobench("models", "fetch").returncode == 2
