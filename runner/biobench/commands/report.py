"""``biobench report``: results as tables or as a site."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biobench._common.output import console, print_json, print_line, print_text
from biobench.commands.opened import opened_results
from biobench.commands.options import SpecFolder

if TYPE_CHECKING:
    from biobench.compare.groups import Group
    from biobench.report.results import Results
    from biobench.spec.load import Spec


def report(
    results: Annotated[
        list[Path], typer.Argument(help="results.json, folders of runs, or submissions.")
    ],
    ranks: Annotated[
        bool, typer.Option("--ranks", help="Say which ranks each model may have.")
    ] = False,
    spec: SpecFolder = None,
    site: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a folder of pages to open in a browser: all models, what each gets wrong, "
            "and every score to be computed again there.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="BIOBENCH_DATA",
            metavar="DIR",
            help="With --site: folder that holds the data sets, for pictures.",
        ),
    ] = None,
    task: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="With --site: the file of a task of your own; may be repeated."
        ),
    ] = None,
    no_pictures: Annotated[
        bool, typer.Option("--no-pictures", help="With --site: leave pictures out.")
    ] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print one line a score as CSV and nothing else.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the tables as JSON and nothing else.")
    ] = False,
) -> None:
    """Print results as tables, a model a row, best mean first; results that cannot share a table
    stand apart."""
    from biobench.compare.groups import groups_of
    from biobench.compare.standings import standings, standings_csv, standings_document
    from biobench.spec.load import load_spec

    _refuse(site=site, csv=csv, json=json, task=task, no_pictures=no_pictures)
    specification = load_spec(spec)
    with opened_results(results, specification) as opened:
        if site is not None:
            _write_site(
                opened, specification, site, data, task or (), pictures=not no_pictures, ranks=ranks
            )
        elif json or csv:
            tables = standings(opened, specification, ranks=ranks)
            if json:
                print_json(standings_document(tables))
            else:
                print_text(standings_csv(tables))
        else:
            _print(groups_of(opened), specification, ranks)


def _refuse(
    *, site: Path | None, csv: bool, json: bool, task: list[Path] | None, no_pictures: bool
) -> None:
    """Raise UsageError for options that exclude or need each other."""
    from biobench.errors import UsageError

    forms = {"--site": site is not None, "--csv": csv, "--json": json}
    given = [name for name, on in forms.items() if on]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", remedy="give one of them")
    for name, on in (("--task", bool(task)), ("--no-pictures", no_pictures)):
        if on and site is None:
            raise UsageError(f"{name} is for --site", remedy="give --site, or leave it out")


def _write_site(
    results: Sequence[Results],
    spec: Spec,
    folder: Path,
    data: Path | None,
    tasks: Sequence[Path],
    *,
    pictures: bool,
    ranks: bool,
) -> None:
    from biobench.compare.site.write import INDEX, write_site
    from biobench.data.locate import require_data_folder
    from biobench.spec.load import task_from_file

    if data is not None:
        require_data_folder(data, "the data sets")
    own = {task.id: task for task in (task_from_file(path, spec) for path in tasks)}
    write_site(results, spec, folder, data=data, own=own, pictures=pictures, ranked=ranks)
    print_line(f"page: {folder / INDEX}")


def _print(groups: Sequence[Group], spec: Spec, ranks: bool) -> None:
    from biobench.compare.standings import standings
    from biobench.compare.tables import print_standings
    from biobench.report.table import print_results

    screen = console()
    if len(groups) == len(groups[0].results) == 1:
        print_results(groups[0].results[0], screen)
        return
    for group in groups:
        if group.reason is not None:
            print_line(f"apart from the results above: {group.reason}")
        for table in standings(group.results, spec, ranks=ranks):
            print_standings(table, screen)
