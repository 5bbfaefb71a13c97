"""A record of Every Eval Ever, schema 0.3.0: one model, one entry a task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from biobench.errors import UsageError
from biobench.export.formats import ExportOptions
from biobench.export.words import dataset_title, task_title
from biobench.report.results import Results
from biobench.spec.load import Spec

SCHEMA = "0.3.0"
_LIBRARY = "biobench"


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The record as JSON.

    Raises:
        UsageError: The organisation that made the result was not given.
    """
    (result,) = results
    if not options.organization:
        raise UsageError(
            "a record names the organization that made the result",
            remedy="give --organization NAME",
        )
    document = result.document
    run, model = document["run"], document["model"]
    moment = run["finished"] if run is not None else document["imported"]["created"]
    seconds = "0" if moment is None else str(int(datetime.fromisoformat(moment).timestamp()))
    record: dict[str, Any] = {
        "schema_version": SCHEMA,
        "evaluation_id": f"biobench/{model['resolved']}/{seconds}",
        "retrieved_timestamp": seconds,
        **({} if moment is None else {"evaluation_timestamp": moment}),
        "source_metadata": {
            "source_name": "BioBench",
            "source_type": "documentation" if run is None else "evaluation_run",
            "source_organization_name": options.organization,
            **({"source_organization_url": options.source_url} if options.source_url else {}),
            "evaluator_relationship": "other",
        },
        "eval_library": {
            "name": _LIBRARY,
            "version": document["biobench"],
            "additional_details": {
                "specification": document["spec"]["version"],
                "specification_digest": document["spec"]["digest"],
                "division": document["division"],
                **_standing(document),
                "result": document["digests"]["result"],
            },
        },
        "model_info": {
            "name": model["name"],
            "id": model["resolved"],
            "additional_details": {
                "deployment_type": "unknown" if run is None else "self_deployed",
                "model_availability": "unknown",
                **{
                    name: str(model[name])
                    for name in ("revision", "weights", "parameters", "feature", "precision")
                    if model[name] is not None
                },
            },
        },
        "evaluation_results": [_entry(task, entry, spec) for task, entry in result.tasks.items()],
    }
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def _standing(document: dict[str, Any]) -> dict[str, str]:
    """Suite, and whether the result is official, of which a result of own tasks has neither."""
    if document["division"] == "open":
        return {}
    return {"suite": str(document["suite"]), "official": str(document["official"]).lower()}


def _entry(task: str, entry: dict[str, Any], spec: Spec) -> dict[str, Any]:
    score: dict[str, Any] = {"score": entry["score"]}
    interval = entry["interval"]
    if interval is not None:
        score["uncertainty"] = {
            "confidence_interval": {
                "lower": interval["low"],
                "upper": interval["high"],
                "confidence_level": interval["level"],
                "method": interval["method"],
            },
        }
    if entry["counts"] is not None:
        score.setdefault("uncertainty", {})["num_samples"] = entry["counts"]["test"]
    return {
        "evaluation_result_id": task,
        "evaluation_name": task,
        "source_data": {"dataset_name": dataset_title(task, spec), "source_type": "other"},
        "metric_config": {
            "evaluation_description": task_title(task, spec),
            "metric_id": entry["metric"],
            "metric_unit": "proportion",
            "lower_is_better": not entry["higher_is_better"],
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
            "additional_details": {
                "task_version": str(entry["version"]),
                "declared": str(entry["declared"]).lower(),
            },
        },
        "score_details": score,
    }
