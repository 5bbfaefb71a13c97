"""The page of the models of one run: which to take, with a link to what each gets wrong.

In: outcomes of models, and their table. Out: a page beside the folders of their results.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from biobench._common.files import write_atomically
from biobench.compare.groups import Group
from biobench.compare.site.index import INDEX_SCRIPTS, SiteTable, render_index
from biobench.compare.site.rows import key_of
from biobench.compare.standings import Standings
from biobench.report.earlier import MODELS_PAGE, PAGE
from biobench.report.page.render import inline_assets
from biobench.run.failures import Failures
from biobench.run.many import ModelRun, names_of
from biobench.run.out_folder import page_beside


def write_models_page(runs: Sequence[ModelRun], standings: Standings, unranked: str | None) -> Path:
    """Write the page of a run's models where its results are, and return its path.

    Args:
        runs: Outcomes of the models.
        standings: The table of those that have a result.
        unranked: The reason why their ranks are not known, None where they are.

    Raises:
        UsageError: The page cannot be written.
    """
    options = runs[0].options
    keys = tuple(map(key_of, standings.rows))
    folders = {
        key: row.folder.name
        for key, row in zip(keys, standings.rows, strict=True) if row.folder is not None
    }  # fmt: skip
    pages = {key: f"{quote(folder)}/{PAGE}" for key, folder in folders.items()}
    digests = {key: row.digests["result"] for key, row in zip(keys, standings.rows, strict=True)}
    text = render_index(
        [SiteTable(0, Group(standings.rows, None), standings, keys, unranked)],
        inline_assets(INDEX_SCRIPTS),
        lambda row: pages.get(row["key"]),
        failures={
            name: Failures.reason(run.error)
            for name, run in zip(names_of(runs), runs, strict=True) if run.error is not None
        },
        shows={folder: digests[key] for key, folder in folders.items()},
    )  # fmt: skip
    page = page_beside(options, MODELS_PAGE, standings.rows[0].document)
    write_atomically(page, text.encode())
    return page
