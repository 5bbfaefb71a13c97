"""Answer the vectors of a bundle with the runner that the environment's path has.

python tools/mutants/runner_answers.py BUNDLE.json > ANSWERS.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from biobench.conformance.own_answers import answer
from biobench.spec.load import load_spec

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    spec = load_spec(ROOT / "spec")
    bundle = json.loads(Path(sys.argv[1]).read_bytes())
    answers = {
        case["id"]: answer(file["operation"], case["input"], spec)
        for path, file in bundle.items()
        if path.startswith("conformance/")
        for case in file["cases"]
    }
    json.dump({"answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
