"""The digests of items beside a result, held to the digests that it states.

In: a result and the manifest of one of its tasks, which has the ids. Out: a finding where they do
not belong together. What the digests say of images and features is not looked at here.
"""

from __future__ import annotations

from biobench.data.manifest import Manifest
from biobench.embed.embedded import features_root, pixels_digest
from biobench.errors import BiobenchError
from biobench.report.results import Results
from biobench.verify.findings import Finding


def check_item_digests(results: Results, task: str, manifest: Manifest) -> Finding | None:
    """The first fault of a task's digests of images and items, which is open where their files
    cannot be read; None where they are the result's."""
    stated = results.tasks[task]["digests"]
    rows = [row.id for row in manifest.rows]
    items = [row.id for row in manifest.items.rows]
    for stage, what, ids, root in (
        ("pixels", "images", rows, pixels_digest),
        ("features", "items", items, features_root),
    ):
        try:
            leaves = results.item_digests(task, "pixels" if stage == "pixels" else "features")
        except BiobenchError as error:
            # They decide no score: a result without them is one that no sample can be taken of.
            return Finding("features", None, f"no digests of single {what}: {error}", task)
        if len(leaves) != len(ids) or root(ids, leaves) != stated[stage]:
            return Finding(stage, False, f"the digests of its {what} are not the result's", task)
    return None
