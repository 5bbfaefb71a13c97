"""Check that the parts of a task fit together (SPEC.md, section "Tasks").

In: a resolved task and the documents that it names. Out: misfits, each with the places where it can
be fixed, the likeliest first. The needs and outputs of a part are read from its document, so that a
new protocol or layout needs no line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from biobench.spec.library import Library

SPLITS: Mapping[str, frozenset[str]] = {
    "train-test": frozenset({"train", "test"}),
    "leave-one-out": frozenset({"gallery"}),
}
"""Split rule -> the splits that a layout then has."""
_COLUMNS = {"top1": "first_hit", "top5": "first_hit", "mean_average_precision": "average_precision"}
_OF_CLASSES = frozenset({"macro_f1", "accuracy", "group_accuracy", "user_loss", *_COLUMNS})
_UNKNOWN_RULES = ("train-names-or-unknown", "written-ids")


@dataclass(frozen=True)
class Misfit:
    """Two parts of a task that do not fit. ``pointers``: where a change would fix it."""

    pointers: tuple[str, ...]
    message: str
    remedy: str


def misfits(task: Mapping[str, Any], library: Library) -> list[Misfit]:
    """Misfits of a resolved task, in one division.

    Misfits that follow from another are left out: metrics are judged only against a protocol that
    fits. A part without a document is not a misfit; it is reported as an unknown reference.
    """
    layout = _layout(task, library)
    protocol = _document(library, "protocol", task["protocol"])
    found = list(_splits(task, layout))
    if not found and protocol is not None:
        found += _protocol(task, protocol, layout, library)
    found += _views(task, layout)
    found += _label_rule(task, layout)
    if not found and protocol is not None:
        for i, metric in enumerate(task["metrics"]):
            found += _metric(f"/metrics/{i}", metric, task, protocol, layout)
    return found


def _document(library: Library, kind: str, id: str) -> Mapping[str, Any] | None:
    document = library.by_id[kind].get(id)
    return document.value if document is not None else None


def _layout(task: Mapping[str, Any], library: Library) -> Mapping[str, Any] | None:
    dataset = task["dataset"]
    if isinstance(dataset, str):
        dataset = _document(library, "dataset", dataset)
    layout: Mapping[str, Any] | None = dataset["layout"] if dataset is not None else None
    return layout


def layout_splits(layout: Mapping[str, Any]) -> frozenset[str] | None:
    """The splits that a layout's options name; None where they name none."""
    options = layout["options"]
    for key in ("splits", "tables"):
        if isinstance(options.get(key), dict):
            return frozenset(options[key])
    if isinstance(options.get("split"), dict):
        return frozenset(options["split"]) - {"column"}
    return SPLITS["leave-one-out"] if layout["id"] == "coco" else None


def _splits(task: Mapping[str, Any], layout: Mapping[str, Any] | None) -> Iterator[Misfit]:
    splits = layout_splits(layout) if layout is not None else None
    wanted = SPLITS[task["split"]]
    if splits is not None and splits != wanted:
        message = f"{task['split']} needs the splits {', '.join(sorted(wanted))}"
        remedy = f"the layout has {', '.join(sorted(splits))}: change its options or the split"
        yield Misfit(("/split", "/dataset"), message, remedy)


def _protocol(
    task: Mapping[str, Any],
    protocol: Mapping[str, Any],
    layout: Mapping[str, Any] | None,
    library: Library,
) -> Iterator[Misfit]:
    labels = "traits" if layout is not None and "traits" in layout["options"] else "classes"
    wanted = {"split": task["split"], "labels": labels}
    if {key: protocol[key] for key in wanted} == wanted:
        return
    fitting = [
        id
        for id, document in sorted(library.by_id["protocol"].items())
        if {key: document.value[key] for key in wanted} == wanted
    ]
    remedy = f"these fit: {', '.join(fitting) or 'none'}"
    if protocol["split"] != task["split"]:
        message = f"{task['protocol']} needs the split {protocol['split']}, not {task['split']}"
        yield Misfit(("/protocol", "/split"), message, remedy)
    elif layout is not None:
        message = f"{task['protocol']} needs labels that are {protocol['labels']}, not {labels}"
        yield Misfit(("/protocol", "/dataset"), message, remedy)


def _views(task: Mapping[str, Any], layout: Mapping[str, Any] | None) -> Iterator[Misfit]:
    view = task["view"]
    kind = view["kind"]
    if kind != "image" and layout is not None and "subject" not in layout["options"]:
        message = f"the view {kind} needs a layout that names the subject of an image"
        yield Misfit(("/view", "/dataset"), message, "add the layout option subject, or view image")
    strange = set(view.get("splits", ())) - SPLITS[task["split"]]
    if strange:
        message = f"{task['split']} has no split {', '.join(sorted(strange))}"
        remedy = f"choose from {', '.join(sorted(SPLITS[task['split']]))}"
        yield Misfit(("/view/splits", "/split"), message, remedy)


def _label_rule(task: Mapping[str, Any], layout: Mapping[str, Any] | None) -> Iterator[Misfit]:
    rule = task["label_rule"]
    options = layout["options"] if layout is not None else {"unknown_label": None}
    if rule == _UNKNOWN_RULES[0] and "unknown_label" not in options:
        message = f"{rule} needs a layout that names the unknown label"
        remedy = "add the layout option unknown_label, or take train-names"
        yield Misfit(("/label_rule", "/dataset"), message, remedy)


def _metric(
    at: str,
    metric: Mapping[str, Any],
    task: Mapping[str, Any],
    protocol: Mapping[str, Any],
    layout: Mapping[str, Any] | None,
) -> Iterator[Misfit]:
    id, of = metric["id"], (f"{at}/id", "/protocol", "/dataset")
    if not metric["higher_is_better"]:
        pointers = (f"{at}/higher_is_better",)
        yield Misfit(pointers, f"more of {id} is better", "write higher_is_better: true")
    column = _COLUMNS.get(id)
    if column is not None and column not in protocol["gives"]:
        message = f"{id} needs the column {column}, which {task['protocol']} does not give"
        yield Misfit(of, message, "take another metric, or a protocol that gives it")
    options: Mapping[str, Any] = layout["options"] if layout is not None else {}
    if layout is None:
        return
    if id in _OF_CLASSES and "traits" in options:
        yield Misfit(of, f"{id} needs labels that are classes, not traits", "take traits_f1")
    elif id == "traits_f1" and "traits" not in options:
        yield Misfit(of, f"{id} needs labels that are traits", "take another metric")
    elif id == "group_accuracy" and "group" not in options:
        message = f"{id} needs a layout that names groups"
        yield Misfit(of, message, "add the layout option group, or take accuracy")
    elif id == "user_loss":
        yield from _user_loss(of, task, options)


def _user_loss(
    of: tuple[str, ...], task: Mapping[str, Any], options: Mapping[str, Any]
) -> Iterator[Misfit]:
    missing = [key for key in ("unknown_label", "poisonous") if key not in options]
    if missing:
        message = f"user_loss needs the layout option {' and '.join(missing)}"
        yield Misfit(of, message, "add it to the data set, or take another metric")
    elif task["label_rule"] not in _UNKNOWN_RULES:
        message = f"user_loss needs the unknown label -1, which {task['label_rule']} does not give"
        remedy = f"write label_rule: {_UNKNOWN_RULES[0]}"
        yield Misfit(("/label_rule", *of), message, remedy)
