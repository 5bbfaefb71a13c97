"""Any value in any field of a configuration: the model loads, or one line says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoints import open_clip_folder, timm_folder, transformers_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench.errors import ModelError
from biobench.models.load import load_model

pytestmark = pytest.mark.slow

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2, 3, 99, 10**4, 10**9, 2**63, -(2**70)]),
    st.sampled_from([0.0, -1.5, 1e308, float("nan"), float("inf")]),
    st.sampled_from(["", "bicubic", "x\x1b[31m", "../..", "0"]),
    st.sampled_from([[], [1], [0.5] * 3, [[1]], {}, {"height": 10**9}, {"shortest_edge": "a"}]),
)
FUZZED: dict[str, tuple[str, str]] = {
    "vit": ("config.json", "hf"),
    "clip": ("config.json", "hf"),
    "convnext": ("preprocessor_config.json", "hf"),
    "siglip": ("preprocessor_config.json", "hf"),
    "dinov2": ("preprocessor_config.json", "hf"),
    "open_clip": ("open_clip_config.json", "open_clip"),
    "timm": ("config.json", "timm"),
}


def fields(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all keys of an object and of the objects in it."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key)
            yield from fields(below, (*path, key))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for kind in FUZZED:
        folder = tmp_path_factory.mktemp(kind)
        if kind == "open_clip":
            preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic",
                          "resize_mode": "shortest", "fill_color": 0}  # fmt: skip
            made[kind] = open_clip_folder(folder, preprocess=preprocess)
        elif kind == "timm":
            made[kind] = timm_folder(folder, "test_vit", data={"input_size": [3, 160, 160]})
        else:
            made[kind] = transformers_folder(folder, kind)
    return made


@pytest.mark.parametrize("kind", FUZZED)
@given(data=st.data())
@settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_any_value_of_a_field_loads_or_is_one_error(
    kind: str, data: st.DataObject, sources: dict[str, Path]
) -> None:
    """Protects from "failed unexpectedly": a field of a wrong type or size is the folder's fault,
    one line, exit 5."""
    file, loader = FUZZED[kind]
    path = sources[kind] / file
    before = path.read_text()
    value = json.loads(before)
    place = data.draw(st.sampled_from(sorted(fields(value))))
    new = data.draw(VALUES)
    *parents, last = place
    inner = value
    for key in parents:
        inner = inner[key]
    inner[last] = new
    path.write_text(json.dumps(value))
    line = ""
    try:
        load_model(f"{loader}:{sources[kind]}", {}, recipes=())
    except ModelError as error:
        line = str(error)
    finally:
        path.write_text(before)
    assert "\n" not in line
