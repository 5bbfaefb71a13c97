"""Task values for the data stage's tests, with only the fields under test varied."""

from __future__ import annotations

from typing import Any, Literal

from biobench.spec.documents import Counts, Dataset, Division, Layout, Metric, Protocol, Task

FOLDERS = {"splits": {"train": "train", "test": "val"}}
COCO = {"annotations": "annotations.json", "images": "images", "label": "name"}


def make_task(
    layout_id: str = "image-folder",
    options: dict[str, Any] | None = None,
    *,
    split_rule: Literal["train-test", "leave-one-out"] = "train-test",
    label_rule: Literal["train-names", "split-names", "union-names"] = "train-names",
    division: Division = "official",
    counts: Counts = Counts(None, None, None),
    dataset: str = "pebbles",
    version: int = 1,
) -> Task:
    """A task named ``pebbles`` on the data set ``dataset``."""
    return Task(
        id="pebbles",
        version=version,
        title="Pebbles",
        division=division,
        taxa="",
        modality="",
        mission="",
        citation="",
        dataset=Dataset(
            id=dataset,
            title="Pebbles",
            version="1",
            status="ok",
            licence=None,
            citation="",
            sources=(),
            layout=Layout(layout_id, FOLDERS if options is None else options),
            unknown={},
        ),
        split_rule=split_rule,
        label_rule=label_rule,
        counts=counts,
        view={},
        protocol=Protocol("knn", "knn", 1, {}),
        metrics=(Metric("macro_f1", True, None),),
        feature="official",
        errata=(),
    )
