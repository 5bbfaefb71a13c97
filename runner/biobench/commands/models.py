"""``biobench models``: the names of models.yaml, and the hub's facts on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biobench._common.output import console, print_json, print_line, print_note, print_stage
from biobench.commands import completers
from biobench.commands.options import Architecture, AsJson, ModelList, Offline, path
from biobench.models.unknown_names import FULL_FORMS

if TYPE_CHECKING:
    from biobench.spec.documents import ModelEntry

app = typer.Typer(no_args_is_help=True, help="Model names.")


Name = Annotated[
    str,
    typer.Argument(
        help="Name of a model, as `biobench run --model` takes it.",
        autocompletion=completers.models,
    ),
]


@app.command("list")
def list_models(
    as_json: AsJson = False,
) -> None:
    """List the names of models.yaml with their sizes, licences, and the commit that a run takes."""
    from biobench._common.text import millions
    from biobench.models.facts import facts_of
    from biobench.report.fitting_table import print_fitting
    from biobench.spec.load import load_spec

    entries = list(load_spec().models.values())
    if as_json:
        print_json([_listed(entry) for entry in entries])
        return
    rows = []
    for entry in entries:
        facts = facts_of(entry)
        rows.append(
            {
                "name": entry.name,
                "parameters": millions(facts.parameters) if facts.parameters else "?",
                "input": str(facts.input or "?"),
                "features": str(facts.features or "?"),
                "licence": entry.licence or "?",
                "pinned": str(entry.revision_sources or "no"),
                "recipe": entry.recipe or "its own",
                "resolves to": entry.resolves_to,
            }
        )
    words = "name", "licence", "recipe", "resolves to"
    print_fitting(rows, list(rows[0]), console(), left=words, whole_in_files=True)
    print_line("pinned: number of public sources that pin the commit that a run takes")
    print_line("?: not known here; --json has the reason, and the commits")
    print_line(f"also {FULL_FORMS}, hf:./folder")


def _listed(entry: ModelEntry) -> dict[str, Any]:
    """A line of the list as a JSON value; ``unknown`` has the reason of each ``None``."""
    from biobench.models.facts import facts_of

    facts = facts_of(entry)
    return {
        "name": entry.name,
        "resolves_to": entry.resolves_to,
        "parameters": facts.parameters,
        "input": facts.input,
        "features": facts.features,
        "licence": entry.licence,
        "revision": entry.revision,
        "revision_sources": entry.revision_sources,
        "recipe": entry.recipe,
        "overlap": list(entry.overlap),
        "unknown": {**facts.unknown, **entry.unknown},
    }


@app.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL...",
            help="Names of models, as `biobench run --model` takes them.",
            autocompletion=completers.models,
        ),
    ] = None,
    models: ModelList = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only say whether the cache has them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch models into the hub's cache and load each once, so that a run needs no network."""
    from biobench._common.text import millions
    from biobench.errors import BiobenchError
    from biobench.models.load import load_model
    from biobench.run.model_list import list_models
    from biobench.spec.load import load_spec

    listed, _ = list_models(names or (), models, None)
    first: BiobenchError | None = None
    fetched: list[dict[str, Any]] = []
    for name in dict.fromkeys(model.name for model in listed):
        try:
            info = load_model(name, load_spec().models, offline=offline).info
        except BiobenchError as error:
            first = first or error
            fetched.append({"name": name, "error": str(error)})
            if len(listed) > 1:
                print_note(f"biobench: model {name!r} is not fetched: {error.what}")
            continue
        revision = f", revision {info.revision}" if info.revision else ""
        parameters = info.parameters
        fetched.append({"name": name, "parameters": parameters, "revision": info.revision})
        if not as_json:
            print_line(f"{name}: ready, {millions(parameters)} parameters{revision}")
    if as_json:
        print_json(fetched)
    if first is not None:
        raise first


@app.command()
def verify(
    model: Annotated[
        str,
        typer.Argument(help="A name of `biobench models list`.", autocompletion=completers.models),
    ],
    as_json: AsJson = False,
) -> None:
    """Compare what models.yaml says of a name with the hub; exit 6 where they differ."""
    from dataclasses import asdict

    from biobench.errors import VerificationError, counted
    from biobench.models.published import compare
    from biobench.spec.load import load_spec

    facts = compare(model, load_spec().models)
    if as_json:
        print_json([asdict(fact) for fact in facts])
    else:
        for fact in facts:
            mark = {True: "equal", False: "DIFFERS", None: "no comparison"}[fact.agrees]
            listed, found = fact.listed or "not known", fact.found or "not there"
            values = listed if fact.agrees else f"models.yaml: {listed}; hub: {found}"
            print_line(f"{mark:13}  {fact.what}: {values}")
    differing = [fact.what for fact in facts if fact.agrees is False]
    if differing:
        raise VerificationError(
            f"{counted(len(differing), 'fact')} of models.yaml differ from the hub: "
            f"{', '.join(differing)}",
            where=f"model {model!r}",
            remedy="tell the maintainers of the specification",
        )


@app.command()
def show(
    model: Name,
    arch: Architecture = None,
    offline: Offline = False,
) -> None:
    """Load a model and print its provenance and preprocessing as JSON."""
    from dataclasses import asdict

    from biobench.models.load import load_model
    from biobench.models.names import with_architecture
    from biobench.spec.load import load_spec

    print_stage(f"loading model {model!r}")
    backbone = load_model(with_architecture(model, arch), load_spec().models, offline=offline)
    information = asdict(backbone.info)
    del information["fingerprint"]  # of this machine and for the store alone
    document = {**information, "recipe": backbone.recipe.document()}
    print_json(document)


@app.command()
def export(
    model: Name,
    out: Annotated[Path, typer.Option(parser=path, metavar="DIR", help="A new folder.")],
    arch: Architecture = None,
    offline: Offline = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the operations, one a line.")
    ] = False,
) -> None:
    """Write a model as a program of exact operations: --model program:PATH."""
    from biobench.models.load import load_model
    from biobench.models.names import with_architecture
    from biobench.models.program_folder import export as write
    from biobench.spec.load import load_spec

    named = with_architecture(model, arch)
    program = write(load_model(named, load_spec().models, offline=offline), out)
    if explain:
        print_line(program.explain())
    print_line(f"program {program.digest}")
    print_line(f"written: {out}")
