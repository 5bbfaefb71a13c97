"""The records of a Croissant document: how a layout gives ids, images and labels.

In: a layout value and the files of the document. Out: RecordSets. The format can express the column
or the part of a path that holds a fact, but not how a path is built from several columns; the
description repeats the layout's template for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from biobench.spec.croissant_files import CroissantFiles
from biobench.spec.layout_options import cluster_templates, listed, path_parts

_TEMPLATE = re.compile(r"\{([^{}:]+)(?::(?:name|stem))?\}")
_TEXT, _IMAGE = "sc:Text", "sc:ImageObject"


def record_sets(layout: Mapping[str, Any], files: CroissantFiles) -> list[dict[str, Any]]:
    """RecordSets of a layout; their files are added to ``files``. A layout that this module does
    not know has none."""
    describe = {"image-folder": _image_folder, "coco": _coco, "csv": _csv}.get(layout["id"])
    return list(describe(layout["options"], files)) if describe is not None else []


def _record_set(id: str, fields: Sequence[dict[str, Any]], key: str, note: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": id,
        "name": id,
        "description": note,
        "key": {"@id": f"{id}/{key}"},
        "field": [{"@type": "cr:Field", "@id": f"{id}/{f['name']}", **f} for f in fields],
    }


def _field(name: str, source: dict[str, Any], type: str = _TEXT, **more: Any) -> dict[str, Any]:
    return {"name": name, "dataType": type, "source": source, **more}


def _of_files(file_set: str, property: str, **more: Any) -> dict[str, Any]:
    return {"fileSet": {"@id": file_set}, "extract": {"fileProperty": property}, **more}


def _image_folder(options: Mapping[str, Any], files: CroissantFiles) -> Iterator[dict[str, Any]]:
    for split, folder in options["splits"].items():
        images = files.images(f"{split}-images", folder, ("**/*",))
        name = re.escape(path_parts(folder)[-1])
        # The class is the folder right below the split's.
        label = {"transform": {"regex": f"(?:^|.*?/){name}/([^/]+)/.*"}}
        fields = [
            _field("id", _of_files(images, "fullpath")),
            _field("image", _of_files(images, "content"), _IMAGE),
            _field("label", _of_files(images, "fullpath", **label)),
        ]
        yield _record_set(split, fields, "id", f"One image a record, of the split {split}.")


def _coco(options: Mapping[str, Any], files: CroissantFiles) -> Iterator[dict[str, Any]]:
    table = files.table(options["annotations"])
    images = files.images("gallery-images", options["images"], ("*", "**/*"))

    def value(path: str) -> dict[str, Any]:
        return {"fileObject": {"@id": table}, "extract": {"jsonPath": path}}

    fields = [
        _field("file_name", _of_files(images, "filename")),
        _field("image", _of_files(images, "content"), _IMAGE),
    ]
    yield _record_set("files", fields, "file_name", "The image files.")
    fields = [
        _field("id", value("$.images[*].id")),
        _field("file_name", value("$.images[*].file_name")),
    ]
    yield _record_set("images", fields, "id", "The file of each image.")
    fields = [
        _field("image_id", value("$.annotations[*].image_id")),
        _field("label", value(f"$.annotations[*].{options['label']}")),
    ]
    note = "The label of each image, all in the split gallery."
    yield _record_set("gallery", fields, "image_id", note)


def _csv(options: Mapping[str, Any], files: CroissantFiles) -> Iterator[dict[str, Any]]:
    path = options["path"]
    templates = (
        {"images": path} if isinstance(path, str) else {f"{s}-images": path[s] for s in path}
    )
    for name, template in templates.items():
        folder, slash, _ = template.partition("{")[0].rpartition("/")
        deeper = "/" in template[len(folder + slash) :]
        # Without a slash in the template the cells may still have one.
        patterns = ("**/*",) if deeper else ("*", "**/*")
        images = files.images(name, folder, patterns)
        fields = [
            _field("path", _of_files(images, "fullpath")),
            _field("image", _of_files(images, "content"), _IMAGE),
        ]
        yield _record_set(f"{name}-files", fields, "path", "The image files.")
    rows = _columns(options)
    note = _table_note(options)
    if "tables" in options:
        tables = [(s, t) for s in options["tables"] for t in listed(options["tables"][s])]
    else:
        tables = [("rows", table) for table in listed(options["table"])]
    for i, (split, table) in enumerate(tables):
        again = any(other == split for other, _ in tables[:i])
        id = f"{split}-{i}" if again else split
        source = files.table(table, note)
        fields = [_field(name, _cell(source, column)) for name, column in rows.items()]
        shown = path if isinstance(path, str) else path.get(split, path)
        where = f"The image of a record has the path {shown}, with the columns in braces put in."
        yield _record_set(id, fields, next(iter(rows)), where)
    if "poisonous" in options:
        poisonous = options["poisonous"]
        source = files.table(poisonous["table"])
        fields = [
            _field("label", _cell(source, poisonous["label"])),
            _field("poisonous", _cell(source, poisonous["column"])),
        ]
        note = "A class is poisonous where the number is 1, and edible elsewhere."
        if "cells" in poisonous:
            note = f"A class is poisonous where the cell is one of {poisonous['cells']}, "
            note += f"and edible where it is one of {poisonous['edible']}."
        yield _record_set("poisonous", fields, "label", note)


def _cell(table: str, column: str) -> dict[str, Any]:
    return {"fileObject": {"@id": table}, "extract": {"column": column}}


def _columns(options: Mapping[str, Any]) -> dict[str, str]:
    """Field name -> column. The label's field is ``label``; the others are named as the columns."""
    path = options["path"]
    templates = [path] if isinstance(path, str) else list(path.values())
    templates = [options.get("id", ""), *templates]
    templates += [options.get(key, "") for key in ("subject", "group")]
    templates += cluster_templates(options)
    frame = options.get("frames", {}).get("column")
    named = [c for t in templates for c in _TEMPLATE.findall(t) if c != frame]
    named += [options[key] for key in ("position",) if key in options]
    named += [options["split"]["column"]] if "split" in options else []
    named += [trait["column"] for trait in options.get("traits", ())]
    fields = {column: column for column in named}
    return fields | ({"label": options["label"]} if "label" in options else {})


def _table_note(options: Mapping[str, Any]) -> str:
    notes = []
    if "delimiter" in options:
        notes.append(f"Cells are parted by {options['delimiter']!r}.")
    if "columns" in options:
        notes.append(f"There is no header; the columns are {', '.join(options['columns'])}.")
    return " ".join(notes)
