"""This implementation's answers to vectors (SPEC.md, "Conformance").

In: vectors and a specification. Out: an answer a case, as a JSON value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biobench._common.optional_dependencies import missing_library
from biobench.conformance.compare_answers import difference
from biobench.conformance.operations import Invalid, operations
from biobench.conformance.vectors import Vectors
from biobench.errors import SpecError
from biobench.spec.canonical import canonical_json
from biobench.spec.load import Spec


@dataclass(frozen=True)
class Outcome:
    """One case: its answer, and its difference from the vector's output, None where it is right.

    Attributes:
        path: The vector file, below ``conformance/``.
        failed: True where the operation ended without an answer; ``answer`` is then None.
        lacking: The library that the operation lacks, where it is one that smaller installations do
            without; ``answer`` is then None.
    """

    id: str
    path: str
    folder: str
    answer: Any
    wrong: str | None
    failed: bool = False
    lacking: str | None = None


def answer(operation: str, given: Mapping[str, Any], spec: Spec) -> Any:
    """The output of an operation as the JSON value that a reader of the vector file gets.

    Raises:
        SpecError: This implementation does not have the operation.
        ValueError: The output has no JSON form.
        Exception: Whatever the operation raises, except Invalid.
    """
    known = operations()
    if operation not in known:
        raise SpecError(
            f"this implementation has no operation {operation!r}",
            remedy="use the version of biobench that the vectors are of",
        )
    try:
        output = known[operation](given, spec)
    except Invalid as error:
        output = {"error": error.error}
    return json.loads(canonical_json(output))


def run(files: Sequence[Vectors], spec: Spec) -> list[Outcome]:
    """Answer every case of the files, in order.

    An operation that fails gives a wrong answer, None; one for which a library of models is not
    installed gives none.
    """
    outcomes: list[Outcome] = []
    for vectors in files:
        for case in vectors.cases:
            named = (case.id, vectors.path, vectors.folder)
            try:
                given = answer(vectors.operation, case.input, spec)
            except Exception as error:  # noqa: BLE001 - whatever fails is a wrong answer
                lacking = missing_library(error)
                if lacking is not None:
                    outcomes.append(Outcome(*named, None, None, True, str(lacking)))
                    continue
                reason = f"ended with {type(error).__name__}: {' '.join(str(error).split())}"
                outcomes.append(Outcome(*named, None, reason, failed=True))
                continue
            wrong = difference(case.output, given)
            outcomes.append(Outcome(*named, given, wrong))
    return outcomes
