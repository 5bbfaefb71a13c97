"""Section 7.4: test items without a train example."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.case import Case, VectorFile, refused
from vectors.manifests import BY_HAND, Rows, due, gallery, item, manifest, test, train


def exclusion_cases() -> Iterator[Case]:
    items = train("a", "b") + test("a", "new", "b")
    rows: Rows = [("train/0", 0, "train"), ("train/1", 1, "train"), ("test/0", 0, "test")]
    last = ("test/2", 1, "test")
    yield manifest("exclusions/of-three", items, due(["a", "b"], [*rows, last], excluded=1))
    yield manifest(
        "exclusions/none-in-compat",
        items,
        due(
            ["a", "b", "new"],
            [*rows, ("test/1", 2, "test"), last],
        ),
        division="compat",
        label_rule="union-names",
    )
    yield manifest(
        "exclusions/in-open", items, due(["a", "b"], [*rows, last], excluded=1), division="open"
    )
    half = train("a", "b") + test("a", "new")
    yield manifest("exclusions/half", half, due(["a", "b"], rows, excluded=1))
    more = train("a", "b") + test("a", "new", "newer")
    yield manifest("exclusions/more-than-half", more, refused)
    yield manifest(
        "exclusions/more-than-half-expected",
        more,
        due(["a", "b"], rows, excluded=2),
        layout_options={"expected_exclusions": ["new", "newer"]},
    )
    # The one expected item leaves both numbers of the check: 2 of 3 are more than half.
    yield manifest(
        "exclusions/expected-and-more-than-half",
        train("a", "b") + test("a", "new", "new", "newer"),
        refused,
        layout_options={"expected_exclusions": ["newer"]},
    )
    # A label with a train example is not left out of the check: 2 of 3 again, not 2 of 2.
    yield manifest(
        "exclusions/expected-but-known",
        train("a", "b") + test("a", "a", "new"),
        due(["a", "b"], [*rows, ("test/1", 0, "test")], excluded=1),
        layout_options={"expected_exclusions": ["a"]},
    )
    # A known label that is expected leaves neither number: 3 of 5 are more than half.
    yield manifest(
        "exclusions/expected-but-known-and-more-than-half",
        train("a", "b") + test("a", "a", "new", "newer", "newest"),
        refused,
        layout_options={"expected_exclusions": ["a"]},
    )
    single = gallery("x", "y", "x", "z", "y", "y")
    labels = [0, 1, 0, 2, 1, 1]
    kept = [(f"gallery/{i}", label, "gallery") for i, label in enumerate(labels)]
    yield manifest(
        "exclusions/single-image-of-a-gallery",
        single,
        due(["x", "y", "z"], kept, excluded=1, unscored=["gallery/3"]),
        split="leave-one-out",
    )
    yield manifest(
        "exclusions/gallery-in-compat",
        single,
        due(["x", "y", "z"], kept),
        split="leave-one-out",
        division="compat",
    )
    yield manifest(
        "exclusions/gallery-more-than-half",
        gallery("x", "y", "z", "w", "x"),
        refused,
        split="leave-one-out",
    )
    pairs = [
        item(f"gallery/{i}", label, "gallery", group=group)
        for i, (label, group) in enumerate(["xg", "xg", "yg", "yg", "xh", "yh", "yh", "xi", "yi"])
    ]
    kept = [(each["path"], int(each["label"] == "y"), "gallery") for each in pairs]
    yield manifest(
        "exclusions/single-image-of-a-group",
        pairs,
        due(["x", "y"], kept, excluded=3, unscored=["gallery/4", "gallery/7", "gallery/8"]),
        split="leave-one-out",
    )
    grouped = [
        item("train/0", "a", "train", group="g"),
        item("train/1", "b", "train", group="g"),
        item("train/2", "a", "train", group="h"),
        item("train/3", "c", "train", group="h"),
        item("test/0", "a", "test", group="g"),
        item("test/1", "c", "test", group="g"),
        item("test/2", "c", "test", group="h"),
    ]
    yield manifest(
        "exclusions/by-group",
        grouped,
        due(
            ["a", "b", "c"],
            [
                ("train/0", 0, "train"),
                ("train/1", 1, "train"),
                ("train/2", 0, "train"),
                ("train/3", 2, "train"),
                ("test/0", 0, "test"),
                ("test/2", 2, "test"),
            ],
            excluded=1,
        ),
    )


def files() -> Iterator[VectorFile]:
    about = "Test items without a train example."
    yield VectorFile(
        "exclusions", "build", "7.4", "D", "manifest.build", about, list(exclusion_cases()),
        source=BY_HAND,
    )  # fmt: skip
