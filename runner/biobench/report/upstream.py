"""The results file that the published benchmark's own code writes (``results.json``, schema 1).

In: its bytes. Out: a document of imported scores. Point scores alone are taken: the intervals of
the file are of resamples that the specification does not use, and many do not hold their own score.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from biobench._common.text import short
from biobench.errors import DataError
from biobench.report.imported import imported_document
from biobench.spec.canonical import sha256_bytes
from biobench.spec.load import Spec

FORMAT = "upstream-results/1"
_SCHEMA = 1
_LARGEST = 1e300
"""Scores are below it, so they are finite; a comparison with NaN is false."""
_PARTS = ("meta", "models", "results", "benchmark_tasks", "prior_work_tasks")
_REMEDY = "give the results.json that the published benchmark's own code wrote"


def is_upstream(document: Any) -> bool:
    """True where a JSON value has the parts of upstream's results file."""
    return isinstance(document, dict) and all(part in document for part in _PARTS)


def from_upstream(document: Any, data: bytes, name: str, where: str, spec: Spec) -> dict[str, Any]:
    """The scores of upstream's results file as a document of imported scores.

    Args:
        document: The file's JSON value.
        data: Its bytes, whose digest the document states.
        name: Its name without the folder.
        where: Its path, for messages.
        spec: The specification, which says which tasks are known.

    Raises:
        DataError: A part is missing or of another form, a model or a score occurs twice, or no task
            is known.
    """
    meta = document["meta"]
    if not isinstance(meta, dict) or meta.get("schema") != _SCHEMA:
        found = meta.get("schema") if isinstance(meta, dict) else meta
        raise DataError(
            f"meta.schema {short(found)} is not known",
            where=where,
            remedy=f"this version reads schema {_SCHEMA} of the published benchmark's results",
        )
    read = _FieldReader(where)
    models: dict[str, dict[str, Any]] = {}
    for i, entry in enumerate(read.list_of(document["models"], "models")):
        model = _model(entry, f"models[{i}]", read)
        if model["name"] in models:
            raise read.fault(f"models[{i}]: the model {short(model['name'])} occurs twice")
        models[model["name"]] = model
    known, left_out = set(spec.task_ids()), []
    for i, entry in enumerate(read.list_of(document["results"], "results")):
        place = f"results[{i}]"
        task, of = read.text(entry, "task", place), read.text(entry, "model", place)
        if of not in models:
            raise read.fault(f"{place}: the model {short(of)} is not in models")
        if task not in known:
            left_out += [] if task in left_out else [task]
            continue
        if task in models[of]["scores"]:
            raise read.fault(f"{place}: {short(of)} has two scores of {task}")
        models[of]["scores"][task] = read.number(entry, "mean", place)
    scored = [model for model in models.values() if model["scores"]]
    if not scored:
        raise read.fault("has no score of a task of the specification")
    source = {
        "format": FORMAT,
        "file": name,
        "digest": sha256_bytes(data),
        "created": _time(read.whole(meta, "generated", "meta"), "seconds"),
        "commit": read.text(meta, "git_commit", "meta"),
    }
    return imported_document(spec, source, scored, sorted(left_out))


class _FieldReader:
    """Readers of single values; each raises a DataError that names the place."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fault(self, what: str) -> DataError:
        return DataError(what, where=self.where, remedy=_REMEDY)

    def list_of(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.fault(f"{place} is not a list")
        return value

    def text(self, entry: Any, name: str, place: str) -> str:
        return str(self._get(entry, name, place, lambda v: isinstance(v, str) and v != ""))

    def whole(self, entry: Any, name: str, place: str) -> int:
        return int(self._get(entry, name, place, lambda v: type(v) is int and 0 <= v < 1 << 53))

    def number(self, entry: Any, name: str, place: str) -> float:
        value = self._get(
            entry, name, place, lambda v: type(v) in (int, float) and abs(v) < _LARGEST
        )
        return float(value)

    def _get(self, entry: Any, name: str, place: str, fits: Callable[[Any], bool]) -> Any:
        value = entry.get(name) if isinstance(entry, dict) else None
        if not fits(value):
            raise self.fault(f"{place}.{name} is {short(value)}")
        return value


def _model(entry: Any, place: str, read: _FieldReader) -> dict[str, Any]:
    dated = not isinstance(entry, dict) or entry.get("release_ms") is not None
    return {
        "name": read.text(entry, "ckpt", place),
        "title": read.text(entry, "display", place),
        "family": read.text(entry, "family", place),
        "resolution": read.whole(entry, "resolution", place),
        "parameters": read.whole(entry, "params", place),
        "released": _time(read.whole(entry, "release_ms", place))[:10] if dated else None,
        "scores": {},
    }


def _time(milliseconds: int, precision: str = "auto") -> str:
    """Milliseconds since 1970 in ISO 8601; times beyond year 9999 are the last second of it."""
    seconds = min(milliseconds // 1000, 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision)
