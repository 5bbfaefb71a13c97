"""Errors for unknown model names, with close matches."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from biobench.errors import ModelError
from biobench.models.local_paths import is_path

FULL_FORMS = (
    "hf:REPO[@REV], open_clip:ARCH/TAG, timm:NAME, program:FOLDER, onnx:FILE, "
    "py:package.module:Class"
)
"""Names that need no entry in models.yaml."""
FORMS = f"{FULL_FORMS} or a short name"


def near_names(name: str, candidates: Iterable[str], count: int = 3) -> list[str]:
    """The most similar candidates, best first; letter case does not count."""
    by_lower: dict[str, str] = {}
    for candidate in sorted(candidates):
        by_lower.setdefault(candidate.lower(), candidate)
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=count, cutoff=0.6)
    return [by_lower[lower] for lower in found]


def unknown_name(given: str, short_names: Iterable[str]) -> ModelError:
    """The error for a bare name that is not a short name, with near names of every kind."""
    if given.endswith(".onnx"):
        return _unknown(given, "a file needs a loader before it", [f"onnx:{given}"])
    if is_path(given) or Path(given).is_dir():
        path = given if is_path(given) else f"./{given}"
        return ModelError(
            "a path needs a loader before it", where=f"model {given!r}", remedy=f"write hf:{path}"
        )
    suggestions = near_names(given, short_names)
    suggestions += [f"timm:{name}" for name in near_names(given, timm_names(), 2)]
    pairs = open_clip_names()
    suggestions += [
        f"open_clip:{pair}"
        for pair in near_names(given, pairs, 1) or _by_architecture(given, pairs)
    ]
    return _unknown(given, "unknown model name", suggestions)


def unknown_timm(given: str, architecture: str, *, of_file: bool) -> ModelError:
    """The error for a timm name that timm does not know or has no weights for; ``of_file``: it is
    the architecture of a file of weights."""
    names = timm_names()
    near = near_names(architecture, names)
    if not near:
        family = architecture.partition(".")[0].lower()
        near = [name for name in names if name.partition(".")[0].lower() == family][:3]
    if of_file:
        remedy = f"give --arch {' or '.join(near or ['one of timm.list_models()'])}"
        return ModelError(
            f"timm has no architecture {architecture!r}", where=f"model {given!r}", remedy=remedy
        )
    near = [f"timm:{name}" for name in near]
    return _unknown(given, f"timm knows no pretrained model {architecture!r}", near)


def unknown_open_clip(given: str, pair: str) -> ModelError:
    """The error for a pair of architecture and tag that open_clip does not know."""
    pairs = open_clip_names()
    near = near_names(pair, pairs) or _by_architecture(pair.partition("/")[0], pairs)
    near = [f"open_clip:{name}" for name in near]
    return _unknown(given, f"open_clip knows no pretrained model {pair!r}", near)


def _by_architecture(name: str, pairs: Iterable[str]) -> list[str]:
    return [pair for pair in sorted(pairs) if pair.partition("/")[0].lower() == name.lower()][:2]


def _unknown(given: str, what: str, near: list[str]) -> ModelError:
    remedy = f"did you mean {', '.join(near)}?" if near else f"use {FORMS}"
    return ModelError(what, where=f"model {given!r}", remedy=remedy)


def timm_names() -> list[str]:
    """Every architecture and every architecture.tag with weights that timm knows."""
    import timm

    return sorted({*timm.list_models(), *timm.list_models(pretrained=True)})


def open_clip_names() -> list[str]:
    """Every ``ARCH/TAG`` that open_clip knows."""
    import open_clip

    return [f"{architecture}/{tag}" for architecture, tag in open_clip.list_pretrained()]
