"""Frames of videos: their choice, their pixels, their digests (SPEC.md, section 7.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from biobench.conformance.operations import Invalid
from biobench.conformance.operations.pixels import image_value
from biobench.data.frames.clips import Clip, whole_digest
from biobench.data.frames.colour import Samples, narrowed, to_rgb, turned
from biobench.data.frames.rule import chosen
from biobench.spec.load import Spec


def _frames(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"frames": chosen(given["count"], given["frames"])}
    except ValueError:
        raise Invalid("value") from None


def _rgb(given: Mapping[str, Any], spec: Spec) -> Any:
    luma, *chroma = (
        narrowed(np.array(plane, np.uint16), given["bits"]) for plane in given["planes"]
    )
    across, down = given["shifts"]
    samples = Samples(
        luma=luma,
        chroma=(chroma[0], chroma[1]) if chroma else None,
        shifts=(across, down),
        matrix=given["matrix"],
        full=given["full"],
    )
    return image_value(turned(to_rgb(samples), given["rotation"]))


def _digest(given: Mapping[str, Any], spec: Spec) -> Any:
    clips = {}
    for name, files in given["clips"].items():
        digests = dict(files)
        clips[name] = Clip(name, "", "", tuple(digests)).digest(digests.__getitem__)
    return {"clips": clips, "digest": whole_digest(clips)}


OPERATIONS = {"video.frames": _frames, "video.rgb": _rgb, "video.digest": _digest}
