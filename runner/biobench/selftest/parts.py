"""Every part of the self test, in the order of the flow."""

from biobench.selftest import features, pixels, probes, scores
from biobench.selftest.part import SelftestPart

PARTS: tuple[SelftestPart, ...] = (*pixels.PARTS, *features.PARTS, *probes.PARTS, *scores.PARTS)
