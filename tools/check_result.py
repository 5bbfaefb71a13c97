"""Check a result document: its schema, its digest, and that its scores are neither chance nor 1."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema

from biobench.report.results import load_results, result_digest
from biobench.spec.location import spec_root


def main(path: str) -> None:
    results = load_results(path)
    schema = json.loads((spec_root() / "v1" / "schema" / "results.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(results.document)
    assert results.digests["result"] == result_digest(results.document), "digests.result is wrong"
    for task, entry in results.tasks.items():
        chance = 0.5 if entry["metric"] == "traits_f1" else 1 / entry["counts"]["classes"]
        assert chance < entry["score"] < 1, f"{task}: {entry['score']} is not between chance and 1"
        predictions = Path(path).parent / entry["predictions"]
        assert predictions.is_file(), f"{predictions} is missing"
    assert results.mean is not None
    assert results.mean["tasks"] == len(results.tasks), "the mean is not of every task"
    print(f"{path}: {len(results.tasks)} tasks, mean {results.mean['score']:.4f}, valid")


if __name__ == "__main__":
    main(sys.argv[1])
