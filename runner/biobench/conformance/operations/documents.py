"""Documents: the YAML, its validity, and tasks or protocols in a division (SPEC.md, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.errors import SpecError
from biobench.spec.check import check_library, check_own_task
from biobench.spec.documents import Protocol, Task
from biobench.spec.library import Document, library_of
from biobench.spec.load import Spec
from biobench.spec.problems import Problem
from biobench.spec.show import to_json
from biobench.spec.yaml_source import SourceError, YamlSource, parse_yaml


def _yaml(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"value": parse_yaml(given["text"], "document.yaml").value}
    except SourceError as error:
        raise Invalid(error.problem.error) from error


def _check(given: Mapping[str, Any], spec: Spec) -> Any:
    sources = {path: YamlSource(path, value, {}) for path, value in given["documents"].items()}
    _refuse(check_library(library_of(Path(), sources, spec.library.schemas)))
    return {"valid": True}


def _own_task(given: Mapping[str, Any], spec: Spec) -> Any:
    document = Document("task", "task.yaml", YamlSource("task.yaml", given["task"], {}))
    _refuse(check_own_task(document, spec.library))
    return task_value(spec.own_task(document, given["division"]))


def _refuse(problems: list[Problem]) -> None:
    """Raise Invalid for the flaw, ValueError where there are flaws of several kinds."""
    errors = sorted({problem.error for problem in problems})
    if len(errors) > 1:
        raise ValueError("; ".join(str(problem) for problem in problems))
    if errors:
        raise Invalid(errors[0])


def _task(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return task_value(spec.task(given["task"], given["division"]))
    except SpecError:
        raise Invalid("unknown-reference") from None


def _protocol(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return protocol_value(spec.protocol(given["protocol"], given["division"]))
    except SpecError:
        raise Invalid("unknown-reference") from None


def _suite(given: Mapping[str, Any], spec: Spec) -> Any:
    if given["suite"] not in spec.suites:
        raise Invalid("unknown-reference")
    suite = spec.suites[given["suite"]]
    return {
        "members": list(suite.members),
        "complete": suite.complete,
        "seed": suite.seed,
        "micro_batch": {"cpu": suite.micro_batch_cpu, "cuda": suite.micro_batch_cuda},
        "interval": to_json({k: v for k, v in asdict(suite.interval).items() if k != "method"}),
        "comparison": asdict(suite.comparison),
        "association": asdict(suite.association),
        "tolerance": dict(spec.tolerance),
    }


def task_value(task: Task) -> Any:
    """The values of a resolved task that can move a score, by the keys of its document."""
    return to_json(
        {
            "task": task.id,
            "version": task.version,
            "dataset": {
                "dataset": task.dataset.id,
                "layout": {"id": task.dataset.layout.id, "options": task.dataset.layout.options},
            },
            "split": task.split_rule,
            "label_rule": task.label_rule,
            "counts": task.counts,
            "view": task.view,
            "feature": task.feature,
            "protocol": protocol_value(task.protocol),
            "metrics": task.metrics,
        }
    )


def protocol_value(protocol: Protocol) -> Any:
    """The values of a protocol in a division that can move a score."""
    return to_json(
        {
            "protocol": protocol.id,
            "kind": protocol.kind,
            "version": protocol.version,
            "constants": protocol.constants,
        }
    )


OPERATIONS = {
    "documents.yaml": _yaml,
    "documents.check": _check,
    "documents.own_task": _own_task,
    "documents.task": _task,
    "documents.protocol": _protocol,
    "documents.suite": _suite,
}
