"""``biobench selftest``: compare the bits of every stage on this machine with recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from biobench._common.output import print_json, print_line
from biobench.commands.options import Device, ReportAsJson, Threads

if TYPE_CHECKING:
    from biobench.selftest.run import Machine, SelftestFinding

WIDTHS = (12, 21, 7)


def selftest(
    device: Annotated[Device, typer.Option(help="Where models and probes run.")] = Device.auto,
    workers: Threads = None,
    json: ReportAsJson = False,
) -> None:
    """Measure pixels, features, predictions and scores, and compare them with recorded ones; exit 6
    where a stage does not repeat on this machine."""
    from biobench.errors import VerificationError
    from biobench.repro.environment import available_cores
    from biobench.selftest.advice import next_steps, verdict
    from biobench.selftest.golden import read_golden
    from biobench.selftest.part import Conditions
    from biobench.selftest.parts import PARTS
    from biobench.selftest.run import SelftestReport, measure, this_machine
    from biobench.spec.load import load_spec

    golden = read_golden()
    conditions = Conditions(device=_device(device), workers=workers or available_cores())
    machine = this_machine(conditions.device)
    if not json:
        _print_machine(machine)
    findings = measure(
        PARTS,
        golden,
        conditions,
        load_spec().tolerance,
        (lambda finding: None) if json else _print_finding,
    )
    report = SelftestReport(machine, golden, findings)
    steps = next_steps(report)
    if json:
        document = {**report.document(), "verdict": verdict(report), "next": steps}
        print_json(document)
    else:
        levels = (f"{stage} {level or 'none'}" for stage, level in report.levels().items())
        print_line()
        print_line(f"levels reached: {', '.join(levels)}")
        print_line(verdict(report))
        for step in steps:
            print_line(f"next: {step}")
    if not report.reproduces:
        raise VerificationError(verdict(report), where="selftest", remedy=steps[0])


def _device(asked: Device) -> str:
    """``cpu`` or ``cuda``; without torch only ``cpu``."""
    from importlib.util import find_spec

    if asked is Device.cpu or (asked is Device.auto and find_spec("torch") is None):
        return "cpu"
    from biobench.embed.forward import choose_device

    return choose_device(asked.value)


def _print_machine(machine: Machine) -> None:
    gpu = f"GPU {machine.gpu}, " if machine.gpu else ""
    print_line(f"{gpu}CPU {machine.cpu} ({machine.architecture}, {machine.cores} cores)")
    print_line(_columns("stage", "part", "level", "result"), flush=True)


def _print_finding(finding: SelftestFinding) -> None:
    detail = f" ({finding.detail})" if finding.detail else ""
    level = finding.level or "-"
    print_line(
        _columns(finding.part.stage, finding.part.name, level, finding.outcome + detail), flush=True
    )


def _columns(*cells: str) -> str:
    fixed = "".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=False))
    return fixed + cells[-1]
