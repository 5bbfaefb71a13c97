"""Croissant documents: valid to the format's own reader, which also loads the data through them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biobench.data.layouts import find_items
from biobench.data.locate import EMBEDDED
from biobench.errors import UsageError
from biobench.spec.canonical import canonical_json
from biobench.spec.croissant import croissant
from biobench.spec.load import load_spec
from biobench.spec.show import croissant_document

SPEC = load_spec()
Read = Callable[..., Any]
# What the reader's authors are warned of: old names in a library, image files left open.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """``read(document, folder)``: the data set as mlcroissant sees it; an invalid one raises."""
    with pytest.MonkeyPatch.context() as patch:
        # It unpacks into a cache folder, whose place it looks up when it is imported.
        patch.setenv("CROISSANT_CACHE", str(tmp_path_factory.mktemp("croissant")))
        import mlcroissant

    def read_document(document: dict[str, Any], folder: Path, **options: Any) -> Any:
        path = folder / "croissant.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return mlcroissant.Dataset(path, **options)

    return read_document


def records(dataset: Any, name: str) -> list[dict[str, Any]]:
    """Records of one RecordSet with short field names and text instead of bytes."""
    return [
        {
            key.partition("/")[2]: value.decode() if isinstance(value, bytes) else value
            for key, value in record.items()
        }
        for record in dataset.records(name)
    ]


@pytest.mark.parametrize("id", SPEC.dataset_ids())
def test_every_data_set_is_valid(id: str, tmp_path: Path, read: Read) -> None:
    """No error, and no advice left but the date of publication, which the documents do not hold."""
    document = croissant_document(SPEC, id)
    issues = read(document, tmp_path).metadata.ctx.issues
    assert issues.errors == set()
    assert [w for w in issues.warnings if "datePublished" not in w] == []
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert document["recordSet"]
    canonical_json(document)


@pytest.mark.parametrize("id", SPEC.dataset_ids())
def test_nothing_unknown_is_made_up(id: str) -> None:
    """Checksums, sizes and licences are those of the document; what it lacks is told as lacking."""
    value = SPEC.library.by_id["dataset"][id].value
    document = croissant_document(SPEC, id)
    known = {source["name"]: source for source in value["sources"]}
    alone = [
        entry
        for entry in document["distribution"]
        if entry["@type"] == "cr:FileObject" and "containedIn" not in entry
    ]
    for entry in document["distribution"]:
        for key in ("sha256", "md5"):
            if key in entry:
                assert entry[key] == known[entry["@id"]][key]
        if "contentSize" in entry:
            assert entry["contentSize"] == f"{known[entry['@id']]['bytes']} B"
    unchecked = [e["@id"] for e in alone if not {"sha256", "md5"} & set(e)]
    assert document.get("isLiveDataset", False) == bool(unchecked)
    assert all(name in document["description"] for name in unchecked)
    if value["licence"] is None:
        assert document["license"] == f"Unknown. {value['unknown']['/licence']}"
    else:
        assert document["license"] == f"https://spdx.org/licenses/{value['licence']}"


@pytest.mark.parametrize("id", ["demo-herbarium19", "demo-plankton", "demo-plantnet"])
def test_the_format_finds_the_items_of_a_folder(id: str, tmp_path: Path, read: Read) -> None:
    """Another reader gets the ids, labels and images that the layout gives."""
    folder = tmp_path / id
    shutil.copytree(EMBEDDED / id, folder)
    layout = SPEC.dataset(id).layout
    items = find_items(folder, layout, "train-test")
    dataset = read(croissant_document(SPEC, id), folder)
    for split in ("train", "test"):
        found = records(dataset, split)
        assert {r["id"]: r["label"] for r in found} == {
            item.id: item.label for item in items if item.split == split
        }
        assert all(record["image"].size > (1, 1) for record in found)


def test_the_format_finds_the_items_of_a_coco_file(tmp_path: Path, read: Read) -> None:
    """Ids and labels come from the JSON file, images from the folder."""
    folder = tmp_path / "demo-beluga"
    shutil.copytree(EMBEDDED / "demo-beluga", folder)
    items = find_items(folder, SPEC.dataset("demo-beluga").layout, "leave-one-out")
    dataset = read(croissant_document(SPEC, "demo-beluga"), folder)
    labels = {record["image_id"]: record["label"] for record in records(dataset, "gallery")}
    assert labels == {item.id: item.label for item in items}
    files = {record["id"]: record["file_name"] for record in records(dataset, "images")}
    assert files == {item.id: Path(item.path).name for item in items}
    assert {r["file_name"] for r in records(dataset, "files")} == set(files.values())


MOTHS: dict[str, Any] = {
    "dataset": "moths",
    "version": "2",
    "title": "Moths",
    "status": "ok",
    "licence": "CC0-1.0",
    "citation": "Nobody, 2026",
    "sources": [
        {
            "name": "moths.zip",
            "urls": ["https://example.org/moths.zip", "https://example.com/moths.zip"],
            "bytes": 10,
            "sha256": None,
            "md5": None,
            "archive_root": "all",
            "unpacks_to": "images",
        },
        {
            "name": "moths.csv",
            "urls": ["https://example.org/moths.csv"],
            "bytes": None,
            "sha256": None,
            "md5": None,
            "archive_root": None,
            "unpacks_to": ".",
        },
    ],
    "layout": {
        "id": "csv",
        "options": {
            "table": "moths.csv",
            "split": {"column": "part", "train": ["a"], "test": ["b"]},
            "path": "images/{trap}/{file:name}",
            "label": "species",
        },
    },
    "notes": [],
    "unknown": {},
}


def test_the_format_reads_a_table_and_an_archive(tmp_path: Path, read: Read) -> None:
    """The cells that a layout names are fields; the images are found inside the archive."""
    image = (EMBEDDED / "demo-herbarium19/train/0/069900.jpg").read_bytes()
    with zipfile.ZipFile(tmp_path / "moths.zip", "w") as archive:
        for name in ("all/t1/x.jpg", "all/t2/y.JPG", "other/z.jpg", "all/t1/notes.txt"):
            archive.writestr(name, image)
    table = "trap,file,species,part\nt1,p/x.jpg,hawk,a\nt2,y.JPG,owlet,b\n"
    (tmp_path / "moths.csv").write_text(table, encoding="utf-8")
    mapping = {name: str(tmp_path / name) for name in ("moths.zip", "moths.csv")}
    dataset = read(croissant(MOTHS), tmp_path, mapping=mapping)
    assert records(dataset, "rows") == [
        {"trap": "t1", "file": "p/x.jpg", "part": "a", "label": "hawk"},
        {"trap": "t2", "file": "y.JPG", "part": "b", "label": "owlet"},
    ]
    paths = [record["path"] for record in records(dataset, "images-files")]
    assert paths == ["all/t1/x.jpg", "all/t2/y.JPG"]


def test_a_table_document_says_what_the_format_cannot() -> None:
    """The template of the path, mirrors, and the version in three numbers."""
    document = croissant(MOTHS)
    rows = next(entry for entry in document["recordSet"] if entry["@id"] == "rows")
    assert "images/{trap}/{file:name}" in rows["description"]
    assert document["distribution"][0]["description"] == "Also at https://example.com/moths.zip."
    assert document["version"] == "2.0.0"
    assert document["license"] == "https://spdx.org/licenses/CC0-1.0"


def test_parts_are_joined() -> None:
    """A source in parts is a file that is contained in them."""
    entries = {e["@id"]: e for e in croissant_document(SPEC, "kabr")["distribution"]}
    joined = entries["giraffes.zip"]
    parts = [part["@id"] for part in joined["containedIn"]]
    assert parts == [f"giraffes_part_{end}" for end in ("aa", "ab", "ac", "ad")]
    assert entries[parts[0]]["contentUrl"].endswith("/KABR/dataset/image/giraffes_part_aa")
    images = entries["images"]["containedIn"]
    assert [entry["@id"] for entry in images] == [
        *("giraffes.zip", "zebras_grevys.zip", "zebras_plains.zip")
    ]


def test_a_task_stands_for_its_data_set() -> None:
    """People know the tasks; an id that is neither gets a near name."""
    own = croissant_document(SPEC, "demo-plantnet")
    assert own["alternateName"] == "demo-plantnet"
    with pytest.raises(UsageError, match="did you mean plantnet"):
        croissant_document(SPEC, "plantnett")


def test_the_files_digest_and_who_recorded_it() -> None:
    """A reader of the format alone learns which files are meant, and who vouches for them."""
    document = SPEC.library.documents["datasets/demo-beluga.yaml"].value
    by = [{"person": p, "laboratory": f"Laboratory {p[0]}"} for p in ("Anna", "Bo")]
    files = {**document["files"], "recorded_by": by}
    text = croissant({**document, "files": files})["description"]
    names = "recorded by Anna, Laboratory A; Bo, Laboratory B."
    assert f"digest {files['digest']} (SPEC.md, section 4), {names}" in text
    unknown = dict.fromkeys(("count", "bytes", "digest"))
    assert "digest" not in croissant({**document, "files": unknown})["description"]
