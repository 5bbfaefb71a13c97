"""Tables that `export` writes, read back: CSV, Markdown, LaTeX; and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from pylatexenc.latex2text import (
    LatexNodes2Text,
    MacroTextSpec,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker
from upstream_file import upstream_file

from biobench.cli import execute
from biobench.compare.results import open_scores
from biobench.spec.load import load_spec

SPEC = load_spec()
HOSTILE = r"a|b_*c*\[x](y)`<script>&amp;$\input{x}%#~^{}" + '"'

SIGNS = {"bar": "|", "less": "<", "greater": ">", "asciicircum": "^", "quotedblright": '"'}
"""Macros of LaTeX's base that the parser has no text for, or another one."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Scores of models, one of which has a name full of markup."""
    value = upstream_file()
    value["models"][0]["ckpt"] = HOSTILE
    for row in value["results"]:
        row["model"] = HOSTILE if row["model"] == "model-0/tag" else row["model"]
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(value))
    return path


def wanted(file: Path) -> dict[tuple[str, str], float]:
    return {
        (str(result.document["model"]["name"]), task): entry["score"]
        for result in open_scores(file, SPEC)
        for task, entry in result.tasks.items()
    }


def exported(file: Path, format: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert execute(["export", str(file), "--format", format, *more]) == 0
    return capsys.readouterr().out


def test_csv_is_that_of_report(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same text as `report --csv`; Python's reader finds each score unrounded."""
    text = exported(file, "csv", capsys)
    assert execute(["report", str(file), "--csv"]) == 0
    assert capsys.readouterr().out == text
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["task"] != "mean"]
    assert {(row["model"], row["task"]): float(row["score"]) for row in rows} == wanted(file)


def cells_of_markdown(text: str) -> list[list[str]]:
    """The cells of the tables of a text as a reader of Markdown shows them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level > 2:
            kinds = {child.type for child in token.children or []}
            assert kinds <= {"text", "text_special"}, token.content
            rows[-1].append("".join(child.content for child in token.children or []))
    return rows


def test_markdown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader of Markdown finds text and no markup in any cell, and each score."""
    head, *rows = cells_of_markdown(exported(file, "markdown", capsys))
    assert head[:3] == ["model", "mean", "beluga (macro_f1)"]
    check(head, rows, file)


def check(head: list[str], rows: list[list[str]], file: Path) -> None:
    """Names, and the scores of all tasks, are those of the file."""
    known = wanted(file)
    tasks = [cell.partition(" ")[0] for cell in head[2:]]
    assert {row[0] for row in rows} == {name for name, _ in known}
    for row in rows:
        for task, cell in zip(tasks, row[2:], strict=True):
            score = known.get((row[0], task))
            assert cell == ("-" if score is None else f"{score:.4f}")


def test_latex(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A parser of LaTeX finds one table whose cells are text, and each score."""
    text = exported(file, "latex", capsys)
    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    (table,) = [node for node in nodes if isinstance(node, LatexEnvironmentNode)]
    (tabular,) = [n for n in table.nodelist if isinstance(n, LatexEnvironmentNode)]
    body = text[tabular.pos : tabular.pos + tabular.len]
    lines = re.findall(r"^\{\}(.*) \\\\$", body, re.MULTILINE)
    context = get_default_latex_context_db()
    context.add_context_category(
        "text", [MacroTextSpec(f"text{name}", sign) for name, sign in SIGNS.items()], prepend=True
    )
    plain = LatexNodes2Text(context, keep_comments=False, strict_latex_spaces=True)
    head, *rows = [
        [plain.latex_to_text(cell) for cell in re.split(r"(?<!\\) & ", line)] for line in lines
    ]
    assert head[:3] == ["model", "mean", "beluga (macro_f1)"]
    check(head, rows, file)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "doc"], "there is no format 'doc'; give one of csv, markdown, latex"),
        (["--format", "model-card"], "format model-card is of one result, and there are 14"),
        (["--format", "parquet"], "parquet cannot be printed; give --out a file"),
        (["--format", "parquet", "--out", "OUT"], "needs predictions, and the scores of"),
        (["--format", "in-toto"], "format in-toto needs predictions, and the scores of"),
        (["--format", "eval-results"], "or choose a table: csv, markdown or latex"),
    ],
)
def test_what_is_refused(
    options: list[str], words: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with exit code 2, and no file."""
    out = tmp_path / "out"
    given = [str(out) if word == "OUT" else word for word in options]
    assert execute(["export", str(file), *given]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("client", ["wandb", "mlflow", "trackio"])
def test_a_tracker_that_is_not_installed(
    client: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what to install."""
    if find_spec(client) is not None:
        pytest.skip(f"{client} is installed")
    assert execute(["export", str(file), "--format", client]) == 1
    error = capsys.readouterr().err
    assert f"needs the library {client}, which is not installed; pip install {client}" in error


def test_a_file_that_cannot_be_written(file: Path, tmp_path: Path) -> None:
    """A folder in the place of the file: exit 2 before anything is computed."""
    options: list[Any] = ["--format", "csv", "--out", str(tmp_path)]
    assert execute(["export", str(file), *options]) == 2
