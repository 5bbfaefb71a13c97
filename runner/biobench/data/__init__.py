"""The data stage: the images of a task, its items, and their order.

In: a task document and a folder. Out: a manifest (SPEC.md, section "Manifests").
"""

from biobench.data.build import build_manifest
from biobench.data.counts import count_differences
from biobench.data.locate import locate
from biobench.data.manifest import Item, Manifest, Row
from biobench.data.sample import sample_train

__all__ = [
    "Item",
    "Manifest",
    "Row",
    "build_manifest",
    "count_differences",
    "locate",
    "sample_train",
]
