"""``biobench data verify``: compares the files here with the documents of a data set.

In: a data set, its folder and its tasks. Out: counts, number, size and digest of the files, what
differs from the documents, and what they leave open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biobench._common.progress import Progress
from biobench.data.build import build_manifest
from biobench.data.counts import count_differences, found_counts
from biobench.data.diagnostics import unused_lines
from biobench.data.duplicates import linked_places, shared_bytes
from biobench.data.faults import SHOWN
from biobench.data.fetch.record import read_record
from biobench.data.file_hashes import ContentIndex
from biobench.data.files import DatasetFiles, file_differences, file_paths, files_of, unnamed_images
from biobench.data.frames.check import FramesReport, check_frames
from biobench.data.sources import archive_folder, sources_of
from biobench.data.views import left_out
from biobench.errors import DataError, counted, shown
from biobench.spec.documents import Dataset, Task

Pairs = Sequence[tuple[str, str]]


@dataclass
class DataReport:
    """The outcome of verifying a data set.

    Attributes:
        differences: One line each.
        open_values: Values that the documents do not have, by document and key, as found here.
        pairs: Path and digest of every file, by path.
        frames: Report on the frames of a data set of videos.
        unnamed: Images that lie among the others and that no table names.
        left_out: Items that views and rules leave out of each task.
        suspicions: Facts that look wrong and are not differences.
    """

    dataset: str
    root: Path
    files: DatasetFiles
    counts: dict[str, dict[str, int]]
    differences: list[str] = field(default_factory=list)
    open_values: dict[str, dict[str, Any]] = field(default_factory=dict)
    pairs: Pairs = ()
    frames: FramesReport | None = None
    unnamed: Sequence[str] = ()
    left_out: dict[str, list[str]] = field(default_factory=dict)
    suspicions: list[str] = field(default_factory=list)


def verify(
    dataset: Dataset,
    root: Path,
    tasks: Sequence[Task],
    index: ContentIndex,
    *,
    seed: int,
    workers: int = 1,
    quiet: bool = False,
) -> DataReport:
    """Read all files of ``dataset`` in ``root``.

    Where clips were left out of the frames, counts and the values that documents leave open are not
    reported.

    Args:
        dataset: The data set.
        root: Its folder.
        tasks: The tasks of the data set.
        index: Digests of files that are untouched.
        seed: The suite's seed.
        workers: Files that are read at once.
        quiet: Show no progress.

    Raises:
        DataError: The data set has structural faults.
    """
    paths = file_paths(dataset, root)
    with Progress(dataset.id, len(paths), unit="files", quiet=quiet) as progress:
        digests = index.digests([str(root / path) for path in paths], workers, progress.advance)
    pairs = list(zip(paths, digests, strict=True))
    report = DataReport(dataset.id, root, files_of(root, pairs), {}, pairs=pairs)
    empty = [path for path in paths if (root / path).stat().st_size == 0]
    report.differences += [f"{shown(path)}: is empty" for path in empty]
    report.differences += file_differences(dataset, report.files)
    report.unnamed = unnamed_images(dataset, root, paths)
    report.suspicions += linked_places(dataset.layout, root)
    if dataset.videos is not None:
        frames = check_frames(dataset, root, dict(pairs))
        report.frames = frames
        report.differences += frames.differences
        if frames.left_out:
            # The rest of the data gives no values for the documents.
            return report
        known = {"digest": dataset.videos["digest"]}
        found = {"digest": frames.digest}
        _leave_open(report, f"datasets/{dataset.id}.yaml", "videos", known, found)
    _leave_open(report, f"datasets/{dataset.id}.yaml", "files", dataset.files, vars(report.files))
    by_path = dict(pairs)
    for task in tasks:
        manifest = build_manifest(task, root, seed)
        counts = found_counts(manifest)
        short = [f"left out: {left_out(manifest.dropped)}"] if manifest.dropped else []
        report.left_out[task.id] = short + unused_lines(manifest)
        lines = shared_bytes(manifest, by_path)
        report.suspicions += [line for line in lines if line not in report.suspicions]
        report.counts[task.id] = counts
        report.differences += count_differences(task, manifest)
        _leave_open(report, f"tasks/{task.id}.yaml", "counts", vars(task.counts), counts)
    return report


def add_sources(report: DataReport, dataset: Dataset, data: Path) -> None:
    """Add values that the records of fetched archives have and the document does not."""
    folder = archive_folder(data, dataset)
    for number, source in enumerate(sources_of(dataset)):
        record = read_record(source, folder)
        if record is not None:
            known = {"bytes": source.known.bytes, "sha256": source.known.sha256}
            key = f"sources/{number}"
            _leave_open(report, f"datasets/{dataset.id}.yaml", key, known, vars(record.digest))


def raise_if_different(report: DataReport) -> None:
    """Raise DataError with the first ten differences and their count."""
    count = len(report.differences)
    if not count:
        return
    heading = counted(count, "difference")
    if count > SHOWN:
        heading += f", the first {SHOWN} are"
    remedy = "compare with another copy, or move the folder away and unpack it again"
    if report.frames is not None and report.frames.left_out:
        remedy = f"add these videos and run `biobench data frames {report.dataset}` again"
    raise DataError(
        f"{heading}: " + "; ".join(report.differences[:SHOWN]),
        where=shown(str(report.root)),
        remedy=remedy,
    )


def _leave_open(
    report: DataReport,
    document: str,
    key: str,
    known: Mapping[str, Any],
    measured: Mapping[str, Any],
) -> None:
    for name, value in known.items():
        if value is None:
            report.open_values.setdefault(document, {})[f"{key}/{name}"] = measured[name]
