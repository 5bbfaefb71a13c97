"""Names that would drive a terminal, through every command: the bytes that reach the streams.

Files, folders, classes, keys, ids, models, tasks and members of archives are called what a terminal
obeys. Some of the commands run in a process of their own, on a terminal.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "compare"))

from upstream_file import upstream_file

from biobench._common.output import guard_streams
from biobench.cli import execute
from biobench.report.result_document import result_digest

pytestmark = pytest.mark.slow

EVIL = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj\u200b\u2028[red]=1"
"""Names that no file system refuses."""
LINE = EVIL + "\n\rsecond line"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen on which few lines are broken."""
    monkeypatch.setenv("COLUMNS", "120")


def printed(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and what a command wrote to both streams, guarded as those of a process are."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("stdout", "stderr"):
            stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
            patch.setattr(sys, name, stream)
            patch.setattr(sys, f"__{name}__", stream)
        guard_streams()
        streams = (sys.stdout, sys.stderr)
        code = execute(list(map(str, arguments)))
        written = b""
        for stream in streams:
            stream.flush()
            written += stream.buffer.getvalue()
    return code, written.decode()


def on_a_terminal(*arguments: str | Path) -> tuple[int, str]:
    """The same of a process whose streams are a terminal."""
    command = [sys.executable, "-m", "biobench", *map(str, arguments)]
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdout=follower, stderr=follower)
    os.close(follower)
    written = b""
    try:
        while block := os.read(leader, 65536):
            written += block
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    return process.wait(timeout=250), written.decode()


def assert_safe(text: str) -> None:
    """No character but ends of lines and tabs that is not seen as itself."""
    assert all(map(str.isprintable, re.split("[\n\t]", text))), ascii(text)
    assert "Traceback" not in text
    assert "unexpectedly" not in text, text


def folders(root: Path, broken: bool = False) -> Path:
    """Images in folders of two classes, with hostile names."""
    for split in ("train", "val"):
        for label, name in enumerate((EVIL, "balanus")):
            for i in range(3):
                path = root / split / name / f"{EVIL}{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (20, 30), (120 * label, 9 * i, 0)).save(path)
                if broken and i == 1:
                    path.write_bytes(b"no image")
    return root


def own_task(
    folder: Path, layout: dict[str, Any], split: str = "train-test", protocol: str = "svm"
) -> Path:
    path = folder / f"{EVIL}.yaml"
    metric = {"id": "accuracy", "higher_is_better": True, "interval": "half-jackknife"}
    document = {
        "task": "ponds", "dataset": {"id": "ponds", "layout": layout}, "split": split,
        "protocol": protocol, "metrics": [metric],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(document))
    return path


FOLDERS = {"id": "image-folder", "options": {"splits": {"train": "train", "test": "val"}}}


def unreadable(folder: Path, repository: Path) -> list[str | Path]:
    return [
        "run", "--model", "demo", "--task", own_task(folder, FOLDERS), "--data",
        folders(folder / EVIL, broken=True), "--out", folder / f"{EVIL}out",
    ]  # fmt: skip


def dry(folder: Path, repository: Path) -> list[str | Path]:
    data = folders(folder / EVIL)
    return ["run", "--model", f"hf:./{EVIL}", "--task", own_task(folder, FOLDERS), "--data", data]


def coco(folder: Path, repository: Path) -> list[str | Path]:
    images = [{"id": LINE, "file_name": LINE}, {"id": LINE, "file_name": EVIL}]
    notes = [{"image_id": LINE + "2", LINE: LINE}]
    (folder / "a.json").write_text(json.dumps({"images": images, "annotations": notes}))
    (folder / "images").mkdir()
    options = {"annotations": "a.json", "images": "images", "label": LINE}
    layout = {"id": "coco", "options": options}
    task = own_task(folder, layout, "leave-one-out", "knn")
    return ["run", "--model", "demo", "--task", task, "--data", folder]


def table(folder: Path, repository: Path) -> list[str | Path]:
    rows = [f'"{EVIL}{i}","{EVIL}{i % 2}",{EVIL}' for i in range(5)]
    (folder / "a.csv").write_text("\n".join([f"image,{EVIL},split", *rows]))
    options = {
        "table": "a.csv", "split": {"column": "split", "train": ["a"], "test": [EVIL]},
        "path": "{image}", "label": EVIL,
    }  # fmt: skip
    task = own_task(folder, {"id": "csv", "options": options})
    return ["run", "--model", "demo", "--task", task, "--data", folder]


def hostile_yaml(folder: Path, repository: Path) -> list[str | Path]:
    quoted = json.dumps(LINE)
    text = f"task: {quoted}\n{quoted}: {quoted}\nmetrics: [{{{quoted}: 1}}]\nview: {quoted}\n"
    (folder / f"{EVIL}.yaml").write_text(text)
    return ["spec", "validate", folder / f"{EVIL}.yaml"]


def specification(folder: Path, repository: Path) -> Path:
    shutil.copytree(repository / "spec", folder / EVIL, ignore=shutil.ignore_patterns("ports"))
    return folder / EVIL


def stray(folder: Path, repository: Path) -> list[str | Path]:
    root = specification(folder, repository)
    (root / "v1" / "tasks" / f"{EVIL}.txt").write_text("")
    return ["spec", "validate", root]


def shown_document(folder: Path, repository: Path) -> list[str | Path]:
    root = specification(folder, repository)
    path = root / "v1" / "datasets" / "beluga.yaml"
    text = path.read_text()
    path.write_text(re.sub("^title:.*$", lambda _: f"title: {json.dumps(LINE)}", text, flags=re.M))
    return ["spec", "show", "beluga", "--spec", root]


def result(folder: Path, repository: Path, **changes: Any) -> Path:
    document = json.loads((repository / "tests/spec/results.json").read_text())
    document["model"] |= {"name": LINE, "resolved": LINE, "licence": LINE, "feature": LINE}
    document["environment"]["cpu"] = LINE
    document["unofficial_reasons"] = [LINE]
    document["official"] = False
    place = folder / EVIL
    place.mkdir(parents=True, exist_ok=True)
    whole = document | changes
    whole["digests"]["result"] = result_digest(whole)
    (place / "results.json").write_text(json.dumps(whole))
    return place


def published(folder: Path, **changes: Any) -> Path:
    """A results file of the published benchmark's form, whose models have hostile names."""
    value = upstream_file()
    for entry in value["models"]:
        entry["ckpt"] = entry["display"] = entry["family"] = entry["ckpt"] + LINE
    for row in value["results"]:
        row["model"] += LINE
    value["results"][0] |= changes
    path = folder / f"{EVIL}.json"
    path.write_text(json.dumps(value))
    return path


def archive(folder: Path, repository: Path) -> list[str | Path]:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo(f"{EVIL}"[:40]))
    path = folder / f"{EVIL}.tar"
    path.write_bytes(data.getvalue())
    return ["verify", path]


def unpacked(folder: Path, repository: Path) -> list[str | Path]:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name in (f"../{LINE}", LINE):
            tar.addfile(tarfile.TarInfo(name))
    place = folder / EVIL / "beluga.archives"
    place.mkdir(parents=True)
    (place / "beluga.coco.tar.gz").write_bytes(data.getvalue())
    return ["data", "unpack", "beluga", "--data", folder / EVIL]


def damaged_store(folder: Path, repository: Path) -> list[str | Path]:
    place = folder / EVIL / "features" / "aa"
    place.mkdir(parents=True)
    (place / f"{EVIL}.safetensors").write_bytes(b"damaged")
    return ["store", "verify", "--store", folder / EVIL]


def answers(folder: Path, repository: Path) -> list[str | Path]:
    head = {"schema": "biobench.answers/1", "sections": [LINE], "answers": {LINE: LINE}, LINE: 1}
    (folder / EVIL).write_text(json.dumps(head))
    return ["conformance", "check", folder / EVIL]


def local_model(folder: Path, repository: Path) -> list[str | Path]:
    place = folder / EVIL
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"model_type": LINE, "architectures": [LINE]}))
    (place / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": LINE}))
    return ["models", "show", f"hf:{place}", "--offline"]


def data_set(folder: Path, repository: Path) -> list[str | Path]:
    root = folders(folder / EVIL / "plankton", broken=True)
    (root / "train" / f"{EVIL}.txt").write_text("")
    return ["data", "verify", "plankton", "--data", folder / EVIL]


Case = Callable[[Path, Path], list[str | Path]]
CASES: dict[str, tuple[int, Case]] = {
    "run, unreadable images": (3, unreadable),
    "run, a model's folder": (5, dry),
    "run, a dry run": (0, lambda f, r: [*dry(f, r)[:2], "demo", *dry(f, r)[3:], "--dry-run"]),
    "run, ids of COCO": (3, coco),
    "run, a table": (3, table),
    "run, no such task": (2, lambda f, r: ["run", "--model", "demo", "--task", LINE]),
    "run, no such option": (2, lambda f, r: ["run", f"--{EVIL}"]),
    "run, no such command": (2, lambda f, r: [EVIL]),
    "run, a declared score": (
        2, lambda f, r: ["run", "--model", "demo", "--declare", f"{LINE}=1", "--source", LINE]
    ),
    "spec validate": (4, hostile_yaml),
    "spec validate, a stray file": (4, stray),
    "spec validate, no such file": (2, lambda f, r: ["spec", "validate", f / LINE]),
    "spec show": (0, shown_document),
    "spec show, no such document": (2, lambda f, r: ["spec", "show", LINE]),
    "report": (0, lambda f, r: ["report", result(f, r)]),
    "report, two": (0, lambda f, r: ["report", result(f, r), result(f / "two", r, n_train=5)]),
    "report, given twice": (0, lambda f, r: ["report", result(f, r), result(f, r)]),
    "report --json": (0, lambda f, r: ["report", "--json", result(f, r)]),
    "report --csv": (0, lambda f, r: ["report", "--csv", result(f, r)]),
    "report, no such suite": (4, lambda f, r: ["report", result(f, r, suite="beluga-ponds")]),
    "analyze": (2, lambda f, r: ["analyze", result(f, r), "--x", LINE]),
    "analyze, published": (0, lambda f, r: ["analyze", published(f)]),
    "import": (0, lambda f, r: ["import", published(f), "--out", f / f"{EVIL}.out"]),
    "import, a flaw": (3, lambda f, r: ["import", published(f, mean=LINE), "--out", f / "a.json"]),
    "export csv": (0, lambda f, r: ["export", published(f), "--format", "csv"]),
    "export markdown": (0, lambda f, r: ["export", published(f), "--format", "markdown"]),
    "export latex": (0, lambda f, r: ["export", published(f), "--format", "latex"]),
    "export model-card": (0, lambda f, r: ["export", result(f, r), "--format", "model-card"]),
    "export eval-results": (0, lambda f, r: [
        "export", result(f, r), "--format", "eval-results", "--hub-dataset", f"a/{EVIL}"
    ]),
    "export every-eval-ever": (0, lambda f, r: [
        "export", result(f, r), "--format", "every-eval-ever", "--organization", LINE
    ]),
    "export ro-crate": (3, lambda f, r: [
        "export", result(f, r), "--format", "ro-crate", "--license", LINE
    ]),
    "export, no such format": (2, lambda f, r: ["export", result(f, r), "--format", LINE]),
    "compare": (3, lambda f, r: ["compare", result(f, r), result(f, r)]),
    "verify": (3, lambda f, r: ["verify", result(f, r)]),
    "verify, an unknown schema": (3, lambda f, r: ["verify", result(f, r, schema=LINE)]),
    "verify, another form": (6, lambda f, r: ["verify", result(f, r, **{LINE: LINE})]),
    "verify --json": (6, lambda f, r: ["verify", "--json", result(f, r, **{LINE: LINE})]),
    "verify, an archive": (3, archive),
    "submit": (6, lambda f, r: ["submit", result(f, r, **{LINE: LINE})]),
    "data unpack": (3, unpacked),
    "data verify": (3, data_set),
    "data list": (0, lambda f, r: ["data", "list", "--data", f / EVIL]),
    "data fetch": (2, lambda f, r: ["data", "fetch", "beluga", "--data", f, "--url", LINE]),
    "data, no such data set": (2, lambda f, r: ["data", "unpack", LINE, "--data", f]),
    "models show": (5, local_model),
    "models show, no such model": (5, lambda f, r: ["models", "show", f"hf:{LINE}", "--offline"]),
    "store verify": (3, damaged_store),
    "store stats": (0, lambda f, r: ["store", "stats", "--store", f / EVIL]),
    "launch slurm": (2, lambda f, r: ["launch", "slurm", f / EVIL / LINE, "--status"]),
    "store push": (2, lambda f, r: ["store", "push", f"{LINE}://x", "--store", f]),
    "store pull": (3, lambda f, r: ["store", "pull", f / EVIL, "--store", f / "store"]),
    "conformance check": (3, answers),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_command(name: str, tmp_path: Path, repository: Path) -> None:
    """The right exit code, and not one byte that a terminal obeys."""
    code, case = CASES[name]
    found, text = printed(*case(tmp_path, repository))
    assert_safe(text)
    assert found == code, text


def test_json_is_exact(tmp_path: Path, repository: Path) -> None:
    """Escapes in JSON are undone by its reader; CSV is for people, and its name is no formula."""
    place = result(tmp_path, repository)
    _, text = printed("report", "--json", place)
    assert json.loads(text)["suites"][0]["rows"][0]["model"] == LINE


@pytest.mark.parametrize("name", ["run, unreadable images", "report, two", "spec validate"])
def test_on_a_terminal(name: str, tmp_path: Path, repository: Path) -> None:
    """Bars and tables move the cursor by rich's own codes alone."""
    code, case = CASES[name]
    found, text = on_a_terminal(*case(tmp_path, repository))
    own = re.sub(r"\x1b\[(\?25[lh]|[0-9;]*m|[0-9]*[AK]|2K)|\r(?=[\n\x1b]|$)|\r", "", text)
    assert_safe(own)
    assert found == code, text
    assert "[red]" in own or "second line" in own
