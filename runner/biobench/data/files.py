"""The files that a data set's document describes (SPEC.md, section "Digests").

In: a data set and its folder. Out: count, bytes and digest of its image and annotation files, to
compare with ``files`` in the document.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biobench.data.file_hashes import file_digests
from biobench.data.frames.check import clips_left_out, require_frames
from biobench.data.hints import with_setup_hint
from biobench.data.layouts import annotation_files, find, image_folders
from biobench.data.layouts.options import join, split_rule_of
from biobench.data.layouts.scan import DECODED
from biobench.spec.canonical import sha256_json
from biobench.spec.documents import Dataset


@dataclass(frozen=True)
class DatasetFiles:
    """Number of files, sum of their sizes, and the digest of ``[[path, digest], ...]`` by path."""

    count: int
    bytes: int
    digest: str


def file_paths(dataset: Dataset, root: Path) -> list[str]:
    """Paths of the image and annotation files that the layout names, in code-point order.

    Clips that were left out when videos were cut have none.

    Raises:
        DataError: The data have structural faults.
    """
    require_frames(dataset, root)
    rule = split_rule_of(dataset.layout)
    with with_setup_hint(dataset, root):
        found = find(root, dataset.layout, rule, keep_missing=clips_left_out(dataset, root))
    paths = {item.path for item in found.items if item.id not in found.missing}
    paths.update(annotation_files(dataset.layout, rule), found.tables)
    return sorted(paths)


def found_files(dataset: Dataset, root: Path, workers: int = 1) -> DatasetFiles:
    """Count and hash the files of ``dataset`` in ``root``.

    Raises:
        DataError: The data have structural faults, or a file cannot be read.
    """
    paths = file_paths(dataset, root)
    digests = file_digests([str(root / path) for path in paths], workers)
    return files_of(root, list(zip(paths, digests, strict=True)))


def unnamed_images(dataset: Dataset, root: Path, paths: Collection[str]) -> list[str]:
    """Images in the folders of the layout that are not among ``paths``, in code-point order.

    They are not items, since tables and annotation files decide; hidden names are left out.
    """
    named = set(paths)
    found: set[str] = set()
    for folder in image_folders(dataset.layout, split_rule_of(dataset.layout)):
        for base, folders, names in os.walk(root / folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            place = Path(base).relative_to(root).as_posix()
            found.update(
                path
                for name in names
                if name.lower().endswith(DECODED) and not name.startswith(".")
                if (path := join(place, name)) not in named
            )
    return sorted(found)


def files_of(root: Path, pairs: Sequence[tuple[str, str]]) -> DatasetFiles:
    """The value of files whose (path, digest) are known, in order of the paths."""
    size = sum((root / path).stat().st_size for path, _ in pairs)
    return DatasetFiles(len(pairs), size, sha256_json([list(pair) for pair in pairs]))


def file_differences(dataset: Dataset, files: DatasetFiles) -> list[str]:
    """One line for each fact of the document that the files contradict; None is not compared."""
    expected: Mapping[str, object] = dataset.files
    lines = []
    for name in ("count", "bytes", "digest"):
        wanted, actual = expected.get(name), getattr(files, name)
        if wanted is not None and wanted != actual:
            lines.append(f"{dataset.id}: files {name} is {actual}, expected {wanted}")
    return lines
