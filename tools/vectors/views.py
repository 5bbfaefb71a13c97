"""Section 7.6: frames of clips, images of observations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vectors.case import Case, Check, VectorFile, refused
from vectors.drawn import SEED
from vectors.generator import word

# Frames of the clip, frames taken, stride.
CLIPS = {
    "long-enough": (100, 16, 5),
    "odd-spare": (12, 3, 2),
    "even-spare": (11, 3, 2),
    "exactly-long-enough": (76, 16, 5),
    "one-too-few-for-the-stride": (75, 16, 5),
    "stride-of-one-at-last": (17, 16, 5),
    "every-frame": (16, 16, 5),
    "one-frame": (9, 1, 7),
    "clip-of-one": (1, 1, 1),
    "two-frames-far-apart": (10, 2, 9),
    "two-frames-farther-than-the-clip": (10, 2, 50),
}
FRAMES = {
    "kind": "frames",
    "frames": 3,
    "stride": 2,
    "start": "middle",
    "pool": "max",
    "clip_label": "most-frequent",
    "short": "drop",
    "missing": "drop",
}
OBSERVATION = {"kind": "observation", "pool": "mean", "splits": ["test"]}


def frames(given: Any, output: Any) -> bool:
    """The published loop: a smaller stride until the frames fit, then a start."""
    count, wanted, stride = given["count"], given["frames"], given["stride"]
    if count < wanted:
        return bool(output == {"error": "value"})
    while (wanted - 1) * stride + 1 > count:
        stride -= 1
    spare = count - ((wanted - 1) * stride + 1)
    first = spare // 2
    if given["start"] == "random":
        name = f"frames/{given['task']}/{given['clip']}"
        first = word({"seed": f"{SEED:016x}", "stream": name}, 0) * (spare + 1) >> 64
    return bool(output == {"frames": list(range(first, first + wanted * stride, stride))[:wanted]})


def frame_cases() -> Iterator[Case]:
    for name, (count, wanted, stride) in CLIPS.items():
        given = {"count": count, "frames": wanted, "stride": stride}
        yield Case(f"views/frames/middle/{name}", {**given, "start": "middle"}, frames)
        drawn = {**given, "start": "random", "task": "kabr", "clip": f"clip-{name}"}
        yield Case(f"views/frames/random/{name}", drawn, frames)
    short = {"count": 15, "frames": 16, "stride": 5, "start": "middle"}
    yield Case("views/frames/too-short", short, frames)


def image(path: str, label: str, split: str, subject: str, **more: Any) -> dict[str, Any]:
    return {"id": path, "path": path, "label": label, "split": split, "subject": subject, **more}


def clip(name: str, labels: Sequence[str], split: str) -> list[dict[str, Any]]:
    """Frames in their order, which is not the order of their paths: 10 is before 2 there."""
    return [image(f"{name}/{i}.jpg", label, split, name) for i, label in enumerate(labels, 1)]


def due(
    rows: Sequence[tuple[str, int, str, str]],
    items: Sequence[tuple[str, int, str]],
    item_of_row: list[int],
    *,
    dropped: int = 0,
    excluded: int = 0,
) -> Check:
    def check(given: Any, output: Any) -> str | None:
        wanted = {
            "rows": [list(row) for row in rows],
            "items": [list(item) for item in items],
            "item_of_row": item_of_row,
            "dropped": dropped,
            "excluded": excluded,
        }
        wrong = [key for key in wanted if wanted[key] != output.get(key)]
        return f"{wrong}: {output}" if wrong else None

    return check


def manifest(name: str, items: list[dict[str, Any]], check: Check, **task: Any) -> Case:
    given = {"task": "vectors", "division": "official", "view": FRAMES, **task, "items": items}
    return Case(f"views/items/{name}", given, check)


def rows_of(name: str, numbers: Sequence[int], label: int, split: str) -> list[Any]:
    return [(f"{name}/{i}.jpg", label, split, name) for i in numbers]


def item_cases() -> Iterator[Case]:
    base = [*clip("k", "aaaaa", "train"), *clip("l", "bbbbb", "train")]
    test = clip("m", "aaaaa", "test")
    train_rows = [*rows_of("k", [1, 3, 5], 0, "train"), *rows_of("l", [1, 3, 5], 1, "train")]
    test_rows = rows_of("m", [1, 3, 5], 0, "test")
    items = [("k", 0, "train"), ("l", 1, "train"), ("m", 0, "test")]
    of = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    yield manifest("clips", [*base, *test], due([*train_rows, *test_rows], items, of))
    yield manifest("clips-found-late", [*test, *base], due([*train_rows, *test_rows], items, of))
    whole = [image for n, a in ("ka", "lb", "ma") for image in clip(n, 5 * a, "gallery")]
    every = [
        row
        for name, label in (("k", 0), ("l", 1), ("m", 0))
        for row in rows_of(name, [1, 3, 5], label, "gallery")
    ]
    galleries = [(id, label, "gallery") for id, label, _ in items]
    wanted = due(every, galleries, of, excluded=1)
    yield manifest("clips-of-a-gallery", whole, wanted, split="leave-one-out")
    long = clip("m", 12 * "a", "test")
    # Frames 5, 7 and 9 by number; as text 10 would come before 2.
    rows = [*train_rows, *rows_of("m", [4, 6, 8], 0, "test")]
    yield manifest("frames-by-position", [*base, *long], due(rows, items, of))
    mixed = clip("m", "bbaab", "test")
    rows = [*train_rows, *rows_of("m", [1, 3, 5], 1, "test")]
    changed = [*items[:2], ("m", 1, "test")]
    yield manifest("most-frequent-label", [*base, *mixed], due(rows, changed, of))
    # One of each: the smallest label.
    tied = [*base, *clip("n", "ccccc", "train"), *clip("m", "cxbxa", "test")]
    rows = [*train_rows, *rows_of("n", [1, 3, 5], 2, "train"), *test_rows]
    more = [*items[:2], ("n", 2, "train"), ("m", 0, "test")]
    yield manifest(
        "label-tie",
        tied,
        due(rows, more, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]),
    )
    # As text "10" comes before "9"; as an id it does not.
    numbers = [*clip("k", "11111", "train"), *clip("l", "99999", "train")]
    numbers += [image(f"m/{i}", label, "test", "m") for i, label in enumerate(["10", "9", "12"])]
    rows = [*rows_of("k", [1, 3, 5], 1, "train"), *rows_of("l", [1, 3, 5], 9, "train")]
    yield manifest(
        "label-tie-of-written-ids",
        numbers,
        due(
            [*rows, *((f"m/{i}", 9, "test", "m") for i in range(3))],
            [("k", 1, "train"), ("l", 9, "train"), ("m", 9, "test")],
            of,
        ),
        label_rule="written-ids",
        division="compat",
    )
    short = [*base, *test, *clip("a", "aa", "train")]
    yield manifest(
        "short-clip-dropped", short, due([*train_rows, *test_rows], items, of, dropped=1)
    )
    strict = {**FRAMES, "short": "error"}
    yield manifest("short-clip-refused", short, refused, view=strict)
    hole = [*base, *test, *clip("o", "aaaaa", "test")]
    yield manifest(
        "missing-frame-drops-the-clip",
        hole,
        due([*train_rows, *test_rows], items, of, dropped=1),
        missing=["o/2.jpg"],
    )
    yield from clip_cases(base, test)
    groups = [*base, *[{**i, "group": f"g{n}"} for n, i in enumerate(test)]]
    yield manifest("clip-in-two-groups", groups, refused)
    films = [*base, *[{**i, "cluster": f"c{n}"} for n, i in enumerate(test)]]
    yield manifest("clip-in-two-clusters", films, refused)
    filmed = [*base, *[{**i, "cluster": "c"} for i in test]]
    yield manifest("clip-in-a-cluster", filmed, due([*train_rows, *test_rows], items, of))
    yield from observation_cases()


def observation_cases() -> Iterator[Case]:
    observed = [
        image("t/1", "a", "train", "s1"),
        image("t/2", "a", "train", "s1"),
        image("t/3", "b", "train", "s2"),
        image("v/9", "b", "test", "s4"),
        image("v/2", "a", "test", "s3"),
        image("v/1", "b", "test", "s4"),
        image("v/0", "a", "test", "s3"),
    ]
    rows = [("t/1", 0, "train", ""), ("t/2", 0, "train", ""), ("t/3", 1, "train", "")]
    rows += [("v/0", 0, "test", "s3"), ("v/2", 0, "test", "s3")]
    rows += [("v/1", 1, "test", "s4"), ("v/9", 1, "test", "s4")]
    wanted = [("t/1", 0, "train"), ("t/2", 0, "train"), ("t/3", 1, "train")]
    wanted += [("s3", 0, "test"), ("s4", 1, "test")]
    yield manifest(
        "observations", observed, due(rows, wanted, [0, 1, 2, 3, 3, 4, 4]), view=OBSERVATION
    )
    two = [*observed, image("v/5", "a", "test", "s4")]
    yield manifest("observation-of-two-labels", two, refused, view=OBSERVATION)
    marked = [
        {**{k: v for k, v in i.items() if k != "label"}, "traits": [int(i["label"] == "a"), 1]}
        for i in observed
    ]
    more = {"view": OBSERVATION, "traits": ["fins", "eggs"]}
    unlike = [{**i, "traits": [0, 0]} if i["path"] == "v/9" else i for i in marked]
    yield manifest("observation-of-unlike-traits", unlike, refused, **more)
    clash = [*observed, image("s3", "a", "train", "")]
    yield manifest("subject-is-an-image-id", clash, refused, view=OBSERVATION)


def clip_cases(base: list[dict[str, Any]], test: list[dict[str, Any]]) -> Iterator[Case]:
    """Clips of which a frame differs, or has no file."""
    rows_due = [*rows_of("k", [1, 3, 5], 0, "train"), *rows_of("l", [1, 3, 5], 1, "train")]
    rows_due += rows_of("m", [1, 3, 5], 0, "test")
    items = [("k", 0, "train"), ("l", 1, "train"), ("m", 0, "test")]
    of = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    hole = [*base, *test, *clip("o", "aaaaa", "test")]
    strict = {**FRAMES, "missing": "error"}
    yield manifest("missing-frame-refused", hole, refused, view=strict, missing=["o/2.jpg"])
    # A clip that is too short is judged by that alone, whatever else it lacks.
    both = [*base, *test, *clip("o", "aa", "test")]
    dropped = due(rows_due, items, of, dropped=1)
    yield manifest("short-clip-that-lacks-a-frame", both, dropped, view=strict, missing=["o/2.jpg"])
    refusing, name = {**FRAMES, "short": "error"}, "short-clip-that-lacks-a-frame-refused"
    yield manifest(name, both, refused, view=refusing, missing=["o/2.jpg"])
    seldom = [
        *clip("k", "bbabb", "train"),
        *clip("l", "ccccc", "train"),
        *clip("m", "c" * 5, "test"),
    ]
    rows = [*rows_of("k", [1, 3, 5], 0, "train"), *rows_of("l", [1, 3, 5], 1, "train")]
    rows += rows_of("m", [1, 3, 5], 1, "test")
    yield manifest("label-of-a-frame-alone", seldom, due(rows, [*items[:2], ("m", 1, "test")], of))
    seen = [*base, *test, *clip("n", "zzzzz", "test")]
    yield manifest("clip-excluded", seen, due(rows_due, items, of, excluded=1))
    both = [
        {**i, "id": f"{g}/{i['id']}", "path": f"{g}/{i['path']}", "subject": f"{g}/{i['subject']}"}
        | {"group": g}
        for g in ("g0", "g1")
        for i in base
    ]
    parted = [*both, *[{**i, "group": f"g{n // 3}"} for n, i in enumerate(test)]]
    yield manifest("clip-in-two-groups-that-are-there", parted, refused)
    # The frames that are not taken are no rows.
    odd = [*base, *[{**i, "cluster": "c" if n != 1 else "d"} for n, i in enumerate(test)]]
    yield manifest("frame-of-another-cluster-not-taken", odd, due(rows_due, items, of))
    yield from order_cases()


def order_cases() -> Iterator[Case]:
    """Observations in code-point order of their names, whatever the paths and ids of the images."""
    train = [image("t/1", "a", "train", "1"), image("t/2", "b", "train", "2")]
    due_train = [("t/1", 0, "train", ""), ("t/2", 1, "train", "")]
    for name, subjects in {
        "subjects-not-in-order-of-paths": ["b", "a"],
        "subjects-by-code-point": ["\U0001f41a", "\ufb33"],
        "subjects-are-no-numbers": ["9", "10"],
    }.items():
        # Paths and ids of a subject's images are in three orders: of paths, of ids, as found.
        found = [
            {**image(f"v/{n}{path}", "a", "test", subject), "id": f"{n}-{id}"}
            for n, subject in enumerate(subjects)
            for path, id in (("\ufb33", 2), ("\U0001f41a", 0), ("z", 1))
        ]
        rows = [
            (f"{n}-{id}", 0, "test", subject)
            for n, subject in reversed(list(enumerate(subjects)))
            for id in (1, 2, 0)
        ]
        items = [("t/1", 0, "train"), ("t/2", 1, "train")]
        items += [(subject, 0, "test") for subject in reversed(subjects)]
        of = [0, 1, 2, 2, 2, 3, 3, 3]
        check = due([*due_train, *rows], items, of)
        yield manifest(name, [*train, *found], check, view=OBSERVATION)
    names = [*clip("k", ["\ufb33"] * 5, "train"), *clip("l", ["\U0001f41a"] * 5, "train")]
    tied = [*names, *clip("m", ["\U0001f41a", "x", "\ufb33", "x", "\U0001f41b"], "test")]
    rows = [*rows_of("k", [1, 3, 5], 0, "train"), *rows_of("l", [1, 3, 5], 1, "train")]
    rows += rows_of("m", [1, 3, 5], 0, "test")
    listed = [("k", 0, "train"), ("l", 1, "train"), ("m", 0, "test")]
    yield manifest("label-tie-by-code-point", tied, due(rows, listed, [0, 0, 0, 1, 1, 1, 2, 2, 2]))


def files() -> Iterator[VectorFile]:
    for name, operation, about, cases, source in (
        (
            "frames",
            "view.frames",
            "Which frames of a clip are taken.",
            frame_cases(),
            "a plain loop",
        ),
        (
            "items",
            "manifest.items",
            "Manifests of clips and observations: rows, and the items they are pooled to.",
            item_cases(),
            "by hand",
        ),
    ):
        yield VectorFile("views", name, "7.6", "D", operation, about, list(cases), source=source)
