"""Section 6.3: each keyword of the schemas at its limit, what is valid beside what is not."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.case import VectorFile
from vectors.document_checks import SECTION, document_case
from vectors.document_parts import CASES, table
from vectors.sound_documents import OPTIONS, D, K, M, S, T, put

SIGNED = {"person": "Ada Byron", "laboratory": "A house"}
OTHER = {**SIGNED, "person": "Mary Somerville"}
SUITE = (K, D, T, S)
DIGEST = 64 * "c"


def keywords() -> CASES:
    """Documents, an edit, and the error id, None where they are sound."""
    weights = ("models", 0, "weights_sha256")
    quantiles = ("interval", "t_quantiles", 0)
    return {
        "constant": ((K,), put(K, "constants", "vote", "weighted"), "value"),
        "constant-of-another-type": ((K,), put(K, "constants", "exclude_self", 1), "value"),
        "pattern-in-capitals": ((D,), put(D, *OPTIONS, "cluster", "unit", "Day"), "value"),
        "pattern-of-one-character-beyond-16-bits": ((D,), table(delimiter="\U0001f40b"), None),
        "pattern-of-one-character-given-two": ((D,), table(delimiter="::"), "value"),
        "at-its-maximum": (SUITE, put(S, "tolerance", "feature_cosine", 1), None),
        "above-its-maximum": (SUITE, put(S, "tolerance", "feature_cosine", 1.5), "value"),
        "at-its-minimum": (SUITE, put(S, "tolerance", "score_difference", 0), None),
        "below-its-minimum": (SUITE, put(S, "tolerance", "score_difference", -0.5), "value"),
        "at-what-must-be-exceeded": (SUITE, put(S, "comparison", "alpha", 0), "value"),
        "below-what-must-be-exceeded": (SUITE, put(S, "comparison", "alpha", -0.5), "value"),
        "above-what-must-not-be-reached": (SUITE, put(S, "comparison", "alpha", 1.5), "value"),
        "pair-of-one": (SUITE, put(S, *quantiles, [4]), "value"),
        "pair-of-three": (SUITE, put(S, *quantiles, [4, 2.7764, 1]), "value"),
        "two-objects": ((D,), put(D, "files", "recorded_by", [SIGNED, OTHER]), None),
        "one-object-twice": (
            (D,),
            put(D, "files", "recorded_by", [SIGNED, SIGNED]),
            "duplicate-id",
        ),
        "second-item-of-a-list": ((K, D, T), put(T, "metrics", 1, "id", "xyzzy"), "value"),
        "members-of-any-name": ((M,), put(M, *weights, {"a.bin": DIGEST, "b.bin": DIGEST}), None),
        "value-of-a-member-of-any-name": (
            (M,),
            put(M, *weights, {"a.bin": DIGEST, "b.bin": "xyzzy"}),
            "value",
        ),
        "number-as-flag": ((K, D, T), put(T, "metrics", 1, "higher_is_better", 1), "type"),
        "list-as-object": ((K, D, T), put(T, "compat", []), "type"),
        "null-as-text": ((K,), put(K, "title", None), "type"),
        "null-as-object": ((K, D, T), put(T, "compat", None), "type"),
        "whole-number-as-number": (SUITE, put(S, "tolerance", "equal_predictions", 1), None),
        "text-as-number": (SUITE, put(S, "tolerance", "equal_predictions", "1"), "type"),
    }


def files() -> Iterator[VectorFile]:
    yield SECTION.file(
        "keywords",
        "Each keyword of the schemas at its limit, sound documents beside those with one flaw.",
        [document_case(f"keywords/{k}", *given) for k, given in keywords().items()],
        operation="check",
        source="jsonschema",
    )
