"""Who recorded a copy of a data set, and which of them confirm each other (SPEC.md, section
"Records of data sets").

In: ``recorded_by`` of records or of a data set's document. Out: people, and a choice of them of
which no two are one person or of one laboratory.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

ENOUGH = 2
"""People of different laboratories whose records confirm a digest."""


@dataclass(frozen=True)
class Recorder:
    """A person who vouches for a copy, and the laboratory that they belong to."""

    person: str
    laboratory: str

    def __str__(self) -> str:
        return f"{self.person}, {self.laboratory}"

    @property
    def key(self) -> tuple[str, str]:
        """The normal forms of both names; one that is empty is nobody's."""
        return normal_form(self.person), normal_form(self.laboratory)

    def value(self) -> dict[str, str]:
        """The JSON value of records and documents."""
        return asdict(self)


def recorder(value: Mapping[str, str]) -> Recorder:
    """The recorder of a valid JSON value."""
    return Recorder(value["person"], value["laboratory"])


def normal_form(name: str) -> str:
    """Form in which names are compared: letters, marks and digits after NFKC and case folding."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN")


def independent(recorders: Sequence[Recorder]) -> list[int]:
    """Places of recorders of which no two are one person or of one laboratory, in their order.

    There are two or more wherever two of the recorders are independent. Each place is tried as the
    first to be taken, then the others in their order; of equally many, the earlier first counts.
    A name without letter, mark or digit is nobody's.
    """
    keys = [one.key for one in recorders]
    best: list[int] = []
    named = [place for place, key in enumerate(keys) if all(key)]
    for first in named:
        chosen = [first]
        for place in named:
            person, laboratory = keys[place]
            if all(person != keys[i][0] and laboratory != keys[i][1] for i in chosen):
                chosen.append(place)
        if len(chosen) > len(best):
            best = chosen
    return sorted(best)
