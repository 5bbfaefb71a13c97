"""One mutant against the vectors: a scratch copy, its answers, the verdict."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from biobench.conformance.compare_answers import difference
from biobench.spec.load import load_spec
from mutants.lists import PORT, ROOT, RUNNER, ListError, Mutant

SECONDS = 30
"""Time limit of a mutant in seconds; one that takes longer counts as killed."""

VECTORS = "conformance/"

UNWRITTEN = re.compile(
    r"^(SyntaxError|ReferenceError|NameError|IndentationError)\b(?!.*JSON).*", re.MULTILINE
)
"""The errors of a mutant that is not a valid program."""


@dataclass(frozen=True)
class Verdict:
    """``word`` is killed, survived, equal, or wrong for a mutant that its list misstates; ``why``
    is the first case that tells, or the reason."""

    mutant: Mutant
    word: str
    why: str

    @property
    def is_fault(self) -> bool:
        """True if a case or a list needs a fix."""
        return self.word in ("survived", "wrong")

    def __str__(self) -> str:
        return f"{self.word:9}{self.mutant.name}: {self.why}"


class Vectors:
    """The vectors of this tree, as bundles of some sections in a scratch folder."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._writing = Lock()
        self._written: dict[tuple[str, ...], Path] = {}

    @cached_property
    def bundle(self) -> dict[str, Any]:
        """Every document and vector file by its path."""
        return dict(load_spec(ROOT / "spec").bundle())

    def files(self, sections: Iterable[str]) -> dict[str, Any]:
        """The vector files of sections, or of files as ``folder/name``; raises ListError."""
        found = {}
        for section in sections:
            folder, _, name = section.partition("/")
            wanted = re.compile(rf"{VECTORS}\w+/{folder}/{name or '[^/]+'}\.json")
            files = {k: v for k, v in self.bundle.items() if wanted.fullmatch(k)}
            if not files:
                raise ListError(f"{section}: there are no such vectors")
            found.update(files)
        return found

    def outputs(self, sections: Iterable[str]) -> dict[str, Any]:
        """The right answer of each case."""
        files = self.files(sections).values()
        return {case["id"]: case["output"] for file in files for case in file["cases"]}

    def write(self, sections: tuple[str, ...]) -> Path:
        """The bundle of all documents and these vectors, written once."""
        with self._writing:
            if sections not in self._written:
                path = self.scratch / f"bundle-{len(self._written)}.json"
                documents = {k: v for k, v in self.bundle.items() if not k.startswith(VECTORS)}
                path.write_text(json.dumps({**documents, **self.files(sections)}), encoding="utf-8")
                self._written[sections] = path
            return self._written[sections]


def _copy_of_the_port(folder: Path) -> list[str]:
    shutil.copytree(ROOT / PORT, folder / PORT)
    return [shutil.which("node") or "node", str(folder / PORT / "answers.js")]


def _copy_of_the_runner(folder: Path) -> list[str]:
    """Links, so that modules which are not changed keep their compiled form."""
    for parent, folders, files in os.walk(ROOT / RUNNER):
        copy = folder / Path(parent).relative_to(ROOT)
        copy.mkdir(parents=True)
        caches = [name for name in folders if name == "__pycache__"]
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in [*files, *caches]:
            (copy / name).symlink_to(Path(parent) / name)
    return [sys.executable, str(Path(__file__).parent / "runner_answers.py")]


def answers(mutant: Mutant | None, bundle: Path, folder: Path, *, port: bool) -> Mapping[str, Any]:
    """The answers to a bundle of the implementation, with the mutant's change in a copy of it.

    Raises subprocess.TimeoutExpired, and subprocess.CalledProcessError for one that fails.
    """
    command = (_copy_of_the_port if port else _copy_of_the_runner)(folder)
    if mutant is not None:
        changed = folder / mutant.target
        changed.unlink()
        changed.write_text(mutant.source(), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "runner"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [*command, str(bundle)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        env=environment,
    )
    found: Mapping[str, Any] = json.loads(done.stdout)["answers"]
    return found


def first_difference(outputs: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """The first case with another answer, and what differs; None where all are right."""
    for case, output in outputs.items():
        wrong = difference(output, given[case]) if case in given else "is not answered"
        if wrong is not None:
            return f"{case}: {wrong}"
    return None


def _told_by(mutant: Mutant, vectors: Vectors) -> str | None:
    """Return the first difference from the right implementation, None where there is none."""
    with TemporaryDirectory(dir=vectors.scratch) as folder:
        bundle = vectors.write(mutant.sections)
        try:
            given = answers(mutant, bundle, Path(folder), port=mutant.is_port)
        except subprocess.TimeoutExpired:
            return f"does not end within {SECONDS} s"
        except subprocess.CalledProcessError as failed:
            unwritten = UNWRITTEN.search(failed.stderr)
            if unwritten is not None:
                raise ListError(f"{mutant.name}: is not a valid program: {unwritten[0]}") from None
            ends = re.findall(r"^\w*(?:Error|Invalid)\b.*", failed.stderr, re.MULTILINE)
            return f"fails: {ends[-1] if ends else 'without a word'}"
    return first_difference(vectors.outputs(mutant.sections), given)


def judge(mutant: Mutant, vectors: Vectors) -> Verdict:
    """The verdict on one mutant."""
    try:
        told = _told_by(mutant, vectors)
    except ListError as error:
        return Verdict(mutant, "wrong", str(error))
    if mutant.equal is not None:
        if told is None:
            return Verdict(mutant, "equal", mutant.equal)
        return Verdict(mutant, "wrong", f"called equal, and {told}")
    if told is None:
        return Verdict(mutant, "survived", "no case tells; add one, or say why none can")
    return Verdict(mutant, "killed", told)


def flaw_of_the_original(sections: tuple[str, ...], vectors: Vectors, *, port: bool) -> str | None:
    """Return the first wrong answer of the unchanged implementation, which would void every
    verdict; None where there is none."""
    with TemporaryDirectory(dir=vectors.scratch) as folder:
        try:
            given = answers(None, vectors.write(sections), Path(folder), port=port)
        except subprocess.CalledProcessError as failed:
            return failed.stderr.strip()[-400:]
    return first_difference(vectors.outputs(sections), given)
