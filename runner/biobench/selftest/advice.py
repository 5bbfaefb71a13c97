"""The next steps for a user after the self test.

In: the report. Out: lines for people, the most useful first.
"""

from __future__ import annotations

from biobench.selftest.run import FAILED, LEFT_OUT, NEAR, SelftestFinding, SelftestReport

REPORT_IT = "if it stays so, report it with the output of `biobench selftest --json`"


def verdict(report: SelftestReport) -> str:
    """One line: the parts that this machine repeats, or the first stage that it does not."""
    left_out = [finding for finding in report.findings if finding.outcome == LEFT_OUT]
    if not report.reproduces:
        first = report.failures[0]
        return f"stage {first.part.stage} does not repeat here: {first.part.name}: {first.detail}"
    if len(left_out) == len(report.findings):
        return "nothing could be measured"
    what = "every part that can be measured here" if left_out else "every part"
    if any(finding.outcome == NEAR for finding in report.findings):
        return f"{what} is as near as this machine can come; some are within tolerance, not equal"
    return f"{what} repeats bit for bit"


def next_steps(report: SelftestReport) -> list[str]:
    """The next steps, one line each."""
    if report.failures:
        return _remedies(report)
    steps: list[str] = []
    left_out = [finding for finding in report.findings if finding.outcome == LEFT_OUT]
    if left_out:
        stages = ", ".join(dict.fromkeys(finding.part.stage for finding in left_out))
        steps.append(
            f"run it with the full installation or image as well: {stages} were not tested"
        )
        return steps
    if report.machine.gpu is not None:
        steps.append(
            f"results of {report.machine.gpu} repeat on that GPU model alone (level E); give "
            "--device cpu for bits that any processor repeats"
        )
    steps.append("score a model: `biobench run --model NAME --data DIR`")
    steps.append("compare with another lab's result: `biobench verify RESULT --against OTHER`")
    return steps


def _remedies(report: SelftestReport) -> list[str]:
    steps = []
    stages = {finding.part.stage for finding in report.failures}
    versions = report.other_versions()
    if "pixels" in stages:
        steps.append(
            "install biobench again, or use the image: the decoder or the demo images are not "
            f"those that were released; {REPORT_IT}"
        )
    if stages & {"features", "predictions"}:
        if versions:
            steps.append(f"install the recorded versions, or use the image: {', '.join(versions)}")
        else:
            steps.append(f"run it in the image biobench:1.0 on this machine; {REPORT_IT}")
        if all(_is_near(finding) for finding in report.failures):
            steps.append("until then results of this machine hold level T, within tolerance")
    if "score" in stages:
        steps.append(f"install biobench again, or use the image; {REPORT_IT}")
    steps += [
        f"{finding.part.id} failed: {finding.detail}"
        for finding in report.failures
        if finding.outcome == FAILED
    ]
    return steps


def _is_near(finding: SelftestFinding) -> bool:
    return finding.outcome == NEAR
