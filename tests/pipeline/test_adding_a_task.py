"""docs/adding-a-task.md and docs/class-folders.md, command for command: what they say works.

Plans are made with the page's words. Runs take the demo model as a program and a probe of few
steps: the same features without torch, and the same lines but for the digits of scores.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from biobench import load_results

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"^```(bash|yaml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Reader:
    """Somebody who does what the page says, and stays in the folder where a step ends."""

    folder: Path
    model: str
    output: str = ""

    def do(self, kind: str, text: str) -> None:
        if kind == "yaml":
            name = re.match(r"# (\S+)\n", text)
            assert name, "a YAML block begins with the name of its file"
            (self.folder / name[1]).write_text(text)
            short = re.sub("(protocol: linear_probe)$", r"\1_short", text, flags=re.MULTILINE)
            (self.folder / f"short-{name[1]}").write_text(short)
        elif kind == "bash":
            self.output = self.shell("\n".join(map(self.quickly, text.splitlines())))
        else:
            for line in text.splitlines():
                assert self.saw(line), f"{line!r} is not in:\n{self.output}"

    def quickly(self, command: str) -> str:
        """The command as it is, or a run that says the same in less time."""
        if not command.startswith("biobench run") or "--dry-run" in command:
            return command
        assert "--model demo" in command
        command = command.replace("--model demo", f"--model {self.model}")
        return re.sub(r"--task (\w+\.yaml)", r"--task short-\1", command)

    def shell(self, text: str) -> str:
        bin = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-euc", f"{text}\npwd"],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        *lines, folder = done.stdout.splitlines()
        self.folder = Path(folder)
        return "\n".join(lines)

    def saw(self, line: str) -> bool:
        """Return whether a line was printed; blanks and the digits of scores may differ."""
        parts = re.split(r"(\d+\.\d+|\s+)", line.strip())
        pattern = "".join(
            r"\d+\.\d+" if re.fullmatch(r"\d+\.\d+", part) else r"\s+" if part.isspace()
            else re.escape(part)
            for part in parts
        )  # fmt: skip
        return re.search(pattern, self.output) is not None


def test_the_page_does_what_it_says(
    repository: Path, tmp_path: Path, small_program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block in order; the shown lines are printed; folder and table give one task."""
    monkeypatch.setenv("BIOBENCH_STORE", str(tmp_path / "store"))
    page = (repository / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
    blocks = BLOCK.findall(page)
    assert [kind for kind, _ in blocks].count("bash") >= 4
    reader = Reader(tmp_path, small_program)
    for kind, text in blocks:
        reader.do(kind, text)
    by_folder, by_table = (
        load_results(tmp_path / name) for name in ("ponds-result", "table-result")
    )
    for stage in ("manifest", "pixels", "features"):
        assert (
            by_folder.tasks["ponds"]["digests"][stage]
            == by_table.tasks["ponds-table"]["digests"][stage]
        )


def test_the_page_on_class_folders_does_what_it_says(
    repository: Path, tmp_path: Path, small_program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block in order; the shown lines are printed; the task file gives the digests again."""
    monkeypatch.setenv("BIOBENCH_STORE", str(tmp_path / "store"))
    page = (repository / "docs" / "class-folders.md").read_text(encoding="utf-8")
    reader = Reader(tmp_path, small_program)
    for kind, text in BLOCK.findall(page):
        reader.do(kind, text)
    first, again = (load_results(tmp_path / name) for name in ("photos-result", "again"))
    assert first.digests == again.digests


def test_the_tables_name_what_there_is(repository: Path) -> None:
    """Protocols, metrics and options on the page are those of the specification."""
    from biobench.spec.load import load_spec

    spec = load_spec()
    page = (repository / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
    metrics = spec.schema("task")["$defs"]["metrics"]["items"]["properties"]["id"]["enum"]
    for name in (*spec.protocol_ids(), *metrics):
        assert f"`{name}`" in page, name
    rare = {"path_case", "frames", "expected_exclusions", "poisonous"}
    for option in sorted(spec.schema("layout-csv")["properties"].keys() - rare):
        assert option in page, option
