"""The outcome of one call of ``biobench verify``.

In: a path and where its evidence may lie. Out: reports about results and about pairs of them, for
people and as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.store import Store
from biobench.errors import UsageError, VerificationError, shown
from biobench.report.results import Results
from biobench.run.options import Options
from biobench.spec.load import Spec
from biobench.verify.against import ResultPair, compare, same_from_predictions
from biobench.verify.check import Places, check
from biobench.verify.curve import check_curve
from biobench.verify.findings import Report, lines
from biobench.verify.from_data import Images
from biobench.verify.load import CurveFile, open_any, open_result
from biobench.verify.loaded_model import check_loaded
from biobench.verify.rules import suite_of, task_rules
from biobench.verify.sample import Sample, check_items

if TYPE_CHECKING:
    from biobench.models.base import Backbone

RESULT = "result"
OTHER = "other result"
CURVE = "curve"


@dataclass(frozen=True)
class ResultComparison:
    """The comparison of a result with another one, or with itself when it was run again."""

    report: Report
    same_from_predictions: bool


@dataclass(frozen=True)
class Verdict:
    """Reports by name: of each result (a curve has several), and of each comparison.

    Attributes:
        results: The named results, without the one of ``--against``; they can be run again.
    """

    results: Mapping[str, Results]
    checked: Mapping[str, Report]
    compared: Mapping[str, ResultComparison] = field(default_factory=dict)

    def with_comparison(self, path: Path, spec: Spec, places: Places, theirs: Images) -> Verdict:
        """Add the comparison with another result, which is checked as well.

        Args:
            path: The other result.
            spec: The specification.
            places: Where the evidence of the result lies.
            theirs: Where the images of the other one are.

        Raises:
            UsageError: This is a learning curve, which has several results.
            DataError: The other result cannot be read.
        """
        if list(self.results) != [RESULT]:
            raise UsageError(
                "a learning curve has several results",
                where="--against",
                remedy="compare the folders of two sizes",
            )
        ours, other = self.results[RESULT], open_result(path)
        report = check(other, spec, Places(theirs, places.stores))
        checked = {**self.checked, OTHER: report}
        both = replace(self, checked=checked)
        if not both.readable:
            return both
        pair = ResultPair(ours, other, places.images, theirs, places.stores)
        comparison = ResultComparison(compare(pair, spec), same_from_predictions(ours, other))
        return replace(both, compared={"against the other": comparison})

    def with_rerun(
        self,
        name: str,
        again: Results,
        spec: Spec,
        places: Places,
        options: Options,
        *,
        given: bool,
    ) -> Verdict:
        """Add the comparison with the result of running again and its store.

        Args:
            name: Name of the result.
            again: The result of running again.
            spec: The specification.
            places: Where the evidence of the result lies.
            options: Options of the run again, whose store has its evidence.
            given: True where the user named the model.
        """
        ours = self.results[name]
        assert options.store is not None
        images = replace(places.images, data=options.data)
        pair = ResultPair(ours, again, images, images, [Store(options.store), *places.stores])
        report = compare(pair, spec)
        models = (results.document["model"] for results in (ours, again))
        report = replace(report, findings=(*report.findings, *check_loaded(*models, given=given)))
        comparison = ResultComparison(report, same_from_predictions(ours, again))
        title = "run again" if name == RESULT else f"{name} run again"
        return replace(self, compared={**self.compared, title: comparison})

    def with_sample(
        self,
        name: str,
        spec: Spec,
        places: Places,
        backbone: Backbone,
        sample: Sample,
        *,
        given: bool,
    ) -> Verdict:
        """Add the check of a sample of a result's items.

        Args:
            name: Name of the result.
            spec: The specification.
            places: Where its images are.
            backbone: The model.
            sample: How many items are drawn, and by which seed.
            given: True where the user named the model.
        """
        results = self.results[name]
        rules, _ = task_rules(results, spec, places.images.own)
        suite = suite_of(results, spec)
        if suite is None:
            return self
        report = check_items(
            results, list(rules.values()), suite, places.images, backbone, sample, given=given
        )
        title = "sample" if name == RESULT else f"{name}, sample"
        return replace(self, checked={**self.checked, title: report})

    def _reports(self) -> list[tuple[str, Report]]:
        compared = [(name, comparison.report) for name, comparison in self.compared.items()]
        return [*self.checked.items(), *compared]

    @property
    def readable(self) -> bool:
        """True where every document has the form of a result, so that it can be checked further."""
        return all(report.status("document") is not False for report in self.checked.values())

    @property
    def holds(self) -> bool:
        """True where every report holds."""
        return all(report.holds for _, report in self._reports())

    def document(self) -> dict[str, Any]:
        """The reports as a JSON value."""
        first = next((report.first for _, report in self._reports() if not report.holds), None)
        compared = {
            name: {
                "same_from_predictions": comparison.same_from_predictions,
                **comparison.report.document(),
            }
            for name, comparison in self.compared.items()
        }
        return {
            "holds": self.holds,
            "first": first,
            "checked": {name: report.document() for name, report in self.checked.items()},
            "compared": compared,
        }

    def lines(self) -> list[str]:
        """The reports as text: a table for each."""
        out: list[str] = []
        for name, report in self.checked.items():
            out += ["", f"{name}{_described(self.results.get(name))}", *lines(report, "check")]
        for name, comparison in self.compared.items():
            same = "the same digests" if comparison.same_from_predictions else "other digests"
            out += [
                "",
                name,
                *lines(comparison.report, "compare"),
                f"from the predictions on: {same}",
            ]
            if comparison.report.first is not None:
                out.append(f"the first stage that differs: {comparison.report.first}")
        return [shown(line) for line in out[1:]]

    def raise_unless_it_holds(self, where: str) -> None:
        """Raise VerificationError with the first stage that does not hold."""
        for name, report in self._reports():
            if report.first is None:
                continue
            finding = report.of(report.first)[0]
            title = "" if name == RESULT else f"{name}, "
            raise VerificationError(
                f"{title}stage {report.first}: {shown(str(finding))}",
                where=shown(where),
                remedy="docs/verifying.md says what each stage means",
            )


def _described(results: Results | None) -> str:
    if results is None:
        return ""
    document = results.document
    try:
        model = document["model"]
        named = f"{model['name']} ({model['resolved']})"
        own = document["division"] == "open"
        tasks = "tasks of your own" if own else f"suite {document['suite']}"
        return f": model {named}, {tasks}, division {document['division']}"
    except (KeyError, TypeError):
        return ""


def verify_one(path: Path, spec: Spec, places: Places) -> Verdict:
    """Check a result, a submission or a learning curve by itself.

    Raises:
        DataError: The document, or a file that it names, cannot be read.
    """
    opened = open_any(path)
    if not isinstance(opened, CurveFile):
        return Verdict({RESULT: opened}, {RESULT: check(opened, spec, places)})
    report, results = check_curve(opened, spec)
    sizes = {name: check(size, spec, places) for name, size in results.items()}
    return Verdict(results, {CURVE: report, **sizes})
