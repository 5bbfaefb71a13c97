"""A document by id, resolved, as JSON values.

In: the specification and an id. Out: the values that the runner uses, ``extends`` and overrides
applied.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from biobench.errors import UsageError
from biobench.spec.croissant import croissant
from biobench.spec.documents import Division
from biobench.spec.load import Spec


def to_json(value: Any) -> Any:
    """Dataclasses, mappings and tuples as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def resolved_document(spec: Spec, id: str, division: Division) -> Any:
    """The task, protocol, data set or suite with this id, looked for in the order task, suite,
    others.

    Raises:
        UsageError: The id or division is not known.
    """
    if division not in {"official", "compat"}:
        raise UsageError(f"there is no division {division!r}", remedy="official or compat")
    if id in spec.task_ids():
        return to_json(spec.task(id, division))
    if id in spec.suites:
        return to_json(spec.suites[id])
    if id in spec.protocol_ids():
        return to_json(spec.protocol(id, division))
    if id in spec.dataset_ids():
        return to_json(spec.dataset(id))
    raise _unknown(id, [*spec.task_ids(), *spec.suites, *spec.protocol_ids(), *spec.dataset_ids()])


def croissant_document(spec: Spec, id: str) -> dict[str, Any]:
    """The data set with this id, or that of the task with this id, as Croissant JSON-LD.

    Raises:
        UsageError: The id is neither.
    """
    if id not in spec.dataset_ids() and id in spec.task_ids():
        id = spec.task(id).dataset.id
    if id not in spec.dataset_ids():
        if id in spec.suites or id in spec.protocol_ids():
            kind = "suite" if id in spec.suites else "protocol"
            raise UsageError(
                f"{id} is a {kind}, and --croissant is of a task or a data set",
                remedy="name one of them, or leave --croissant out",
            )
        raise _unknown(id, [*spec.dataset_ids(), *spec.task_ids()])
    return croissant(spec.library.by_id["dataset"][id].value)


def _unknown(id: str, known: list[str]) -> UsageError:
    near = list(dict.fromkeys(difflib.get_close_matches(id, known, n=3, cutoff=0.5)))
    return UsageError(
        f"there is no document {id!r}", remedy=f"did you mean {', '.join(near)}?" if near else None
    )
