"""Checkpoints that somebody else wrote: no network, no files outside, no memory without reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import (
    hub_cache,
    open_clip_folder,
    timm_folder,
    transformers_folder,
    transformers_model,
)
from safetensors.torch import load_file, save_file

from biobench.errors import ModelError
from biobench.models.hub import card_licence
from biobench.models.load import load_model
from biobench.models.untrusted_checkpoints import read_configuration

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub on this machine that writes down what it is asked for, and has nothing."""
    import huggingface_hub.constants as constants

    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield paths
    server.shutdown()
    server.server_close()


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


ELSEWHERE = "somebody/elsewhere"


@pytest.mark.parametrize("offline", [True, False])
def test_an_open_clip_folder_asks_no_hub(offline: bool, asked: list[str], tmp_path: Path) -> None:
    """Protects ``--offline`` and local folders: the text tower may be a model of a repository."""
    text = {"hf_model_name": ELSEWHERE, "hf_tokenizer_name": ELSEWHERE, "hf_proj_type": "mlp"}
    folder = open_clip_folder(tmp_path)
    model = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    rewrite(folder / "open_clip_config.json", model_cfg={**model, "text_cfg": text})
    assert load_model(f"open_clip:{folder}", {}, offline=offline).info.dim == 12
    for tower in (f"hf-hub:{ELSEWHERE}", "local-dir:/"):
        vision = {**model["vision_cfg"], "timm_model_name": tower}
        rewrite(folder / "open_clip_config.json", model_cfg={**model, "vision_cfg": vision})
        with pytest.raises(ModelError, match="not an architecture of timm"):
            load_model(f"open_clip:{folder}", {}, offline=offline)
    assert asked == []


def test_folders_of_transformers_and_timm_ask_no_hub(asked: list[str], tmp_path: Path) -> None:
    """Protects local folders: whatever their configuration names stays unasked."""
    folder = transformers_folder(tmp_path / "transformers", "vit")
    rewrite(folder / "config.json", _name_or_path=ELSEWHERE, backbone=ELSEWHERE)
    load_model(f"hf:{folder}", {})
    rewrite(
        folder / "config.json", model_type="timm_wrapper", architecture=f"hf-hub:{ELSEWHERE}",
        model_args={"pretrained": True},
    )  # fmt: skip
    with pytest.raises(ModelError):
        load_model(f"hf:{folder}", {})
    other = timm_folder(tmp_path / "timm", "test_vit")
    rewrite(other / "config.json", architecture=f"hf-hub:{ELSEWHERE}")
    with pytest.raises(ModelError, match="names no architecture of timm"):
        load_model(f"timm:{other}", {})
    assert asked == []


def sharded(folder: Path) -> Path:
    """A transformers folder whose weights are two files and an index."""
    transformers_folder(folder, "vit")
    (folder / "model.safetensors").unlink()
    transformers_model("vit").save_pretrained(folder, max_shard_size="20KB")
    assert (folder / "model.safetensors.index.json").is_file()
    return folder


def test_an_index_names_no_file_outside(tmp_path: Path) -> None:
    """Protects the files of the machine: an index could have any safetensors file loaded."""
    folder = sharded(tmp_path / "x")
    whole = load_model(f"hf:{folder}", {}).info.weights
    index = folder / "model.safetensors.index.json"
    names = json.loads(index.read_text())["weight_map"]
    first = next(iter(names))
    moved = tmp_path / "outside.safetensors"
    moved.write_bytes((folder / names[first]).read_bytes())
    for outside in ("../outside.safetensors", str(moved), "sub/../../outside.safetensors"):
        rewrite(index, weight_map={**names, first: outside})
        with pytest.raises(ModelError, match="a file outside the folder") as caught:
            load_model(f"hf:{folder}", {})
        assert (caught.value.exit_code, "\n" in str(caught.value)) == (5, False)
    rewrite(index, weight_map={**names, first: "model-9.safetensors"})
    with pytest.raises(ModelError, match="which is not there"):
        load_model(f"hf:{folder}", {})
    rewrite(index, weight_map=[1])
    with pytest.raises(ModelError, match="no object weight_map"):
        load_model(f"hf:{folder}", {})
    # A hub's cache is links to its blobs: names are looked at, not where they lead.
    rewrite(index, weight_map=names)
    for path in folder.glob("model-*.safetensors"):
        blob = tmp_path / f"blob-{path.name}"
        path.rename(blob)
        path.symlink_to(blob)
    assert load_model(f"hf:{folder}", {}).info.weights == whole


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    """Protects scores: with one NaN in a query weight torch's attention on the CPU gives finite
    features, and a score came out without a word."""
    folder = transformers_folder(tmp_path / "vit", "vit")
    path = folder / "model.safetensors"
    state = load_file(path)
    name = next(k for k in state if "query.weight" in k or "q_proj.weight" in k)
    state[name][0, 0] = value
    save_file(state, path, metadata={"format": "pt"})
    says = r"1 tensor of its weights hold NaN or infinity: layers\.0\.attention\.q_proj\.weight"
    with pytest.raises(ModelError, match=says) as caught:
        load_model(f"hf:{folder}", {})
    assert caught.value.exit_code == 5


def test_a_buffer_counts_and_what_no_feature_needs_does_not(tmp_path: Path) -> None:
    """Protects both sides: an infinite variance makes zeros of a channel; a classifier is dropped,
    and no feature passes through a mask token."""
    folder = timm_folder(tmp_path / "resnet", "test_resnet")
    path = folder / "model.safetensors"
    state = load_file(path)
    whole = {k: v.clone() for k, v in state.items()}
    state["layer1.0.bn1.running_var"][0] = float("inf")
    save_file(state, path)
    with pytest.raises(ModelError, match=r"layer1\.0\.bn1\.running_var"):
        load_model(f"timm:{folder}", {})
    whole["fc.weight"][0] = float("nan")
    save_file(whole, path)
    assert load_model(f"timm:{folder}", {}).info.feature == "pre_logits"
    other = transformers_folder(tmp_path / "dinov2", "dinov2")
    state = load_file(other / "model.safetensors")
    state["embeddings.mask_token"][0] = float("nan")
    save_file(state, other / "model.safetensors", metadata={"format": "pt"})
    assert load_model(f"hf:{other}", {}, recipes=()).info.feature == "pooler"


LARGE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from biobench.errors import ModelError
from biobench.models.hub import card_licence
from biobench.models.load import load_model
for name in sys.argv[1:]:
    try:
        load_model(name, {})
    except ModelError as error:
        print(error)
with open("/proc/self/status") as status:  # not ru_maxrss, which begins with that of the parent
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024)
"""
TOO_LARGE: list[tuple[str, dict[str, Any], str]] = [
    ("transformers", {"hidden_size": 10**9}, "far more than"),
    ("transformers", {"hidden_size": 10_000}, "far more than"),
    ("transformers", {"num_hidden_layers": 10**9}, "num_hidden_layers 1,000,000,000 is above"),
    ("timm", {"model_args": {"embed_dim": 10**5}}, "far more than"),
    ("timm", {"model_args": {"depth": 10**8}}, "depth 100,000,000 is above"),
    ("open_clip", {"width": 20_000}, "far more than"),
    ("open_clip", {"layers": 10**7}, "layers 10,000,000 is above"),
    ("open_clip", {"image_size": 10**5}, "far more than"),
]


def test_a_configuration_cannot_take_the_memory(tmp_path: Path) -> None:
    """Protects the machine: sizes of a configuration are held to the bytes of the weights before
    memory is asked for. In a process of its own, whose memory is limited and measured."""
    names = []
    for i, (framework, change, _) in enumerate(TOO_LARGE):
        folder = tmp_path / str(i)
        if framework == "transformers":
            names.append(f"hf:{transformers_folder(folder, 'vit')}")
            rewrite(folder / "config.json", **change)
        elif framework == "timm":
            names.append(f"timm:{timm_folder(folder, 'test_vit')}")
            rewrite(folder / "config.json", **change)
        else:
            names.append(f"open_clip:{open_clip_folder(folder)}")
            path = folder / "open_clip_config.json"
            model = json.loads(path.read_text())["model_cfg"]
            rewrite(path, model_cfg={**model, "vision_cfg": {**model["vision_cfg"], **change}})
    done = subprocess.run(
        [sys.executable, "-c", LARGE, *names], capture_output=True, text=True, check=False,
        timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *lines, peak = done.stdout.splitlines()
    for (_, _, says), line in zip(TOO_LARGE, lines, strict=True):
        assert says in line
    assert int(peak) < 1500, "MiB"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        (" " * (1 << 24) + "{}", "more than 16 MiB"),
        ("\ud800".encode("utf-8", "surrogatepass"), "not valid JSON"),
        ("[]", "not a JSON object"),
    ],
    ids=["list", "object", "long", "bytes", "kind"],
)
@pytest.mark.parametrize(
    "file", ["config.json", "preprocessor_config.json", "open_clip_config.json"]
)
def test_configurations_that_are_none(
    content: str | bytes, says: str, file: str, tmp_path: Path
) -> None:
    """Protects from a traceback for each file that is read."""
    if file == "open_clip_config.json":
        name = f"open_clip:{open_clip_folder(tmp_path)}"
    else:
        name = f"hf:{transformers_folder(tmp_path, 'vit')}"
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / file).write_bytes(data)
    with pytest.raises(ModelError, match=says) as caught:
        load_model(name, {})
    assert "\n" not in str(caught.value)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    """Protects from a hang: only regular files are read."""
    folder = transformers_folder(tmp_path, "vit")
    os.mkfifo(folder / "zz.index.json")
    with pytest.raises(ModelError, match=r"zz\.index\.json: cannot be read"):
        load_model(f"hf:{folder}", {})
    (folder / "zz.index.json").unlink()
    for file, says in (("model.safetensors", "no weights"), ("config.json", r"no config\.json")):
        (folder / file).unlink()
        os.mkfifo(folder / file)
        with pytest.raises(ModelError, match=says):
            load_model(f"hf:{folder}", {})
    os.mkfifo(folder / "README.md")
    assert card_licence(folder) is None


def test_a_configuration_is_read_whole(tmp_path: Path) -> None:
    """Protects the reader that all of them go through."""
    path = tmp_path / "config.json"
    path.write_text('{"a": [1, {"b": null}]}')
    assert read_configuration(path) == {"a": [1, {"b": None}]}


def test_digests_of_the_list_are_held_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a pinned name: other bytes under its revision, in a cache or on the way, are
    refused; another revision is the caller's own choice and has no digest."""
    import hashlib

    import huggingface_hub.constants
    from checkpoints import COMMIT

    from biobench.spec.documents import ModelEntry

    folder = transformers_folder(tmp_path / "made", "vit")
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    snapshot = hub_cache(tmp_path / "hub", "o/n", folder)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    entry = ModelEntry(
        "short", "hf:o/n", COMMIT, None, (), repository="o/n",
        weights_sha256={"model.safetensors": digest},
    )  # fmt: skip
    for name in ("short", "hf:o/n", f"hf:o/n@{COMMIT}"):
        info = load_model(name, {"short": entry}, offline=True).info
        assert (info.revision, info.pinned) == (COMMIT, True)
    state = load_file(snapshot / "model.safetensors")
    state = {k: v + 1e-4 if v.is_floating_point() else v for k, v in state.items()}
    save_file(state, snapshot / "model.safetensors", metadata={"format": "pt"})
    for name in ("short", "hf:o/n"):
        with pytest.raises(ModelError, match=f"models.yaml has {digest}") as caught:
            load_model(name, {"short": entry}, offline=True)
        assert caught.value.exit_code == 5
    info = load_model("short@main", {"short": entry}, offline=True).info
    assert (info.revision, info.pinned) == (COMMIT, False)
    assert torch.isfinite(torch.tensor(float(info.dim)))


def test_a_registry_that_moved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a pin: the commit is one of the repository that models.yaml names."""
    from biobench.spec.documents import ModelEntry

    entry = ModelEntry(
        "resnet", "timm:resnet50.a1_in1k", "a" * 40, None, (), repository="somebody/resnet"
    )
    with pytest.raises(ModelError, match=r"from timm/resnet50\.a1_in1k, and models.yaml from"):
        load_model("resnet", {"resnet": entry}, offline=True)
