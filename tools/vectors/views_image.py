"""Section 7.6: the view of an image, beside subjects that the layout names."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.case import VectorFile
from vectors.views import due, image, manifest


def files() -> Iterator[VectorFile]:
    images = [
        image("k/1.jpg", "a", "train", "k"),
        image("k/2.jpg", "b", "train", "k"),
        image("m/1.jpg", "a", "test", "m"),
    ]
    rows = [("k/1.jpg", 0, "train", ""), ("k/2.jpg", 1, "train", ""), ("m/1.jpg", 0, "test", "")]
    items = [(path, label, split) for path, label, split, _ in rows]
    case = manifest(
        "subjects-are-left-out", images, due(rows, items, [0, 1, 2]), view={"kind": "image"}
    )
    yield VectorFile(
        "views",
        "images",
        "7.6",
        "D",
        "manifest.items",
        "Each image is an item, whatever subjects there are.",
        [case],
        source="by hand",
    )
