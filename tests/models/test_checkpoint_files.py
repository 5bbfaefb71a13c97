"""Files of weights without a configuration: what training programs leave behind."""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import open_clip
import pytest
import timm
import torch
from checkpoints import open_clip_folder, spread, timm_folder
from open_clip import factory, pretrained
from safetensors.torch import load_file, save_file

from biobench._common import signals
from biobench._common.signals import HANDLED, Interrupted
from biobench.errors import ModelError, UsageError
from biobench.models.checkpoint_file import WRAPPERS
from biobench.models.load import load_model
from biobench.models.names import parse_name, with_architecture
from biobench.run.options import Options, refuse_options
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

State = Mapping[str, torch.Tensor]


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    """A ViT with 7 classes, which timm's architecture does not have."""
    torch.manual_seed(1)
    model = timm.create_model("test_vit", pretrained=False, num_classes=7)
    spread(model)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(2))


def prefixed(state: State, prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: tensor for key, tensor in state.items()}


WRAPPED: dict[str, Callable[[State], object]] = {
    "state_dict": lambda state: state,
    "under a key": lambda state: {"epoch": 3, "model": state, "optimizer": {"lr": 0.1}},
    "data parallel": lambda state: {"state_dict": prefixed(state, "module.")},
    "compiled": lambda state: prefixed(state, "_orig_mod."),
    "both": lambda state: prefixed(state, "module._orig_mod."),
    "Lightning": lambda state: {"state_dict": prefixed(state, "model."), "epoch": 1},
    "timm": lambda state: {"state_dict": state, "args": argparse.Namespace(lr=0.1)},
    "averaged": lambda state: {
        "state_dict": {key: tensor * 2 for key, tensor in state.items()},
        "state_dict_ema": state,
    },
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt"])
def test_what_training_wraps_around_weights(
    how: str, suffix: str, trained: torch.nn.Module, images: torch.Tensor, tmp_path: Path
) -> None:
    """Every wrapper that the page names gives the features of the model that was saved."""
    if suffix != ".pth" and how not in ("state_dict", "data parallel"):
        suffix = ".pth"
    path = tmp_path / f"best{suffix}"
    torch.save(WRAPPED[how](trained.state_dict()), path)
    backbone = load_model(f"timm:{path}#test_vit", {})
    expected = trained.forward_head(trained.forward_features(images), pre_logits=True)
    with torch.inference_mode():
        assert torch.equal(backbone.embed(images), expected)
    assert "state_dict" not in backbone.module.pretrained_cfg  # type: ignore[attr-defined]


def test_safetensors_are_the_folder_that_timm_writes(tmp_path: Path) -> None:
    """The same weights have the same digest, recipe and features as a folder with a configuration;
    the result names the file and its architecture and no place on the disk."""
    folder = timm_folder(tmp_path / "folder", "test_resnet")
    (folder / "model.safetensors").rename(tmp_path / "x.safetensors")
    save_file(load_file(tmp_path / "x.safetensors"), folder / "model.safetensors")
    ours = load_model(with_architecture(f"timm:{tmp_path}/x.safetensors", "test_resnet"), {})
    theirs = load_model(f"timm:{folder}", {})
    assert ours.info.weights == theirs.info.weights
    assert ours.info.fingerprint == theirs.info.fingerprint
    assert ours.recipe.digest == theirs.recipe.digest
    assert ours.info.name == ours.info.resolved == "timm:./x.safetensors#test_resnet"
    assert (ours.info.source, ours.info.pinned, ours.info.licence) == ("local", False, None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: {k: s[k] for k in s if k != "norm.weight"}, "lacks 1 tensor.*norm.weight"),
        (lambda s: {**s, "reg_token": s["cls_token"]}, "no place for 1 tensor.*: reg_token"),
        (lambda s: {**s, "norm.weight": s["norm.weight"][:5]}, "another shape.*: norm.weight"),
        (lambda s: {**s, "norm.weight": s["norm.weight"] * float("nan")}, "NaN or infinity"),
        (lambda s: {}, "holds no tensors"),
        (lambda s: list(s.values()), "holds no tensors"),
        (lambda s: {"model": torch.nn.Linear(2, 2)}, "holds Python objects"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_named(
    change: Callable[[State], object],
    says: str,
    trained: torch.nn.Module,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Features that rest on other tensors than those of the file would be another model's; the
    library's own list of them is not printed above the line that says so."""
    path = tmp_path / "x.pt"
    torch.save(change(trained.state_dict()), path)
    with pytest.raises(ModelError, match=says) as caught:
        load_model(f"timm:{path}#test_vit", {})
    assert "\n" not in str(caught.value)
    assert caplog.messages == []


def test_heads_and_decoders_are_no_part_of_the_features(
    trained: torch.nn.Module, tmp_path: Path
) -> None:
    """A classifier of any size, and what pretraining alone uses, are left out."""
    state = dict(trained.state_dict())
    plain = tmp_path / "plain.pt"
    torch.save({k: v for k, v in state.items() if not k.startswith("head.")}, plain)
    extra = {"mask_token": torch.ones(3), "decoder_pred.weight": torch.ones(2)}
    torch.save(state | extra, tmp_path / "extra.pt")
    weights = {load_model(f"timm:{tmp_path}/{name}.pt#test_vit", {}).info.weights
               for name in ("plain", "extra")}  # fmt: skip
    assert len(weights) == 1


def test_the_tag_of_an_architecture_gives_its_preprocessing(tmp_path: Path) -> None:
    """Weights that began as a tagged checkpoint keep that one's mean and filter."""
    torch.manual_seed(1)
    model = timm.create_model("vit_tiny_patch16_224", pretrained=False)
    spread(model)
    save_file(model.state_dict(), tmp_path / "x.safetensors")
    name = f"timm:{tmp_path}/x.safetensors#vit_tiny_patch16_224.augreg_in21k"
    assert load_model(name, {}).recipe.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("timm:{}/none.pt#test_vit", "no such file"),
        ("timm:{}#test_vit", "not a regular file|no such file"),
        ("timm:{}/x.txt#test_vit", "its name ends in .txt"),
        ("timm:{}/x.pt#", "names no architecture"),
        ("timm:{}/x.pt#test_vitt", "timm has no architecture 'test_vitt'; give --arch test_vit"),
        ("timm:{}/x.pt#hf-hub:a/b", "timm has no architecture 'hf-hub:a/b'; give --arch one of"),
        ("open_clip:{}/x.pt#hf-hub:a/b", "open_clip knows no pretrained model"),
        ("open_clip:{}/x.pt#ViT-B-32/none", "open_clip knows no pretrained model"),
        ("timm:{}/x.pt", "its architecture is not given"),
        ("hf:{}/x.pt", "its architecture is not given"),
        ("timm:{}/x.pt#test_vit", "cannot be read by torch|holds Python objects"),
        ("timm:{}/x.safetensors#test_vit", "not a safetensors file"),
    ],
)
def test_other_mistakes_are_one_line(name: str, says: str, tmp_path: Path) -> None:
    """Exit 5 with the file or the name, and no request to a hub."""
    for own in ("x.pt", "x.txt", "x.safetensors"):
        (tmp_path / own).write_bytes(b"not weights")
    with pytest.raises(ModelError, match=says) as caught:
        load_model(name.format(tmp_path), {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("timm:./x.safetensors", "x.safetensors: no such file; check the path; weights also need "
         "--arch (--model timm:./x.safetensors --arch vit_base_patch16_224)"),
        ("open_clip:./X.PT", "X.PT: no such file; check the path; weights also need --arch "
         "(--model open_clip:./X.PT --arch ViT-B-32)"),
        ("hf:./x.bin", "x.bin: no such file; check the path; weights also need --arch "
         "(--model timm:./x.bin --arch vit_base_patch16_224)"),
        ("onnx:x.onnx", "x.onnx: no such file; check the path"),
        ("timm:./x", "x: no such folder; give the folder that holds config.json and the weights"),
        ("program:./x.bin", "x.bin: no such folder; give the folder that `biobench models export` "
         "wrote"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_called_what_was_meant(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file of weights is no missing folder, for `run` before it reads any data and for
    `models show`; the line says what to do."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as caught:
        refuse_options(Options(name), load_spec())
    assert str(caught.value) == says
    with pytest.raises(ModelError) as caught:
        load_model(name, {})
    assert str(caught.value) == says


def test_an_interruption_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """safetensors' native code makes an error of its own of what Ctrl-C raises within it; taken for
    a fault of one model of several, the run would go on and could not be stopped."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"no weights")
    name = f"timm:{path}#test_vit"
    with pytest.raises(ModelError, match="is not a safetensors file"):
        load_model(name, {})
    monkeypatch.setattr(signals, "_asked", [(signal.SIGINT, time.monotonic())])
    kept = {number: signal.getsignal(number) for number in HANDLED}
    try:
        with pytest.raises(Interrupted):
            load_model(name, {})
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def test_an_architecture_needs_a_file() -> None:
    """--arch beside a name that has its own architecture would be ignored in silence."""
    for name in ("demo", "hf:a/b", "timm:resnet50", "hf:./folder", "program:./x", "py:a:B"):
        with pytest.raises(UsageError, match="local file of weights"):
            with_architecture(name, "vit")
    parsed = parse_name("open_clip:./a#b.pt#ViT-B-32/openai", {})
    assert (parsed.kind, parsed.target, parsed.architecture) == (
        "file", "./a#b.pt", "ViT-B-32/openai"
    )  # fmt: skip


def test_a_folder_with_the_mark_in_its_name_stays_a_folder(tmp_path: Path) -> None:
    """Protects existing folders from the new form."""
    folder = timm_folder(tmp_path / "run#3", "test_resnet")
    assert parse_name(f"timm:{folder}", {}).kind == "folder"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small architecture that open_clip knows by name, with a tag, and its weights."""
    folder = open_clip_folder(tmp_path / "made")
    configuration = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "configurations").mkdir()
    (tmp_path / "configurations" / "Tiny.json").write_text(json.dumps(configuration))
    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    open_clip.add_model_config(tmp_path / "configurations")
    monkeypatch.setitem(
        pretrained._PRETRAINED, "Tiny", {"tag": pretrained._slpcfg(hf_hub="some-lab/tiny/")}
    )
    return folder


def test_open_clips_training_checkpoint(tiny: Path, tmp_path: Path) -> None:
    """Its checkpoints have both towers under state_dict, after "module."; a tag gives its
    preprocessing, and without one it is open_clip's default."""
    state = load_file(tiny / "open_clip_model.safetensors")
    path = tmp_path / "epoch_3.pt"
    torch.save({"epoch": 3, "name": "x", "state_dict": prefixed(state, "module.")}, path)
    ours = load_model(f"open_clip:{path}#Tiny", {})
    theirs = load_model(f"open_clip:{tiny}", {})
    assert ours.info.weights == theirs.info.weights
    assert ours.info.feature == "image_embedding"
    assert ours.recipe.digest == theirs.recipe.digest
    tagged = load_model(f"open_clip:{path}#Tiny/tag", {})
    assert (tagged.recipe.mode, tagged.recipe.mean) == ("squash", (0.5, 0.5, 0.5))


def test_weights_of_another_open_clip_model_are_refused(tiny: Path, tmp_path: Path) -> None:
    """The image tower's tensors must be those of the architecture; text towers do not matter."""
    state = load_file(tiny / "open_clip_model.safetensors")
    lacking = {k: v for k, v in state.items() if k != "visual.proj"}
    for number, (changed, says) in enumerate([
        (lacking, "lacks 1 tensor.*: proj"),
        (state | {"visual.extra": torch.ones(2)}, "no place for 1 tensor.*: extra"),
        ({k: v for k, v in state.items() if not k.startswith("visual.")}, "lacks"),
        (state | {"visual.proj": torch.ones(3, 3)}, "another shape.*visual.proj"),
    ]):  # fmt: skip
        save_file(changed, tmp_path / f"{number}.safetensors")
        with pytest.raises(ModelError, match=says):
            load_model(f"open_clip:{tmp_path}/{number}.safetensors#Tiny", {})


def test_the_page_names_the_wrappers(repository: Path) -> None:
    """docs/models.md lists the keys that are understood."""
    page = (repository / "docs/models.md").read_text()
    assert all(f"`{key}`" in page for key in WRAPPERS)
