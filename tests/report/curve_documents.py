"""Documents of learning curves that a run could write."""

from __future__ import annotations

from typing import Any

DIGEST = "sha256:" + "0" * 64
MEAN = {"score": 0.75, "low": 0.7, "high": 0.8}


def cell(n: int | None, score: float | None, reason: str | None = None) -> dict[str, Any]:
    bounds = (None, None) if score is None else (score - 0.1, score + 0.1)
    train = None if score is None else 12 if n is None else n
    return {
        "n_train": n, "train": train, "score": score, "low": bounds[0], "high": bounds[1],
        "reason": reason,
    }  # fmt: skip


def document() -> dict[str, Any]:
    """Two tasks at three sizes, one of which has no score at two of them."""

    def size(n: int | None, mean: dict[str, Any] | None) -> dict[str, Any]:
        folder = "all" if n is None else f"n-{n}"
        return {"n_train": n, "results": f"{folder}/results.json", "digest": DIGEST, "mean": mean}

    def task(unit: str, *cells: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": 1, "metric": "macro_f1", "higher_is_better": True, "cluster_unit": unit,
            "cells": list(cells),
        }  # fmt: skip

    why = "no class has the 5 training items that 5 folds need"
    model = {"name": "demo", "resolved": "timm:demo", "revision": None, "weights": DIGEST}
    return {
        "schema": "biobench.curve/1",
        "biobench": "1.0.0",
        "spec": {"version": "1.0.0", "digest": DIGEST},
        "suite": "demo",
        "division": "official",
        "model": model,
        "sizes": [size(1, None), size(3, None), size(None, MEAN)],
        "tasks": {
            "demo-kabr": task("video", cell(1, None, why), cell(3, None, why), cell(None, 0.8125)),
            "demo-plankton": task("item", cell(1, 0.25), cell(3, 0.5), cell(None, 0.6875)),
        },
    }
