"""The page of a result: what a model scores, and what it gets wrong.

In: a result, and of each scored task what is at hand. Out: HTML text, one file that needs nothing
beside it, or a page of a site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from biobench.report.intervals import REASONS, interval_words, marks
from biobench.report.page.detail import render_detail
from biobench.report.page.evidence import PageEvidence, inline_pictures, packed_rows
from biobench.report.page.examples import examples_of
from biobench.report.page.plot import score_plot, score_rows
from biobench.report.page.render import Assets, inline_assets, render
from biobench.report.result_document import without_costs
from biobench.report.results import Results
from biobench.spec.documents import Task

SCRIPTS = ("specification.js", "check.js", "page.js")


def render_page(
    results: Results,
    evidence: Mapping[str, PageEvidence] | None = None,
    constants: Mapping[str, Any] | None = None,
    notes: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """The page as one file; all values of the document are escaped.

    Args:
        results: The result.
        evidence: By task; tasks without it show their score alone.
        constants: The constants of section "Intervals", as suite.yaml has them; None leaves out
            the page's check of itself.
        notes: By task, what is to be known of its data.
    """
    from markupsafe import Markup

    held = evidence or {}
    details = {
        id: Markup(
            render_detail(
                id, results.tasks[id], one, inline_pictures,
                examples=examples_of(one, inline_pictures),
            )
        )
        for id, one in held.items()
    }  # fmt: skip
    rows = {id: packed_rows(one.predictions) for id, one in held.items()} if constants else {}
    documents = {id: one.task for id, one in held.items()}
    return page_of(
        results, documents, inline_assets(SCRIPTS), constants, details=details, rows=rows,
        notes=notes,
    )  # fmt: skip


def page_of(
    results: Results,
    documents: Mapping[str, Task | None],
    assets: Assets,
    constants: Mapping[str, Any] | None,
    *,
    details: Mapping[str, Any],
    rows: Mapping[str, str],
    notes: Mapping[str, Sequence[str]] = MappingProxyType({}),
    site: Mapping[str, Any] | None = None,
) -> str:
    """The page of a result.

    Args:
        results: The result.
        documents: Documents of tasks, as far as they are here.
        assets: Scripts and style.
        constants: As :func:`render_page`.
        details: By task, HTML of its details, where the page holds them.
        rows: By task, predictions, where the page holds them.
        notes: By task, what is to be known of its data.
        site: Addresses of the site's ``index``, and of ``data`` and ``scores`` that are loaded by
            need; its ``group`` and ``key`` among the scores; why predictions are ``absent``, by
            task. None for a page that stands alone.
    """
    ran = any(not entry["declared"] for entry in results.tasks.values())
    check = None
    if constants is not None and ran:
        check = {
            "document": without_costs(results.document),
            "suite": dict(constants),
            "site": site,
        }
    return render(
        "result.html",
        result=results.document,
        plot=score_plot(score_rows(results.document)),
        words=interval_words(results.tasks.values()),
        marks=marks,
        ran=ran,
        declared=_declared(results),
        reasons=REASONS,
        documents=documents,
        assets=assets,
        details=details,
        rows=rows,
        notes=notes,
        check=check,
        site=site,
    )


def _declared(results: Results) -> dict[str, list[str]]:
    """Tasks that were not run, by where their scores are from."""
    found: dict[str, list[str]] = {}
    for id, entry in results.tasks.items():
        if entry["declared"]:
            found.setdefault(str(entry["source"]), []).append(id)
    return found
