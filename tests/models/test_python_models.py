"""A user's own model, and the digest of weights."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import torch

from biobench.errors import ModelError
from biobench.models.load import load_model
from biobench.models.weights import weights_digest

pytestmark = pytest.mark.slow

MORE = '''
class Wrapper:
    """The same without being a module itself."""

    def __init__(self):
        self.net = Colours()
        self.recipe = self.net.recipe
        self.spare = torch.nn.Linear(2, 1)

    def embed(self, batch):
        return self.net.embed(batch)


class NoRecipe:
    def embed(self, batch):
        return batch


class NoEmbed:
    recipe = image_recipe(size=8)


class WrongShape:
    recipe = image_recipe(size=8)

    def embed(self, batch):
        return batch


class Broken:
    def __init__(self):
        raise RuntimeError("no licence key\\nfor this machine")


class Raises:
    recipe = image_recipe(size=8)

    def embed(self, batch):
        return {}["pixel_values"]


class Exits(Raises):
    def embed(self, batch):
        raise SystemExit(3)


class NoTensorTheSecondTime(Raises):
    calls = 0

    def embed(self, batch):
        self.calls += 1
        return batch.flatten(1) if self.calls == 1 else None


class TwoRows(Raises):
    def embed(self, batch):
        return batch.flatten(1).repeat(2, 1)


class NoLength(Raises):
    def embed(self, batch):
        return batch.flatten(1)[:, :0]


class RecipeRaises(Raises):
    @property
    def recipe(self):
        raise KeyError("size")


class OwnState(torch.nn.Module):
    recipe = image_recipe(size=8)

    def embed(self, batch):
        return batch.flatten(1)

    def get_extra_state(self):
        return {"calls": 1}

    def set_extra_state(self, state):
        pass


class Slots:
    __slots__ = ("net",)
    recipe = image_recipe(size=8)

    def embed(self, batch):
        return batch.flatten(1)


class OddNames(Raises):
    def __init__(self):
        self.forward = torch.nn.Linear(2, 1)

    def embed(self, batch):
        return batch.flatten(1)
'''


def documented() -> str:
    """The class that docs/models.md shows."""
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    return text.partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module in the working folder, under a name that no other test imports."""
    name = f"own_{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"
    (tmp_path / f"{name}.py").write_text(documented() + MORE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return name


def test_what_is_no_class_is_said_plainly() -> None:
    """``os.path`` is a module, and Python's own words for that help nobody."""
    with pytest.raises(ModelError, match=r"path is not a class; give py:package.module:Class"):
        load_model("py:os:path", {})


@pytest.mark.parametrize(("kind", "parameters"), [("Colours", 0), ("Wrapper", 3)])
def test_an_own_model(kind: str, parameters: int, module: str) -> None:
    """Protects the protocol of docs/models.md: recipe and embed are enough."""
    backbone = load_model(f"py:{module}:{kind}", {})
    info = backbone.info
    assert (info.feature, info.dim, info.source) == ("embed", 48, "python")
    assert info.parameters == parameters
    assert (info.trusted, info.pinned, info.revision) == (False, False, None)
    assert backbone.recipe.crop == (224, 224)
    batch = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        rows = backbone.embed(batch)
    assert torch.equal(rows, torch.nn.functional.adaptive_avg_pool2d(batch, 4).flatten(1))
    held = backbone.module  # type: ignore[attr-defined]
    assert not any(m.training for m in held.modules())
    assert not any(p.requires_grad for p in held.parameters())
    assert str(Path.cwd()) not in sys.path


def test_the_digest_covers_the_code(module: str) -> None:
    """Protects the store: code decides features, so another source must not find old ones."""
    first = load_model(f"py:{module}:Colours", {}).info.weights
    path = Path(f"{module}.py")
    path.write_text(path.read_text().replace("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"))
    del sys.modules[module]
    assert load_model(f"py:{module}:Colours", {}).info.weights != first


def test_the_fingerprint_follows_an_imported_helper(module: str) -> None:
    """Protects the store where code beside the class changes what the class gives."""
    source = Path(f"{module}.py")
    helper = f"{module}_helper"
    source.write_text(
        source.read_text().replace("import torch", f"import torch\n\nfrom {helper} import SCALE", 1)
        + "\n\nclass Scaled(Colours):\n"
        "    def embed(self, batch):\n"
        "        return super().embed(batch) * SCALE\n"
    )
    found = []
    for scale in ("1.0", "2.0"):
        Path(f"{helper}.py").write_text(f"SCALE = {scale}\n")
        for name in (module, helper):
            sys.modules.pop(name, None)
        found.append(load_model(f"py:{module}:Scaled", {}).info)
    assert found[0].weights == found[1].weights
    assert found[0].fingerprint != found[1].fingerprint


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("NoRecipe", "no attribute recipe"),
        ("NoEmbed", "no method embed"),
        ("WrongShape", r"\(1, 3, 8, 8\) where a row of features"),
        ("Broken", "RuntimeError: no licence key;"),
        ("Absent", "AttributeError"),
        ("Raises", "forward pass fails on a 8 x 8 image: KeyError: 'pixel_values'"),
        ("Exits", "forward pass fails on a 8 x 8 image: SystemExit: 3"),
        ("NoTensorTheSecondTime", "two passes over one image give different features"),
        ("TwoRows", r"\(2, 192\) where a row of features"),
        ("NoLength", r"\(1, 0\) where a row of features"),
        ("RecipeRaises", "KeyError: 'size'"),
        ("OwnState", "state _extra_state is a dict, not a tensor"),
    ],
)
def test_what_an_own_model_lacks_is_said(kind: str, says: str, module: str) -> None:
    """Protects the author of a model: one line that names the fault."""
    with pytest.raises(ModelError, match=says) as caught:
        load_model(f"py:{module}:{kind}", {})
    assert str(caught.value).startswith(f"model 'py:{module}:{kind}': ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["Slots", "OddNames"])
def test_an_own_model_may_hold_what_it_likes(kind: str, module: str) -> None:
    """Protects classes whose attributes are none, or named like a method of torch's modules."""
    assert load_model(f"py:{module}:{kind}", {}).info.dim == 192


def test_a_module_that_cannot_be_imported() -> None:
    """Protects from a traceback for a misspelt module."""
    with pytest.raises(ModelError, match="ModuleNotFoundError"):
        load_model("py:no_such_module_here:Class", {})


def test_the_weights_digest_is_the_documented_one() -> None:
    """Protects other implementations: the bytes are those that the docstring describes."""
    module = torch.nn.Module()
    module.register_parameter("b", torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t()))
    module.register_buffer("a", torch.tensor(7))
    module.register_buffer("c", torch.tensor([1.5], dtype=torch.bfloat16))
    module.register_buffer("left_out", torch.zeros(3), persistent=False)
    header = b'[["a","int64",[]],["b","float32",[2,2]],["c","bfloat16",[1]]]'
    body = (7).to_bytes(8, "little") + bytes.fromhex("0000803f 00004040 00000040 00008040 c03f")
    assert weights_digest(module) == "sha256:" + hashlib.sha256(header + b"\0" + body).hexdigest()
