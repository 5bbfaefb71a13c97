"""The tree of commands: which file has which.

Only the standard library and typer load here, so that ``--help`` answers at once; a command
imports what it needs when it runs.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import typer

from biobench._common.output import print_line
from biobench.commands import (
    analyze,
    compare,
    completion,
    conformance,
    data,
    export,
    import_scores,
    launch,
    models,
    plan,
    report,
    run,
    selftest,
    spec,
    store,
    submit,
    verify,
    work,
)

app = typer.Typer(
    name="biobench",
    help="Score a frozen vision backbone on ecology tasks, with scores that repeat bit for bit. "
    "`biobench --model M` means `biobench run --model M`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("work")(work.work)
app.command("verify")(verify.verify)
app.command("selftest")(selftest.selftest)
app.command("submit")(submit.submit)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("analyze")(analyze.analyze)
app.command("export")(export.export)
app.command("import")(import_scores.import_scores)
app.command("completion")(completion.completion)
app.add_typer(data.app, name="data")
app.add_typer(spec.app, name="spec")
app.add_typer(conformance.app, name="conformance")
app.add_typer(models.app, name="models")
app.add_typer(store.app, name="store")
app.add_typer(launch.app, name="launch")


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print_line(f"biobench {version('biobench')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@cache
def command() -> Any:
    """The tree as one command, made once a process: typer reads every function's annotations."""
    return typer.main.get_command(app)
