"""Matrix products and convolutions without TF32, by the names that each version of torch has.

In: torch's switches as they are. Out: none of them lets a GPU round factors to ten bits; the
caller's come back at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PLAIN = frozenset({"none", "ieee"})
_FORMER = ("cuda.matmul", "cudnn")
"""Places of the switch ``allow_tf32``, below ``torch.backends``."""
_PRECISE = ("cuda.matmul", "cudnn.conv", "cudnn.rnn")
"""Places of ``fp32_precision``, which newer versions have besides: where it says ``none``, it is
that of ``torch.backends``, and ``allow_tf32`` does not reach there."""


@contextmanager
def without_tf32() -> Iterator[None]:
    """Have products of float32 computed in float32."""
    former = [(place, _former(place)) for place in _places(_FORMER, "allow_tf32")]
    precise = [(place, place.fp32_precision) for place in _places(_PRECISE, "fp32_precision")]
    try:
        for place, _ in former:
            place.allow_tf32 = False
        for place, _ in precise:
            if place.fp32_precision not in _PLAIN:
                place.fp32_precision = "ieee"
        yield
    finally:
        for place, before in former:
            if before is not None:
                place.allow_tf32 = before
        for place, before in precise:
            if place.fp32_precision != before:
                place.fp32_precision = "none"  # what it inherited it inherits again
            if place.fp32_precision != before:
                place.fp32_precision = before


def _places(names: tuple[str, ...], switch: str) -> list[Any]:
    import torch

    places = []
    for name in names:
        place: Any = torch.backends
        for part in name.split("."):
            place = getattr(place, part, None)
        if _has(place, switch):
            places.append(place)
    return places


def _has(place: Any, switch: str) -> bool:
    try:
        getattr(place, switch)
    except AttributeError:
        return False
    except RuntimeError:
        pass  # it has one, see below
    return True


def _former(place: Any) -> bool | None:
    """The value of ``allow_tf32``; None where torch refuses to say it, because the newer switches
    say otherwise."""
    try:
        return bool(place.allow_tf32)
    except RuntimeError:
        return None
