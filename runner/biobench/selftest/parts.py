"""Every part of the self test, in the order of the flow."""

from biobench.selftest import features, functions, pixels, probes, scores
from biobench.selftest.part import Part

PARTS: tuple[Part, ...] = (
    *pixels.PARTS, *functions.PARTS, *features.PARTS, *probes.PARTS, *scores.PARTS
)  # fmt: skip
