"""An in-toto statement (v1) over a submission: its digest, and the result as the predicate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from biobench.export.formats import ExportOptions
from biobench.report.results import Results
from biobench.spec.canonical import sha256_bytes
from biobench.spec.load import Spec
from biobench.verify.submission import submission_bytes

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:biobench:schema:1:results"
"""The predicate's type: the id of the schema that ``results.json`` is valid against."""


def write(results: Sequence[Results], spec: Spec, options: ExportOptions) -> bytes:
    """The statement as JSON, to be signed by whoever makes it.

    Its subject is the file that ``biobench submit`` writes of the result, which has one digest.

    Raises:
        DataError: As :func:`submission_bytes`.
    """
    (result,) = results
    digest = sha256_bytes(submission_bytes(result)).removeprefix("sha256:")
    statement: dict[str, Any] = {
        "_type": STATEMENT,
        "subject": [{"name": "submission.tar", "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": result.document,
    }
    return (json.dumps(statement, indent=2, ensure_ascii=False) + "\n").encode()
