"""Records of a result for trackers of experiments: flat parameters and flat numbers."""

from __future__ import annotations

from typing import Any

from biobench.report.results import Results

_MODEL = ("name", "resolved", "revision", "parameters", "dim", "feature", "precision")


def parameters(result: Results) -> dict[str, Any]:
    """Parameters of the run: the model, the specification and the digests of the stages."""
    document = result.document
    model = document["model"]
    own = document["division"] == "open"
    return {
        "division": document["division"],
        **({} if own else {"suite": document["suite"], "official": document["official"]}),
        "n_train": document["n_train"] if document["n_train"] is not None else "all",
        "spec": document["spec"]["version"],
        "biobench": document["biobench"],
        **{f"model.{name}": model[name] for name in _MODEL},
        **{f"digest.{stage}": digest for stage, digest in document["digests"].items()},
    }


def numbers(result: Results) -> dict[str, float]:
    """Scores, their bounds and all metrics by ``task/metric``, and the mean."""
    found: dict[str, float] = {}
    for task, entry in result.tasks.items():
        found[f"{task}/score"] = entry["score"]
        found |= {f"{task}/{name}": value for name, value in entry["metrics"].items()}
        if entry["interval"] is not None:
            found |= {f"{task}/{name}": entry["interval"][name] for name in ("low", "high")}
    if result.mean is not None:
        found |= {
            f"mean/{name}": result.mean[name]
            for name in ("score", "low", "high")
            if result.mean[name] is not None
        }
    return found
