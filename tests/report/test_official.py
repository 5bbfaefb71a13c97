"""Files of a data set that an official result may rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from biobench.report.official import Claim, unofficial_reasons
from biobench.spec.load import load_spec

SPEC = load_spec()
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("digest", "by", "compared", "reason"),
    [
        (None, (), True, "the specification has no hash of its files"),
        (DIGEST, (), True, "fewer than two have recorded the hash of its files"),
        (DIGEST, ("Anna",), True, "fewer than two have recorded the hash of its files"),
        (DIGEST, ("Anna", "Bo"), False, "were not compared with the specification's hash"),
        (DIGEST, ("Anna", "Bo"), True, None),
    ],
)
def test_files_that_two_people_recorded(
    digest: str | None, by: Sequence[str], compared: bool, reason: str | None
) -> None:
    """A digest that one person alone recorded makes no result official."""
    suite = SPEC.suites["biobench"]
    files = {"count": 1, "bytes": 1, "digest": digest, "recorded_by": list(by)}
    claim = Claim(
        division="official",
        suite=suite,
        run=suite.members,
        declared=(),
        own=False,
        n_train=None,
        counts=(),
        datasets=[replace(SPEC.dataset("beluga"), files=files)],
        compared=compared,
        bad_images=0,
        resolved="hf:owner/name",
        source="hub",
        revision="0" * 40,
        trusted=True,
        pinned=True,
        half_on_cpu=False,
        level_t=False,
    )
    reasons = unofficial_reasons(claim)
    if reason is None:
        assert reasons == []
    else:
        assert len(reasons) == 1
        assert reason in reasons[0]
