"""Names of classes, and what they tell about taxonomy.

In: a manifest, or the metadata of a predictions file. Out: a name for each label id, and genus and
family where a name has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from biobench.data.manifest import Manifest

UNKNOWN = "unknown"
_MOSTLY = 0.8
"""Share of names that have to be binomials before any of them is read as one."""
_GENUS = re.compile(r"[A-Z][a-z-]{2,}")
# Endings of Latin epithets, which keep "Red fox" from being taken for a binomial.
_EPITHET = re.compile(r"[a-z][a-z-]*(?:us|a|um|is|e|i|ens|ans|or|es|on|os|x)")
_FAMILY = re.compile(r"[A-Z][a-z]+(?:idae|aceae)")


@dataclass(frozen=True)
class Names:
    """The names that label ids of truth and of prediction index; the traits in a traits task."""

    truth: Sequence[str]
    predicted: Sequence[str]

    def true(self, label: int) -> str:
        """The name of a true label id."""
        return _name(self.truth, label)

    def taken_for(self, label: int) -> str:
        """The name of a predicted label id."""
        return _name(self.predicted, label)


def _name(names: Sequence[str], label: int) -> str:
    if label == -1:
        return UNKNOWN
    return names[label] if 0 <= label < len(names) else f"class {label}"


def names_of_manifest(manifest: Manifest) -> Names:
    """The names that a manifest gives."""
    return Names(manifest.test_classes, manifest.classes)


def names_of_metadata(metadata: Mapping[str, str]) -> Names:
    """The names in the metadata of a predictions file, none where it has none."""
    lists = []
    for key in ("test_classes", "classes"):
        try:
            names = json.loads(metadata.get(key, "[]"))
        except (ValueError, RecursionError):
            names = []
        lists.append([str(name) for name in names] if isinstance(names, list) else [])
    return Names(*lists)


@dataclass(frozen=True)
class Taxon:
    """Genus and family as a class name has them, None where it has none."""

    genus: str | None
    family: str | None


def taxon(name: str) -> Taxon:
    """Read a class name such as ``Mola mola`` or ``Animalia_..._Molidae_Mola_mola``."""
    words = [word for word in re.split(r"[ _]+", name) if word]
    genus = next(
        (
            first
            for first, second in pairwise(words)
            if _GENUS.fullmatch(first) and _EPITHET.fullmatch(second)
        ),
        None,
    )
    return Taxon(genus, next((word for word in words if _FAMILY.fullmatch(word)), None))


def taxa(names: Sequence[str]) -> dict[str, Taxon]:
    """The taxon of each name; empty unless most of the names are binomials."""
    found = {name: taxon(name) for name in dict.fromkeys(names)}
    binomials = sum(one.genus is not None for one in found.values())
    return found if found and binomials >= _MOSTLY * len(found) else {}
