"""Metrics of labels, rankings, traits and groups (SPEC.md, section 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biobench.conformance.operations import Invalid
from biobench.errors import BiobenchError
from biobench.metric import (
    accuracy,
    average_precision,
    group_accuracy,
    macro_f1,
    traits_f1,
    user_loss,
)
from biobench.metric.accuracy import top_k
from biobench.spec.load import Spec


def _macro_f1(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {
            "score": macro_f1(given["y_true"], given["y_pred"], division=given["division"]),
        }
    except BiobenchError as error:
        raise Invalid("value") from error


def _accuracy(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"score": accuracy(given["y_true"], given["y_pred"])}
    except BiobenchError as error:
        raise Invalid("value") from error


def _top_k(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"score": top_k(given["first_hit"], given["k"])}
    except BiobenchError as error:
        raise Invalid("value") from error


def _average_precision(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        value = average_precision(given["relevant"], n_relevant=given["n_relevant"])
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"average_precision": value}


def _traits_f1(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"score": traits_f1(given["y_true"], given["y_pred"], division=given["division"])}
    except BiobenchError as error:
        raise Invalid("value") from error


def _user_loss(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        score = user_loss(given["y_true"], given["y_pred"], poisonous=given["poisonous"])
    except BiobenchError as error:
        raise Invalid("value") from error
    return {"score": score}


def _group_accuracy(given: Mapping[str, Any], spec: Spec) -> Any:
    try:
        return {"score": group_accuracy(given["y_true"], given["y_pred"], given["group"])}
    except BiobenchError as error:
        raise Invalid("value") from error


OPERATIONS = {
    "metric.macro_f1": _macro_f1,
    "metric.accuracy": _accuracy,
    "metric.top_k": _top_k,
    "metric.average_precision": _average_precision,
    "metric.traits_f1": _traits_f1,
    "metric.user_loss": _user_loss,
    "metric.group_accuracy": _group_accuracy,
}
