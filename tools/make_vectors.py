#!/usr/bin/env python3
"""Write the conformance vectors: spec/v1/conformance/<kind>/<section>/*.json.

Each module of tools/vectors has `files()`, which gives the inputs. An output is what the runner
answers; where a case has a check against an independent source, both must agree.

    tools/make_vectors.py [--only MODULE ...]    write the files (of some modules of tools/vectors)
    tools/make_vectors.py --check                exit 1 where a file on disk is another one
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "runner"), str(ROOT / "tools")]

import vectors  # noqa: E402
from biobench.conformance.own_answers import answer  # noqa: E402
from biobench.spec.load import Spec, load_spec  # noqa: E402
from biobench.spec.schema_errors import flaws  # noqa: E402
from vectors.case import Case, VectorFile  # noqa: E402
from vectors.rules import rules_of  # noqa: E402

FOLDER = ROOT / "spec" / "v1" / "conformance"


class VectorError(Exception):
    """A case or file that the tool refuses to write, said in one line."""


def modules() -> list[str]:
    """Section modules of tools/vectors that have `files()`, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(vectors.__path__))
    return [n for n in names if hasattr(importlib.import_module(f"vectors.{n}"), "files")]


def vector_files(names: list[str]) -> Iterator[VectorFile]:
    for name in names:
        yield from importlib.import_module(f"vectors.{name}").files()


def case_value(file: VectorFile, case: Case, spec: Spec) -> dict[str, Any]:
    """The case as the file holds it; raises VectorError where its check does not hold."""
    where = f"{file.path}: {case.id}"
    rules = rules_of(file.path, case.id)
    if rules is None:
        raise VectorError(f"{where}: no rules; name them in tools/vectors/rules.yaml")
    given = json.loads(json.dumps(case.input, allow_nan=False))
    try:
        output = answer(file.operation, given, spec)
    except Exception as error:
        raise VectorError(
            f"{where}: the operation ends with {type(error).__name__}: {error}"
        ) from error
    if case.check is not None:
        try:
            verdict = case.check(given, output)
        except AssertionError as error:
            raise VectorError(
                f"{where}: {file.source} disagrees: {error or 'see its check'}"
            ) from error
        # A NumPy bool is no bool, and a check that forgot its return gives None.
        if isinstance(verdict, str) or not (verdict is None or bool(verdict)):
            raise VectorError(f"{where}: {file.source} disagrees: {verdict}")
    return {"id": case.id, "rules": rules, "input": given, "output": output}


def file_text(file: VectorFile, spec: Spec) -> str:
    """The JSON text of a file: one line a case."""
    if (file.source is None) is any(case.check for case in file.cases):
        raise VectorError(f"{file.path}: a source is stated where cases are checked against it")
    value: dict[str, Any] = {
        "section": file.section,
        "level": file.level,
        "operation": file.operation,
        "about": file.about,
        "source": file.source,
    }
    head = "".join(f"{json.dumps(key)}: {json.dumps(v)},\n" for key, v in value.items())
    cases = [case_value(file, case, spec) for case in file.cases]
    for flaw in flaws({**value, "cases": cases}, spec.schema("vectors")):
        raise VectorError(f"{file.path} {flaw.pointer}: {flaw.message}; {flaw.remedy}")
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, allow_nan=False) for case in cases)
    return f'{{\n{head}"cases": [\n{lines}\n]\n}}\n'


def make(names: list[str], spec: Spec, *, quiet: bool) -> dict[str, str]:
    """Text of every file by its path; raises VectorError for the first fault."""
    texts: dict[str, str] = {}
    for file in vector_files(names):
        if file.path in texts:
            raise VectorError(f"{file.path}: two files have this path")
        begun = time.perf_counter()
        texts[file.path] = text = file_text(file, spec)
        size, seconds = len(text.encode()) / 1024, time.perf_counter() - begun
        if not quiet:
            print(f"{file.path}: {len(file.cases)} cases, {size:.1f} KiB, {seconds:.1f} s")
    return texts


def check_together(texts: dict[str, str], present: dict[str, Path]) -> None:
    """Raise VectorError where files, made or on disk, do not fit together.

    A section is what an implementation claims: it has one level.
    """
    values = {path: json.loads(file.read_bytes()) for path, file in present.items()}
    values.update({path: json.loads(text) for path, text in texts.items()})
    seen: dict[str, str] = {}
    levels: dict[str, tuple[str, str]] = {}
    for path, value in sorted(values.items()):
        folder = path.split("/")[1]
        level, first = levels.setdefault(folder, (value["level"], path))
        if level != value["level"]:
            raise VectorError(
                f"{path}: level {value['level']}, and {first} has {level}; a section has one level"
            )
        for case in value["cases"]:
            if case["id"] in seen:
                raise VectorError(f"{path}: the case {case['id']} is in {seen[case['id']]} already")
            seen[case["id"]] = path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; compare with the files"
    )
    parser.add_argument("--only", nargs="+", metavar="MODULE", help="some modules of tools/vectors")
    options = parser.parse_args()
    known = modules() if options.only is None else options.only
    present = {p.relative_to(FOLDER).as_posix(): p for p in sorted(FOLDER.rglob("*.json"))}
    try:
        texts = make(known, load_spec(ROOT / "spec"), quiet=options.check)
        stale = [] if options.only else [path for path in present if path not in texts]
        check_together(texts, {path: p for path, p in present.items() if path not in stale})
    except VectorError as error:
        print(f"make_vectors: {error}", file=sys.stderr)
        return 1
    others = [
        path
        for path, text in texts.items()
        if path not in present or present[path].read_bytes() != text.encode()
    ]
    if options.check:
        for path in [*others, *stale]:
            print(f"make_vectors: {path} differs from what is made; run it", file=sys.stderr)
        if not others and not stale:
            print(f"{len(texts)} vector files are what is made")
        return 1 if others or stale else 0
    for path in others:
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_bytes(texts[path].encode())
        print(f"wrote {path}")
    for path in stale:
        present[path].unlink()
        print(f"removed {path}: no module makes it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
