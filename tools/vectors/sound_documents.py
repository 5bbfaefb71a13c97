"""Documents for section 6.3, each sound, and the ways to change a copy of them.

They are written out and not taken from the bundle, so that a case keeps its input when a document
of the specification changes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Documents = dict[str, Any]
Edit = Callable[[Documents], object]

KNN = {
    "protocol": "knn",
    "kind": "knn",
    "version": 1,
    "title": "Nearest neighbours",
    "section": "10.2",
    "split": "leave-one-out",
    "labels": "classes",
    "gives": ["neighbours", "first_hit", "average_precision"],
    "constants": {
        "k": 1,
        "normalise": "l2",
        "distance": "squared-euclidean",
        "precision": "float64",
        "vote": "uniform",
        "vote_tie": "smallest-id",
        "neighbour_tie": "manifest-row",
        "listed_neighbours": 5,
        "candidate_margin": 32,
        "exclude_self": True,
    },
    "compat": {"k": 5, "normalise": "none"},
    "errata": [],
}
WHALES = {
    "dataset": "whales",
    "version": "1",
    "title": "Whales",
    "status": "manual",
    "licence": None,
    "citation": "Nobody",
    "sources": [],
    "layout": {
        "id": "coco",
        "options": {
            "annotations": "notes.json",
            "images": "images",
            "label": "name",
            "cluster": {"unit": "individual", "key": "name"},
        },
    },
    "files": {"count": 3, "bytes": 300, "digest": "sha256:" + 64 * "0"},
    "notes": [],
    "unknown": {"/licence": "Nobody was asked."},
}
SOURCE = {
    "name": "a.zip",
    "urls": ["https://example.org/a.zip"],
    "bytes": 1,
    "sha256": 64 * "a",
    "md5": 32 * "b",
    "archive_root": "a",
    "unpacks_to": "a",
}
F1 = {"id": "macro_f1", "higher_is_better": True, "interval": "half-jackknife"}
TOP1 = {"id": "top1", "higher_is_better": True, "interval": None}
TASK = {
    "task": "whales",
    "version": 1,
    "title": "Whales",
    "taxa": "whales",
    "modality": "photographs",
    "mission": "Tell whales apart.",
    "citation": "Nobody",
    "dataset": "whales",
    "split": "leave-one-out",
    "label_rule": "train-names",
    "counts": {"train": 3, "test": 3, "classes": 2},
    "view": {"kind": "image"},
    "feature": "official",
    "protocol": "knn",
    "metrics": [F1, TOP1],
    "compat": {"feature": "compat"},
    "errata": [],
    "unknown": {},
}
CHILD = {
    "task": "orcas",
    "extends": "whales",
    "version": 1,
    "counts": {"train": 3, "test": 3, "classes": 2},
    "unknown": {},
}
SUITE = {
    "spec_version": "1.0.0",
    "title": "A suite",
    "seed": 17,
    "micro_batch": {"cpu": 32, "cuda": 256},
    "interval": {
        "method": "half-jackknife",
        "confidence": 0.95,
        "minimum_clusters": 5,
        "few_clusters": 10,
        "lone_class_in": 10,
        "t_quantiles": [[4, 2.7764], [5.5, 2.5], [100, 1.984]],
    },
    "comparison": {
        "method": "cluster-signs",
        "replicates": 999,
        "correction": "holm",
        "alpha": 0.05,
        "minimum_clusters": 8,
    },
    "association": {"method": "bootstrap-percentile", "replicates": 1000, "confidence": 0.95},
    "aggregate": {"method": "unweighted-mean", "of": "primary-metric"},
    "suites": [
        {"id": "mine", "title": "Mine", "members": ["whales", "seals"], "pending": ["seals"]}
    ],
    "levels": [{"id": "S", "stage": "score", "promise": "exact"}],
    "tolerance": {"feature_cosine": 0.9, "equal_predictions": 0.9, "score_difference": 0.1},
}
MODEL = {
    "name": "small",
    "resolves_to": "timm:resnet18",
    "source": "hub",
    "revision": None,
    "licence": "apache-2.0",
    "feature": "default",
    "overlap": [],
    "unknown": {"/revision": "Not pinned."},
}
RECIPE = {
    "id": "square",
    "applies_to": ["timm:square_*"],
    "mode": "squash",
    "filter": "bicubic",
    "feature": "pooled",
    "source": "Its authors' code.",
}
K, D, T, C = "protocols/knn.yaml", "datasets/whales.yaml", "tasks/whales.yaml", "tasks/orcas.yaml"
S, M = "suite.yaml", "models.yaml"
ALL: Documents = {K: KNN, D: WHALES, T: TASK, C: CHILD, S: SUITE, M: {"models": [MODEL]}}


def put(path: str, *place: Any) -> Edit:
    """Set a member or item; the last argument is the value."""
    *keys, last, value = place

    def edit(documents: Documents) -> None:
        at = documents[path]
        for key in keys:
            at = at[key]
        # A later edit may change what lies in it.
        at[last] = copy.deepcopy(value)

    return edit


def drop(path: str, *place: Any) -> Edit:
    *keys, last = place

    def edit(documents: Documents) -> None:
        at = documents[path]
        for key in keys:
            at = at[key]
        del at[last]

    return edit


def both(*edits: Edit) -> Edit:
    return lambda documents: [edit(documents) for edit in edits]


def add(path: str, value: Any) -> Edit:
    return lambda documents: documents.__setitem__(path, copy.deepcopy(value))


OPTIONS = ("layout", "options")
DAYS = {"unit": "day", "pattern": "D{cluster}T*"}
FOLDER = {"id": "image-folder", "options": {"splits": {"gallery": "all"}, "cluster": DAYS}}
FILMS = {
    "id": "csv",
    "options": {
        "tables": {"gallery": "films.csv"},
        "path": "frames/{film}/{n}.jpg",
        "label": "name",
        "subject": "{film}",
        "frames": {"column": "n", "count": 32, "digits": 2},
        "cluster": {"unit": "film", "template": "{film:stem}"},
    },
}
VIDEOS = {"path": "films/{subject}.mp4", "digest": "sha256:" + 64 * "1"}
TRAIN_TEST = {
    "id": "image-folder",
    "options": {"splits": {"train": "a", "test": "b"}, "cluster": DAYS},
}
PINNED = {**TASK, "protocol_version": 1, "dataset_version": "1"}
T1, K1, D1 = "tasks/whales.v1.yaml", "protocols/knn.v1.yaml", "datasets/whales.v1.yaml"
