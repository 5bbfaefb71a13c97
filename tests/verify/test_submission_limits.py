"""A submission of anybody's is answered soon and in little memory, whatever is in it: real files up
to the limits, read by the command in a process that is measured."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from biobench.report.result_document import result_digest
from biobench.report.results import Results
from biobench.spec.canonical import canonical_json, sha256_bytes
from biobench.verify.submission import pack

pytestmark = pytest.mark.slow

SECONDS = 10
MEGABYTES = 500
# A process of its own: what a child has at most is at least what its parent had when it began.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "biobench", "verify", sys.argv[1]])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def entry(template: Mapping[str, Any], count: int, metric: str, classes: int) -> dict[str, Any]:
    """An entry of a task of somebody's own."""
    made = copy.deepcopy(dict(template))
    made |= {"metric": metric, "metrics": {metric: 0.5}, "protocol": "svm"}
    made["counts"] = {"train": 10, "test": count, "classes": classes, "excluded": 0}
    return made


Rows = Mapping[str, tuple[bytes, int, str, int]]
"""By task: the bytes of its predictions, how many they are, the metric, and the classes."""


def forged(repository: Path, rows: Rows, leaves: bytes = b"", **changes: Any) -> bytes:
    """A submission of one's own tasks whose every digest fits."""
    document = json.loads((repository / "tests/spec/results.json").read_text())
    template = document["tasks"]["demo-beluga"]
    document |= {"division": "open", **changes}
    document["tasks"] = {id: entry(template, *of[1:]) for id, of in rows.items()}
    for id, (data, *_) in rows.items():
        document["tasks"][id]["digests"]["predictions"] = sha256_bytes(data)
    document["digests"]["result"] = result_digest(document)
    members = {"results.json": Results(document).to_json().encode()}
    members |= {f"predictions/{id}.json": data for id, (data, *_) in rows.items()}
    members |= {f"evidence/{id}.{stage}": leaves for id in rows for stage in ("pixels", "features")}
    head = {
        "schema": "biobench.submission/1",
        "spec": document["spec"],
        "result": document["digests"]["result"],
        "environment": document["environment"],
        "members": {path: sha256_bytes(data) for path, data in members.items()},
    }
    return pack({"submission.json": canonical_json(head), **members})


def labels(count: int, classes: int, extras: str = "{}") -> bytes:
    rows = (f'["{i:09}",{i % classes},{i * 7 % classes},{extras}]' for i in range(count))
    return f"[{','.join(rows)}]".encode()


def groups(count: int, number: int) -> bytes:
    rows = (f'["{i:09}",{i % 2},{i % 3 % 2},{{"group":"{i % number}"}}]' for i in range(count))
    return f"[{','.join(rows)}]".encode()


def traits(count: int, width: int) -> bytes:
    bits = (",".join(str(i * j % 2) for j in range(width)) for i in range(count))
    rows = (f'["{i}",[{row}],[{row}],{{}}]' for i, row in enumerate(bits))
    return f"[{','.join(rows)}]".encode()


def one(data: bytes, count: int, metric: str = "macro_f1", classes: int = 10) -> Rows:
    return {"own": (data, count, metric, classes)}


FIVE = '{"neighbours":[1,2,3,4,5]}'
GROUP = '{"group":"%s"}' % ("g" * 256)
LEAVES = b"\1" * (192 * (1 << 20) // 54 // 32 * 32)
"""Digests of items for up to 27 tasks: as many bytes as there can be."""
Make = Callable[[Path], bytes]
CASES: dict[str, tuple[int, Make]] = {
    "as many rows as there can be, each of its own class": (
        6, lambda r: forged(r, one(labels(200_000, 200_000), 200_000, classes=200_000))
    ),
    "as many neighbours as there can be": (
        6, lambda r: forged(r, one(labels(190_000, 10, FIVE), 190_000, "top1"))
    ),
    "as many traits as there can be": (
        6, lambda r: forged(r, one(traits(1000, 990), 1000, "traits_f1"))
    ),
    "more rows than claimed": (3, lambda r: forged(r, one(labels(900_000, 10), 10))),
    "rows that have no form": (3, lambda r: forged(r, one(b"[" + b"[]," * 10**7 + b"[]]", 10))),
    "lists in lists": (3, lambda r: forged(r, one(b"[" * 30_000_000, 10))),
    "a list without end": (
        3, lambda r: forged(r, one(b'[["a",0,[' + b"0," * 14_000_000 + b"0],{}]]", 10))
    ),
    "an id of 30 MB": (3, lambda r: forged(r, one(b'[["' + b"x" * 30_000_000 + b'",0,0,{}]]', 1))),
    "long groups": (
        3, lambda r: forged(r, one(labels(90_000, 10, GROUP), 90_000, "group_accuracy"))
    ),
    "a group for each row": (
        6, lambda r: forged(r, one(groups(90_000, 90_000), 90_000, "group_accuracy", 2))
    ),
    "many tasks": (
        6, lambda r: forged(r, {f"t{i}": (labels(900, 9), 900, "macro_f1", 9) for i in range(100)})
    ),
    "groups in many tasks, as many rows as there can be": (
        6, lambda r: forged(r, {
            f"t{i}": (groups(10_000, 10_000), 10_000, "group_accuracy", 2) for i in range(35)
        })
    ),
    "groups in many tasks, traits, and all digests of items": (
        6, lambda r: forged(r, {
            "tr": (traits(100_000, 9), 100_000, "traits_f1", 9),
            **{f"t{i}": (groups(10_000, 10_000), 10_000, "group_accuracy", 2) for i in range(25)},
        }, LEAVES)
    ),
    "classes in many tasks": (
        6, lambda r: forged(r, {
            f"t{i}": (labels(3500, 3500), 3500, "macro_f1", 3500) for i in range(100)
        })
    ),
    "traits in many tasks": (
        6, lambda r: forged(r, {
            f"t{i}": (traits(10, 990), 10, "traits_f1", 990) for i in range(100)
        })
    ),
    "many reasons": (
        3, lambda r: forged(r, one(labels(9, 3), 9), unofficial_reasons=[0] * 450_000)
    ),
    "a head without end": (
        3, lambda r: pack({"submission.json": b"[" * 31_000_000, "results.json": b"{}"})
    ),
}  # fmt: skip


DEPTH = {
    "a list without end",
    "long groups",
    "many tasks",
    "groups in many tasks, as many rows as there can be",
    "traits in many tasks",
}
"""Near to other cases: lists in lists, an id of 30 MB, classes in many tasks, groups in many tasks
with traits and digests, as many traits as there can be."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.depth if n in DEPTH else ()) for n in CASES]
)
def test_any_file_is_answered(name: str, repository: Path, tmp_path: Path) -> None:
    """Within 10 seconds of computing and 500 MB, with the right exit code and one line."""
    code, make = CASES[name]
    path = tmp_path / "submission.tar"
    path.write_bytes(make(repository))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    found, seconds, megabytes = map(float, done.stdout.splitlines()[-1].split())
    assert found == code, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("biobench: ")]) == 1
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
