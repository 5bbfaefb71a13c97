"""Sizes of the models of models.yaml: parameters, input and features.

In: an entry. Out: numbers that a library's own architecture has, as ``tools/model_facts.py`` built
it, or the reason why they are not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from biobench.spec.documents import ModelEntry

FILE = "facts.json"
REASONS: Mapping[str, str] = {
    "hf": "only the repository's configuration has it; `biobench models show NAME` loads that",
    "other": "the installed library does not build it without its repository",
    "input": "its input is not square",
}


@dataclass(frozen=True)
class Facts:
    """Sizes of a model; None where one is not known.

    Attributes:
        parameters: Number of elements of the parameters of the part that gives the features.
        input: Side of the square that reaches the model, in pixels.
        features: Length of one row of features.
        unknown: By field, the reason why it is None.
    """

    parameters: int | None
    input: int | None
    features: int | None
    unknown: Mapping[str, str]


@cache
def _known() -> Mapping[str, Mapping[str, int]]:
    found: Mapping[str, Mapping[str, int]] = json.loads(
        (Path(__file__).parent / FILE).read_text(encoding="utf-8")
    )
    return found


def facts_of(entry: ModelEntry) -> Facts:
    """Known sizes of a listed model."""
    known = _known().get(entry.resolves_to, {})
    loader = entry.resolves_to.partition(":")[0]
    reason = REASONS["hf" if loader == "hf" else "other"]
    unknown = {
        name: REASONS["input"] if known else reason
        for name in ("parameters", "input", "features")
        if name not in known
    }
    return Facts(known.get("parameters"), known.get("input"), known.get("features"), unknown)
