"""The conditions of an official result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from biobench.report.official import OfficialClaim, unofficial_reasons
from biobench.spec.load import load_spec

SPEC = load_spec()
DIGEST = "sha256:" + "0" * 64
ANNA, BO = ({"person": p, "laboratory": f"{p}'s"} for p in ("Anna", "Bo"))
NEAR = {"person": "Cy", "laboratory": "ANNA\u2019s "}
BOTH = [ANNA, BO]
NOT_TWO = "no two people of different laboratories have recorded the hash of its files"


def claim(files: dict[str, Any] | None = None, **changes: Any) -> OfficialClaim:
    """An official result, but for what is given."""
    suite = SPEC.suites["biobench"]
    whole = {"count": 1, "bytes": 1, "digest": DIGEST, "recorded_by": BOTH}
    official = OfficialClaim(
        division="official",
        suite=suite,
        run=suite.members,
        declared=(),
        own=False,
        n_train=None,
        counts=(),
        datasets=[replace(SPEC.dataset("beluga"), files=files or whole)],
        compared=True,
        bad_images=0,
        resolved="hf:owner/name",
        source="hub",
        revision="0" * 40,
        trusted=True,
        pinned=True,
        micro_batch=None,
        precision="float32",
        gpu=False,
        level_t=False,
    )
    return replace(official, **changes)


@pytest.mark.parametrize(
    ("digest", "by", "compared", "reason"),
    [
        (None, (), True, "the specification has no hash of its files"),
        (DIGEST, (), True, NOT_TWO),
        (DIGEST, (ANNA,), True, NOT_TWO),
        (DIGEST, (ANNA, NEAR), True, NOT_TWO),
        (DIGEST, BOTH, False, "were not compared with the specification's hash"),
        (DIGEST, BOTH, True, None),
        (DIGEST, (ANNA, NEAR, BO), True, None),
    ],
)
def test_files_that_two_people_recorded(
    digest: str | None, by: Sequence[dict[str, str]], compared: bool, reason: str | None
) -> None:
    """A digest that one person or one laboratory alone recorded makes no result official."""
    files = {"count": 1, "bytes": 1, "digest": digest, "recorded_by": list(by)}
    reasons = unofficial_reasons(claim(files=files, compared=compared))
    if reason is None:
        assert reasons == []
    else:
        assert len(reasons) == 1
        assert reason in reasons[0]


@pytest.mark.parametrize(
    ("gpu", "precision", "micro_batch", "reason"),
    [
        (False, "float32", None, None),
        (False, "float32", 32, None),
        (False, "float32", 16, "micro-batches of 16 rows"),
        (False, "bfloat16", 32, "bfloat16 on the CPU"),
        (True, "bfloat16", 256, None),
        (True, "float16", 128, None),
        (True, "float32", 32, None),
        (True, "float32", 1, "micro-batches of 1 row,"),
    ],
)
def test_precision_and_micro_batch(
    gpu: bool, precision: str, micro_batch: int | None, reason: str | None
) -> None:
    """A GPU may have sizes and precisions that the specification names, a CPU has one of each; a
    program's features depend on neither."""
    made = claim(gpu=gpu, precision=precision, micro_batch=micro_batch)
    reasons = unofficial_reasons(made)
    assert [line for line in reasons if reason is None or reason not in line] == []
    assert len(reasons) == (reason is not None)
