"""Section 4: digests of values, data, features and models."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from biobench.spec.generator import Stream
from vectors.blake3 import blake3
from vectors.case import Case, Check, VectorFile, refused_with
from vectors.drawn import SEED, image, pixels

SOURCE = "hashlib over text written by json.dumps, and a plain BLAKE3"


def text(value: Any) -> bytes:
    """Canonical JSON of a value whose names are ASCII and whose numbers are short."""
    dumped = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return dumped.encode()


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hashed(value: Callable[[Any], Any]) -> Check:
    """The digest is the sha256 of what `value` makes of the input."""

    def check(given: Any, output: Any) -> bool:
        return bool(output == {"digest": sha256(text(value(given)))})

    return check


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def file(name: str, about: str, cases: list[Case], level: str = "S") -> VectorFile:
    # Pixels and files need BLAKE3 and layouts, which level S does without.
    folder = "digests" if level == "S" else "data-digests"
    return VectorFile(folder, name, "4", level, f"digest.{name}", about, cases, source=SOURCE)


VALUES = {
    "null": None,
    "empty-list": [],
    "text": "Herbarium \u00e9",
    "object": {"b": [1, 2.5, True], "a": None, "": {}},
}


def values() -> VectorFile:
    cases = [
        Case(f"digests/value/{k}", {"value": v}, hashed(lambda given: given["value"]))
        for k, v in VALUES.items()
    ]
    return file("value", "sha256 of the canonical JSON of a value.", cases)


def row(number: int, label: Any, split: str, **more: Any) -> dict[str, Any]:
    name = "traits" if isinstance(label, list) else "label"
    place = f"{split}/{number:02}.jpg"
    return {"id": place, "path": place, name: label, "split": split, **more}


MANIFESTS = {
    "no-rows": [],
    "train-and-test": [row(1, 0, "train"), row(2, 1, "train"), row(1, 1, "test")],
    "gallery": [row(1, 0, "gallery"), row(2, 0, "gallery")],
    "unknown-class": [row(1, 0, "train"), row(2, 1, "train"), row(1, -1, "test")],
    "id-is-not-the-path": [{**row(1, 0, "train"), "id": "42"}, row(1, 0, "test")],
    "not-ascii": [{**row(1, 0, "train"), "path": "train/\u00c5ngstr\u00f6m \U0001f41a.png"}],
    "traits": [row(1, [0, 1, 1], "train"), row(2, [1, 0, 0], "test")],
    "groups": [row(1, 0, "train", group="age"), row(1, 0, "test", group="health")],
    "clips": [
        row(1, 0, "train", subject="clip-1"),
        row(2, 0, "train", subject="clip-1"),
        row(1, 0, "test", subject="clip-2"),
    ],
    # The view pools the test split alone: a train row is an item of its own and its subject empty.
    "subject-on-one-split": [row(1, 0, "train"), row(1, 0, "test", subject="observation 7")],
    "groups-and-clips": [
        row(1, 0, "train", group="g", subject="a"),
        row(1, 0, "test", group="g", subject="b"),
    ],
    "group-of-one-row": [row(1, 0, "train", group="g"), row(2, 0, "train"), row(1, 0, "test")],
    # Train rows have no cluster.
    "clusters": [row(1, 0, "train"), row(1, 0, "test", cluster="camera 7")],
    "clips-and-clusters": [
        row(1, 0, "train", subject="a"),
        row(1, 0, "test", subject="b", cluster="film"),
    ],
    "groups-clips-and-clusters": [
        row(1, 0, "train", group="g", subject="a"),
        row(1, 0, "test", group="g", subject="b", cluster="film"),
    ],
}


def manifest_value(given: Any) -> Any:
    rows = given["rows"]
    more = [k for k in ("group", "subject", "cluster") if any(r.get(k) for r in rows)]
    return [
        [r["id"], r["path"], r.get("traits", r.get("label")), r["split"]]
        + [r.get(k, "") for k in more]
        for r in rows
    ]


def manifests() -> VectorFile:
    cases = [
        Case(f"digests/manifest/{k}", {"rows": rows}, hashed(manifest_value))
        for k, rows in MANIFESTS.items()
    ]
    return file("manifest", "Rows; traits, groups, subjects and clusters change them.", cases)


def pixels_check(given: Any, output: Any) -> bool:
    rows = [
        [r["id"], "blake3:" + blake3(base64.b64decode(r["crop"]["rgb"]))] for r in given["rows"]
    ]
    return bool(output == {"leaves": [leaf for _, leaf in rows], "digest": sha256(text(rows))})


def crops() -> VectorFile:
    # 3 bytes; 1,023 in one chunk; 1,026 in two; 6,912 in a tree of seven chunks.
    sizes = {"one-pixel": (1, 1, 1), "one-chunk": (11, 31, 1), "two-chunks": (18, 19, 1)}
    sizes |= {"tree": (48, 48, 1), "three-rows": (4, 5, 3)}
    cases = []
    for name, (height, width, count) in sizes.items():
        rows = [
            {"id": f"{i}.png", "crop": image(pixels(f"digests/{name}/{i}", height, width))}
            for i in range(count)
        ]
        cases.append(Case(f"data-digests/pixels/{name}", {"rows": rows}, pixels_check))
    return file("pixels", "BLAKE3 of each crop, and the sha256 over the rows.", cases, "D")


def features_check(given: Any, output: Any) -> bool:
    leaves = [sha256(struct.pack(f"<{len(r)}f", *r)) for r in given["features"]]
    rows = [list(row) for row in zip(given["ids"], leaves, strict=True)]
    return bool(output == {"digest": sha256(text(rows))})


def features() -> VectorFile:
    drawn = Stream(SEED, "vectors/digests/features").floats(12).reshape(4, 3)
    special = np.array([[0.0, -0.75, 2.0**-149], [1e-38, 3.4028234663852886e38, -1 / 3]], "<f4")
    cases = {
        "drawn": (["a", "b", "c", "d"], drawn.tolist()),
        "least-and-largest": (["a", "b"], special.tolist()),
        "one-number": (["a"], [[1.5]]),
        "not-ascii": (["\u00e9.jpg"], [[0.25, -4.0]]),
    }
    return file(
        "features",
        "The sha256 of each row as little-endian float32, and the sha256 over the rows.",
        [
            Case(f"digests/features/{k}", {"ids": ids, "features": rows}, features_check)
            for k, (ids, rows) in cases.items()
        ],
    )


def weights_check(given: Any, output: Any) -> bool:
    ordered = sorted(given["tensors"], key=lambda t: t["name"])
    head = text([[t["name"], t["dtype"], t["shape"]] for t in ordered])
    tail = b"".join(base64.b64decode(t["elements"]) for t in ordered)
    return bool(output == {"digest": sha256(head + b"\0" + tail)})


def tensor(name: str, dtype: str, shape: list[int], data: bytes) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape, "elements": base64_of(data)}


def weights() -> VectorFile:
    matrix = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
    cases = {
        "one-matrix": [tensor("weight", "float32", [2, 3], matrix)],
        "shape-counts": [tensor("weight", "float32", [3, 2], matrix)],
        "sorted-by-name": [
            tensor("b.weight", "float32", [1], matrix[:4]),
            tensor("a.weight", "float32", [1], matrix[4:8]),
            tensor("B", "float32", [1], matrix[8:12]),
        ],
        "sorted-by-code-point": [
            tensor("\U0001f41a", "float32", [1], matrix[:4]),
            tensor("\ufb33", "float32", [1], matrix[4:8]),
        ],
        "scalar-and-empty": [
            tensor("count", "int64", [], struct.pack("<q", -3)),
            tensor("none", "float32", [0, 4], b""),
        ],
        "bfloat16-and-float16": [
            tensor("x", "bfloat16", [2], bytes.fromhex("803f40c0")),
            tensor("y", "float16", [2], bytes.fromhex("003c00c2")),
        ],
        "bytes-and-flags": [
            tensor("u", "uint8", [3], b"\x00\x7f\xff"),
            tensor("f", "bool", [2], b"\x00\x01"),
        ],
        "no-tensors": [],
    }
    return file(
        "weights",
        "A state's tensors, each given by the bytes of its elements, row-major, little-endian.",
        [
            Case(f"digests/weights/{k}", {"tensors": tensors}, weights_check)
            for k, tensors in cases.items()
        ],
    )


def recipe_check(given: Any, output: Any) -> bool:
    table = {"table": sha256(base64.b64decode(given["table"]))}
    digests = [sha256(text({**given["geometry"], **more})) for more in ({}, table)]
    return bool(output == {"geometry": digests[0], "recipe": digests[1]})


def recipes() -> VectorFile:
    geometry = {"mode": "shortest", "size": [224, 224], "long_side": "floor", "filter": "bicubic"}
    geometry |= {"crop": [224, 224], "crop_rounding": "half-even", "pad": [0, 0, 0]}
    odd = {**geometry, "mode": "squash", "size": [256, 192], "crop": [256, 192], "pad": [255, 0, 1]}
    table = base64_of(np.tile(np.arange(256, dtype="<f4") / np.float32(255), 3).tobytes())
    return file(
        "recipe",
        "The geometry, and the geometry with the digest of the value table.",
        [
            Case("digests/recipe/plain", {"geometry": geometry, "table": table}, recipe_check),
            Case(
                "digests/recipe/two-sides",
                {"geometry": odd, "table": base64_of(bytes(3072))},
                recipe_check,
            ),
            Case(
                "digests/recipe/short-table",
                {"geometry": odd, "table": base64_of(bytes(3071))},
                refused_with("value"),
            ),
        ],
    )


def contents(given: Any) -> Mapping[str, bytes]:
    return {path: base64.b64decode(data) for path, data in given["files"].items()}


def files_check(named: list[str]) -> Check:
    def check(given: Any, output: Any) -> bool:
        held = contents(given)
        pairs = [[path, sha256(held[path])] for path in sorted(named)]
        size = sum(len(held[path]) for path in named)
        digest = sha256(text(pairs))
        return bool(output == {"count": len(named), "bytes": size, "digest": digest})

    return check


def data_files() -> VectorFile:
    folders = {
        "train/a/1.jpg": b"one",
        "train/b/2.PNG": b"two, longer",
        "train/b/notes.txt": b"no image",
        "train/b/.hidden.jpg": b"hidden",
        "test/a/3.jpeg": b"",
        "read-me.md": b"outside",
    }
    annotations = text(
        {
            "images": [{"id": 2, "file_name": "y.jpg"}, {"id": 1, "file_name": "x.jpg"}],
            "annotations": [
                {"image_id": 1, "name": "u"},
                {"image_id": 2, "name": "v"},
            ],
        }
    )
    coco = {"notes/a.json": annotations, "images/x.jpg": b"x", "images/y.jpg": b"y"}
    splits = {"train": "train", "test": "test"}
    options = {"annotations": "notes/a.json", "images": "images", "label": "name"}
    cases = {
        "image-folder": (
            {"id": "image-folder", "options": {"splits": splits}},
            folders,
            ["train/a/1.jpg", "train/b/2.PNG", "test/a/3.jpeg"],
        ),
        "coco": ({"id": "coco", "options": options}, coco, list(coco)),
    }
    table, poison = b"part,file,kind,task\n", b"name,deadly\na,1\nb,0\n"
    for part, name, kind in (("A", "\ufb33", "a"), ("A", "z", "b"), ("B", "\U0001f41a", "a")):
        table += f"{part},{name}.jpg,{kind},t\n".encode()
    columns = {
        "table": "list.csv",
        "split": {"column": "part", "train": ["A"], "test": ["B"]},
        "path": "{file}",
        "label": "kind",
    }
    images = {"z.jpg": b"z", "\ufb33.jpg": b"f", "\U0001f41a.jpg": b"s"}
    tables = {**images, "list.csv": table, "poison.csv": poison}
    deadly = {"table": "poison.csv", "label": "name", "column": "deadly"}
    poisonous = {**columns, "poisonous": deadly, "unknown_label": "?"}
    twice = table + "A,z.jpg,a,u\nA,\ufb33.jpg,b,u\nB,z.jpg,b,v\n".encode()
    groups = {**columns, "group": "{task}", "id": "{task}/{file}"}
    flat = {"train/a/1.jpg": b"1", "train/b/2.jpg": b"2", "test/3.jpg": b"3", "kit/list": b"1"}
    listed = {"splits": splits, "flat": {"test": {"labels": "kit/list", "classes": ["a", "b"]}}}
    unlisted = {
        "train/a/1.jpg": b"1",
        "train/b/2.jpg": b"2",
        "test/a/3.jpg": b"3",
        "kit/list": b"1",
    }
    cases |= {
        "tables": ({"id": "csv", "options": columns}, tables, [*images, "list.csv"]),
        "tables-and-poisonous": ({"id": "csv", "options": poisonous}, tables, list(tables)),
        "path-in-two-groups": (
            {"id": "csv", "options": groups},
            {**images, "list.csv": twice},
            [*images, "list.csv"],
        ),
        "list-of-classes": ({"id": "image-folder", "options": listed}, flat, list(flat)),
        "list-that-is-not-read": (
            {"id": "image-folder", "options": listed},
            unlisted,
            [path for path in unlisted if path != "kit/list"],
        ),
    }
    return file(
        "files",
        "The image and annotation files that a layout names, by path; contents in base64.",
        [
            Case(
                f"data-digests/files/{k}",
                {"layout": layout, "files": {p: base64_of(d) for p, d in held.items()}},
                files_check(named),
            )
            for k, (layout, held, named) in cases.items()
        ],
        "D",
    )


def files() -> Iterator[VectorFile]:
    yield values()
    yield manifests()
    yield crops()
    yield features()
    yield weights()
    yield recipes()
    yield data_files()
