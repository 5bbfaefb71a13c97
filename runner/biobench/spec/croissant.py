"""A data set document as Croissant, the metadata format of MLCommons (version 1.0, JSON-LD).

In: a data set document's JSON value. Out: the facts that other tools read: where the files are,
which of them are images, and how ids and labels are found. A fact that is not known is left out,
and the description says so; no checksum, licence or date is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biobench.spec.croissant_files import CroissantFiles
from biobench.spec.croissant_records import record_sets
from biobench.spec.recorders import recorder

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the format prescribes; readers warn about any other."""


def croissant(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The Croissant document of a data set document (the value of datasets/<id>.yaml).

    ``isLiveDataset`` is true where a file has no published checksum: a reader then expects none.
    """
    files = CroissantFiles(dataset["sources"])
    records = record_sets(dataset["layout"], files)
    document: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": dataset["title"],
        "alternateName": dataset["dataset"],
        "description": " ".join(_description(dataset, files)),
        "license": _licence(dataset),
        "citeAs": dataset["citation"],
        "version": _version(dataset["version"]),
    }
    if "page" in dataset:
        document["url"] = dataset["page"]
    if files.unchecked:
        document["isLiveDataset"] = True
    document["distribution"] = files.distribution()
    document["recordSet"] = records
    return document


def _description(dataset: Mapping[str, Any], files: CroissantFiles) -> Iterator[str]:
    yield f"{dataset['title']}, as the benchmark biobench uses it; status: {dataset['status']}."
    yield from dataset["notes"]
    known = dataset.get("files", {})
    if known.get("digest") is not None:
        by = [str(recorder(value)) for value in known.get("recorded_by", ())]
        yield (
            f"The benchmark reads {known['count']} of its files, {known['bytes']} bytes, digest "
            f"{known['digest']} (SPEC.md, section 4)"
            + (f", recorded by {'; '.join(by)}." if by else ".")
        )
    if files.unchecked:
        yield (
            "Marked as live because no checksum is published for "
            f"{', '.join(files.unchecked)}; the data set itself does not change."
        )


def _licence(dataset: Mapping[str, Any]) -> str:
    licence = dataset["licence"]
    if licence is None:
        return f"Unknown. {dataset['unknown'].get('/licence', '')}".strip()
    return f"https://spdx.org/licenses/{licence}"


def _version(version: str) -> str:
    # The format asks for three numbers; the documents count with one.
    return f"{version}.0.0" if version.isdigit() else version
