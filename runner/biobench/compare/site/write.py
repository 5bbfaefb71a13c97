"""Writing a site.

In: results. Out: a folder with a page of all of them, a page a result and a page a task;
predictions and details lie in files that a page loads by need.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from biobench.compare.groups import groups_of
from biobench.compare.interval_cells import without_interval
from biobench.compare.ranking import ranked_table
from biobench.compare.results import comparable_tasks
from biobench.compare.site.disagreements import MOST_MODELS, contradicted
from biobench.compare.site.evidence import SavedEvidence, evidence_or_none
from biobench.compare.site.index import (
    INDEX_SCRIPTS,
    SiteTable,
    label_of,
    render_index,
    sources_of,
)
from biobench.compare.site.rows import key_of, ranks, row_of
from biobench.compare.standings import Standings, standings
from biobench.errors import BiobenchError, UsageError, shown
from biobench.report.intervals import interval_words
from biobench.report.page.detail import Picture, render_detail
from biobench.report.page.evidence import PageEvidence, packed, packed_rows
from biobench.report.page.examples import examples_of
from biobench.report.page.render import ASSETS, linked_assets, render
from biobench.report.result_page import SCRIPTS, page_of
from biobench.report.results import Results
from biobench.spec.documents import Task
from biobench.spec.load import Spec

INDEX = "index.html"
MARK = "biobench-site.json"
"""The file by which a folder is known as a site, which a new one may replace."""
SCHEMA = "biobench.site/1"
MOST_RANKED = 40
"""Most models whose ranks are found unasked: every pair of them is tested."""
MOST_CONTRADICTED = 60
"""Most items of a task whose label the best models contradict."""


def write_site(
    results: Sequence[Results],
    spec: Spec,
    folder: Path,
    *,
    data: Path | None,
    own: Mapping[str, Task],
    pictures: bool,
    ranked: bool,
) -> None:
    """Write the site of ``results`` to ``folder``, which replaces an earlier site there.

    Args:
        results: Results of any divisions; the same one twice counts once.
        spec: The specification.
        folder: A folder that is not there, is empty or is a site.
        data: Folder of the data sets, for pictures; None for the embedded ones alone.
        own: Tasks of a person's own by id.
        pictures: False leaves pictures out.
        ranked: Mark the scores that may be the best also in tables of more than ``MOST_RANKED``
            models, and do not go on where they cannot be known.

    Raises:
        UsageError: The folder holds something else.
        BiobenchError: With ``ranked``, as :func:`standings`; or the folder cannot be written.
    """
    once = list({result.digests["result"]: result for result in results}.values())
    tables = _tables(once, spec, ranked=ranked)
    with _replacing(folder) as fresh:
        for name in ("assets", "models", "tasks", "data"):
            (fresh / name).mkdir()
        for name in ("page.css", *{*SCRIPTS, *INDEX_SCRIPTS}):
            shutil.copyfile(ASSETS / name, fresh / "assets" / name)
        saved = SavedEvidence(spec, fresh, data, own, pictures)
        for table in tables:
            for key, result in zip(table.keys, table.rows, strict=True):
                _write_result(table, key, result, saved)
            for task in table.standings.tasks:
                _write_task(table, task, saved)
        scores = [{task: ranks(t.rows, t.keys, task) for task in t.standings.tasks} for t in tables]
        _write_data(fresh / "data/scores.js", "scores", scores)
        assets = linked_assets("assets/", INDEX_SCRIPTS)
        index = render_index(
            tables, assets, lambda row: f"models/{row['key']}.html",
            lambda table, task: f"tasks/{task_page(table, task)}",
        )  # fmt: skip
        (fresh / INDEX).write_text(index, encoding="utf-8")
        _write_json(fresh / MARK, {"schema": SCHEMA, "results": len(once)})


def _tables(results: Sequence[Results], spec: Spec, *, ranked: bool) -> list[SiteTable]:
    found: list[SiteTable] = []
    for group in groups_of(results):
        table, unranked = _ranked(group.results, spec, asked=ranked)
        keys = tuple(map(key_of, table.rows))
        found.append(SiteTable(len(found), group, table, keys, unranked))
    return found


def _ranked(results: Sequence[Results], spec: Spec, *, asked: bool) -> tuple[Standings, str | None]:
    """The table of a group with its ranks where they are quick or asked for, else with the reason
    why it has none."""
    if not asked and len(results) <= MOST_RANKED:
        return ranked_table(results, spec)
    (table,) = standings(results, spec, ranks=asked)
    if asked or not comparable_tasks(table.rows, table.tasks):
        return table, None
    return table, f"for more than {MOST_RANKED} models --ranks finds them"


def _write_result(table: SiteTable, key: str, result: Results, saved: SavedEvidence) -> None:
    folder = saved.folder / "data" / key
    folder.mkdir()
    documents = saved.documents(result)
    absent: dict[str, str] = {}
    for id, entry in result.tasks.items():
        if entry["declared"]:
            continue
        evidence, reason = evidence_or_none(saved, result, id, documents.get(id))
        if evidence is None:
            absent[id] = str(reason)
            continue
        # Examples are on the page of the task, which all models share.
        pictures = partial(saved.pictures, task=id)
        detail = render_detail(id, entry, evidence, pictures, examples=None)
        value = {"rows": packed_rows(evidence.predictions), "detail": packed(detail.encode())}
        _write_data(folder / f"{id}.js", id, value)
    site = {
        "index": f"../{INDEX}",
        "data": f"../data/{key}/",
        "scores": "../data/scores.js",
        "group": table.number,
        "key": key,
        "absent": absent,
    }
    page = page_of(
        result, documents, linked_assets("../assets/", SCRIPTS), saved.spec.interval_constants,
        details={}, rows={}, notes=saved.notes(result), site=site,
    )  # fmt: skip
    (saved.folder / "models" / f"{key}.html").write_text(page, encoding="utf-8")


def _write_task(table: SiteTable, task: str, saved: SavedEvidence) -> None:
    """The page of a task: who does how well, and which labels the best models contradict."""
    scored = [
        (key, result) for key, result in zip(table.keys, table.rows, strict=True)
        if task in result.tasks
    ]  # fmt: skip
    first = scored[0][1].tasks[task]
    ordered = sorted(
        scored,
        key=lambda one: one[1].tasks[task]["score"] * (-1 if first["higher_is_better"] else 1),
    )
    place = {key: rank for key, _, rank in ranks(table.rows, table.keys, task)}
    best = [result for _, result in ordered if not result.tasks[task]["declared"]][:MOST_MODELS]
    documents = (saved.documents(result).get(task) for _, result in ordered)
    document = next(filter(None, documents), None)
    found = [evidence_or_none(saved, one, task, document)[0] for one in best]
    evidence = [one for one in found if one is not None]
    pictures = partial(saved.pictures, task=task)
    items, count = _contradicted(evidence, pictures)
    with_data = [one for one in evidence if one.manifest is not None]
    page = render(
        "task.html",
        id=task,
        entry=first,
        task=document,
        table=table,
        label=label_of(table),
        sources=sources_of([result for _, result in ordered]),
        ran=bool(best),
        rows=[(row_of(result, key), place[key]) for key, result in ordered],
        words=[
            *interval_words(result.tasks[task] for _, result in ordered),
            *without_interval([result for _, result in ordered], task),
        ],
        examples=examples_of(with_data[0], pictures) if with_data else None,
        models=len(evidence),
        items=items,
        count=count,
        absent=evidence[0].absent if evidence else None,
        assets=linked_assets("../assets/", ("page.js",)),
    )
    (saved.folder / "tasks" / task_page(table, task)).write_text(page, encoding="utf-8")


def task_page(table: SiteTable, task: str) -> str:
    """The file of a task's page."""
    return f"{table.number}-{task}.html"


def _contradicted(evidence: Sequence[PageEvidence], pictures: Any) -> tuple[list[Picture], int]:
    items = contradicted([one.predictions for one in evidence])
    if not items:
        return [], 0
    predictions, names, manifest = (
        evidence[0].predictions, evidence[0].names, evidence[0].manifest,
    )  # fmt: skip
    chosen = items[:MOST_CONTRADICTED]
    ids = [predictions.ids[i] for i in chosen]
    found = pictures(manifest, ids) if manifest is not None else {}
    shown_items = [
        Picture(
            id, found.get(id), names.true(int(predictions.y_true[i])),
            names.taken_for(int(predictions.y_pred[i])), right=False, group=None,
        )
        for i, id in zip(chosen, ids, strict=True)
    ]  # fmt: skip
    return shown_items, len(items)


def _write_data(path: Path, key: str, value: object) -> None:
    text = json.dumps(value, separators=(",", ":"))
    path.write_text(f"biobench.receive({json.dumps(key)},{text});\n", encoding="ascii")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A folder that takes the place of ``folder`` once it is whole; a link stays, and what it leads
    to is replaced."""
    where = shown(str(folder))
    folder = Path(os.path.realpath(folder))
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError("is a file", where=where, remedy="give --site a folder")
        if folder.exists() and not (folder / MARK).is_file() and any(folder.iterdir()):
            raise UsageError(
                "holds other files than a site",
                where=where,
                remedy="give --site a new folder, or one that an earlier --site has written",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".biobench-site-", dir=folder.parent) as scratch:
            fresh, old = Path(scratch) / "new", Path(scratch) / "old"
            fresh.mkdir()
            yield fresh
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
    except OSError as error:
        raise BiobenchError(
            f"the site cannot be written ({error.strerror or error})",
            where=where,
            remedy="give --site a folder that this user can write to, with free space",
        ) from error
