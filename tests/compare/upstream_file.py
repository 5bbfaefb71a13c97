"""A results file in the form of the published benchmark's own code, with made-up scores."""

from __future__ import annotations

from typing import Any

import numpy as np

NINE = (
    "beluga", "fishnet", "fungiclef", "herbarium19", "iwildcam", "kabr", "mammalnet", "plankton",
    "plantnet",
)  # fmt: skip
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def upstream_file(models: int = 14, seed: int = 5) -> dict[str, Any]:
    """Scores of models on the nine tasks, ImageNet and a task that the specification lacks.

    The last model has none on plankton.
    """
    rng = np.random.default_rng(seed)
    tasks = (*NINE, "ecdysis", "imagenet1k")
    quality = rng.uniform(0.4, 0.9, models)
    names = [f"model-{i}/tag" for i in range(models)]
    results = []
    for i, name in enumerate(names):
        for task in tasks:
            if (i, task) == (models - 1, "plankton"):
                continue
            score = float(np.clip(quality[i] + rng.normal(0, 0.1), 0, 1))
            results.append(
                {"task": task, "model": name, "mean": score, "bootstrap_mean": score,
                 "ci_low": score, "ci_high": score}
            )  # fmt: skip
    listed = [
        {"ckpt": name, "display": f"Model {i}", "family": "F", "resolution": 224,
         "params": 1000 + i, "release_ms": None if i == 0 else 1_609_804_800_000}
        for i, name in enumerate(names)
    ]  # fmt: skip
    return {
        "meta": {"schema": 1, "generated": 1_700_000_000_000, "git_commit": COMMIT, "seed": 17,
                 "alpha": 0.05, "n_bootstraps": 500},
        "models": listed,
        "benchmark_tasks": [{"name": t, "display": t} for t in (*NINE, "ecdysis")],
        "prior_work_tasks": [{"name": "imagenet1k", "display": "ImageNet-1K"}],
        "results": results,
        "bests": [],
    }  # fmt: skip
