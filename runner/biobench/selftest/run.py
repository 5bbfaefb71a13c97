"""The self test: measures every part and compares it with the recorded measurements.

In: the recorded measurements and this machine. Out: a report with the level that each part reaches,
the first stage that fails, and what to do next.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from biobench.errors import BiobenchError
from biobench.report.document import STRENGTH
from biobench.repro.environment import available_cores, processor_name
from biobench.repro.software import MOVE_FEATURES, libc, package_versions
from biobench.selftest.golden import Golden, distance
from biobench.selftest.part import Conditions, SelftestPart

LEFT_OUT = "left out"
EQUAL, NEAR, DIFFERENT, FAILED = "equal", "within tolerance", "different", "failed"


@dataclass(frozen=True)
class SelftestFinding:
    """The outcome of one part.

    Attributes:
        outcome: One of :data:`EQUAL`, :data:`NEAR`, :data:`DIFFERENT`, :data:`FAILED` (an error, in
            ``detail``) and :data:`LEFT_OUT` (why, in ``detail``).
        level: The level that the part reaches, None for none.
        expected: The level that this machine is expected to reach.
        digest: Digest of the measurement.
    """

    part: SelftestPart
    outcome: str
    level: str | None
    expected: str
    detail: str = ""
    digest: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """True where the part reaches the expected level; a part that is left out claims
        nothing."""
        if self.outcome == LEFT_OUT:
            return True
        return self.level is not None and STRENGTH.index(self.level) <= STRENGTH.index(
            self.expected
        )


@dataclass(frozen=True)
class Machine:
    """The facts of this machine that decide bits.

    Attributes:
        gpu: None where no GPU takes part.
        libc: None where the C library's version is unknown.
    """

    cpu: str
    gpu: str | None
    architecture: str
    cores: int
    packages: Mapping[str, str]
    libc: str | None


def this_machine(device: str) -> Machine:
    """Processor, GPU and versions of this process."""
    gpu = None
    if device == "cuda":
        import torch

        gpu = torch.cuda.get_device_name(0)
    return Machine(
        cpu=processor_name(),
        gpu=gpu,
        architecture=platform.machine(),
        cores=available_cores(),
        packages=package_versions(MOVE_FEATURES),
        libc=libc(),
    )


def expected_level(part: SelftestPart, device: str) -> str:
    """The level that a part is expected to reach: what a GPU computes is compared with what the
    exact engine computed."""
    return "T" if part.on_gpu and device == "cuda" else part.level


def measure(
    parts: Sequence[SelftestPart],
    golden: Golden,
    conditions: Conditions,
    tolerance: Mapping[str, float],
    tell: Callable[[SelftestFinding], None] = lambda finding: None,
) -> list[SelftestFinding]:
    """Measure every part in order. An error ends its part
    alone.

    Args:
        parts: The parts.
        golden: Recorded measurements.
        conditions: Device, threads and size of the measurement.
        tolerance: Bounds of level T by name.
        tell: Called with each finding.
    """
    findings = []
    for part in parts:
        findings.append(_finding(part, golden, conditions, tolerance))
        tell(findings[-1])
    return findings


def _finding(
    part: SelftestPart, golden: Golden, conditions: Conditions, tolerance: Mapping[str, float]
) -> SelftestFinding:
    expected = expected_level(part, conditions.device)
    lacking = [name for name in part.needs if find_spec(name) is None]
    if lacking:
        return SelftestFinding(
            part, LEFT_OUT, None, expected, f"{', '.join(lacking)} is not installed"
        )
    started = time.perf_counter()
    try:
        found = part.measure(conditions)
        recorded = golden.parts.get(part.id)
        if recorded is None:
            raise BiobenchError(
                f"no recorded measurement for part {part.id}",
                remedy="install biobench again; in a checkout: run tools/make_golden.py",
            )
    except Exception as error:  # noqa: BLE001  # a broken library raises anything
        detail = f"{type(error).__name__}: {error}"
        return SelftestFinding(part, FAILED, None, expected, " ".join(detail.split()))
    seconds = time.perf_counter() - started
    if found.digest == recorded.digest:
        return SelftestFinding(
            part, EQUAL, part.level, expected, digest=found.digest, seconds=seconds
        )
    apart = distance(part, found, recorded, tolerance)
    return SelftestFinding(
        part,
        NEAR if apart.near else DIFFERENT,
        "T" if apart.near else None,
        expected,
        apart.text,
        found.digest,
        apart.numbers,
        seconds,
    )


@dataclass(frozen=True)
class SelftestReport:
    """The whole self test."""

    machine: Machine
    golden: Golden
    findings: Sequence[SelftestFinding]

    @property
    def failures(self) -> list[SelftestFinding]:
        """Parts that do not reach the expected level, in the order of the flow."""
        return [finding for finding in self.findings if not finding.holds]

    @property
    def reproduces(self) -> bool:
        """True where every part that could be measured holds its level."""
        return not self.failures

    def levels(self) -> dict[str, str | None]:
        """The weakest level of each stage's parts; None where one reaches none."""
        found: dict[str, str | None] = {}
        for finding in self.findings:
            if finding.outcome == LEFT_OUT:
                continue
            stage, level = finding.part.stage, finding.level
            before = found.get(stage, "S")
            found[stage] = (
                None if before is None or level is None else max(before, level, key=STRENGTH.index)
            )
        return found

    def other_versions(self) -> list[str]:
        """Software that can move bits and whose version here differs from the recorded one."""
        found = [
            f"{name} {self.machine.packages[name]} instead of {version}"
            for name, version in self.golden.packages.items()
            if self.machine.packages.get(name, version) != version
        ]
        if self.machine.libc != self.golden.libc:
            found.append(
                f"{self.machine.libc or 'another C library'} instead of {self.golden.libc}"
            )
        return found

    def document(self) -> dict[str, Any]:
        """The report as a JSON value."""
        return {
            "schema": "biobench.selftest/1",
            "reproduces": self.reproduces,
            "first_failure": self.failures[0].part.stage if self.failures else None,
            "levels": self.levels(),
            "machine": {
                "cpu": self.machine.cpu,
                "gpu": self.machine.gpu,
                "architecture": self.machine.architecture,
                "cores": self.machine.cores,
                "packages": dict(self.machine.packages),
                "libc": self.machine.libc,
            },
            "recorded": {
                "cpu": self.golden.cpu,
                "packages": dict(self.golden.packages),
                "libc": self.golden.libc,
            },
            "parts": [
                {
                    "stage": finding.part.stage,
                    "part": finding.part.name,
                    "outcome": finding.outcome,
                    "level": finding.level,
                    "expected": finding.expected,
                    "detail": finding.detail or None,
                    "digest": finding.digest,
                    "difference": dict(finding.numbers),
                    "seconds": round(finding.seconds, 3),
                }
                for finding in self.findings
            ],
        }
