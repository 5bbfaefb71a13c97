"""Value tables of recipes: torchvision's numbers without torchvision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms

from biobench.errors import ModelError
from biobench.models.recipes import image_recipe, torchvision_table

pytestmark = pytest.mark.slow

means = st.floats(-300, 300, allow_nan=False)
deviations = st.floats(-300, 300, allow_nan=False).filter(lambda value: abs(value) > 1e-30)


@settings(max_examples=3 * settings.default.max_examples)
@given(st.tuples(means, means, means), st.tuples(deviations, deviations, deviations))
def test_every_value_is_torchvisions(
    mean: tuple[float, float, float], std: tuple[float, float, float]
) -> None:
    """The same bits as ``ToTensor`` and ``Normalize`` for any mean and standard deviation."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=mean, std=std)])
    theirs = chain(Image.fromarray(ramp)).numpy()[:, 0, :]
    assert torchvision_table(mean, std).tobytes() == theirs.astype("<f4").tobytes()


@pytest.mark.parametrize("std", [(0.0,), (0.5, 0.0, 0.5), (1e-60, 1.0, 1.0)])
def test_a_deviation_of_zero_is_refused(std: tuple[float, ...]) -> None:
    """torchvision refuses it too; infinities must not reach a model."""
    with pytest.raises(ModelError, match="zero in float32"):
        image_recipe(size=8, mean=(0.5,), std=std)
