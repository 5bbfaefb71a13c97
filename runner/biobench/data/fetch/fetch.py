"""``biobench data fetch``: the files of a data set's sources, from hosts or a folder.

In: a data set, a data folder and maybe a folder or further addresses. Out: all files of its sources
in ``DIR/archives/<id>``, each with a record of what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx2

from biobench._common.files import require_writable
from biobench.data.fetch.addresses import with_own_urls
from biobench.data.fetch.digests import Digest
from biobench.data.fetch.disk import require_space
from biobench.data.fetch.download import Say, download, part_of
from biobench.data.fetch.local import take
from biobench.data.fetch.lock import locked
from biobench.data.fetch.record import checked, read_record, record_path, write_record
from biobench.data.fetch.remote_sizes import told_bytes
from biobench.data.fetch.retries import RetryPolicy
from biobench.data.fetch.transfer import make_client
from biobench.data.sources import DataSource, File, archive_folder, sources_of
from biobench.errors import DataError, counted, shown
from biobench.spec.documents import Dataset

RETRY_POLICY = RetryPolicy()


def fetch(
    dataset: Dataset,
    data: Path,
    *,
    local: Path | None = None,
    urls: Sequence[str] = (),
    say: Say = print,
    policy: RetryPolicy = RETRY_POLICY,
    quiet: bool = False,
) -> None:
    """Bring all sources of a data set; those that are there are only checked. A later call goes on.

    Args:
        dataset: The data set's document.
        data: Folder that holds the data sets.
        local: Folder with files that were brought by hand; nothing is downloaded.
        urls: Further addresses of files, or of folders with them, which end in ``/``.
        say: Called with each line for people.
        policy: Number of tries at an address, and the waiting between them.
        quiet: Show no progress.

    Raises:
        DataError: A source cannot be had, or is not what the document says.
        UsageError: An address fits no file.
        BiobenchError: The disk takes no more.
    """
    require_obtainable(dataset, data, own=local is not None or bool(urls))
    sources = with_own_urls(sources_of(dataset), urls)
    folder = archive_folder(data, dataset)
    require_writable(folder)
    with locked(folder):
        if local is not None:
            _take_all(sources, folder, local, say, quiet)
        else:
            _download_all(sources, folder, say, policy, quiet)


def require_obtainable(dataset: Dataset, data: Path, *, own: bool) -> None:
    """Raise DataError, with what to do, where nobody can fetch ``dataset`` like this.

    own: whether the user names a folder or addresses.
    """
    place = data / dataset.id
    notes = " ".join(dataset.notes)
    page = f" at {dataset.page}" if dataset.page else ""
    if dataset.status == "gated" and (not own or not dataset.sources):
        raise DataError(
            "the publisher gives it only to people who accept the terms; " + notes,
            where=dataset.id,
            remedy=f"accept them{page}, then lay the folders of the data set below {place}",
        )
    if dataset.status == "gone" and not own:
        raise DataError(
            "its public host is gone; " + notes,
            where=dataset.id,
            remedy=f"look for a copy{page}, then give its folder with --from or its address with "
            f"--url, or lay the unpacked copy at {place}",
        )

    if not dataset.sources:
        raise DataError(
            "its document names no files to fetch",
            where=dataset.id,
            remedy=f"lay the folders of the data set below {place}",
        )


def _download_all(
    sources: Sequence[DataSource], folder: Path, say: Say, policy: RetryPolicy, quiet: bool
) -> None:
    """One source that cannot be had is no reason to leave the others where they are."""
    faults: list[DataError] = []
    silent: set[str] = set()
    with make_client(policy) as client:
        _require_room(client, sources, folder)
        for source in sources:
            if source.is_whole(folder):
                _say_there(source, folder, say, quiet)
                continue
            try:
                digest, origins = _download_source(
                    client, source, folder, say, policy, silent, quiet
                )
            except DataError as error:
                faults.append(error)
                continue
            _note(source, folder, digest, origins, say, quiet)
    if len(faults) > 1:
        names = ", ".join(str(fault.where) for fault in faults)
        raise DataError(
            f"{len(faults)} files cannot be fetched: {names}; the first: {faults[0].what}",
            where=str(folder),
            remedy=faults[0].remedy,
        )
    if faults:
        raise faults[0]


def _download_source(
    client: httpx2.Client,
    source: DataSource,
    folder: Path,
    say: Say,
    policy: RetryPolicy,
    silent: set[str],
    quiet: bool,
) -> tuple[Digest | None, list[str | None]]:
    digest = None
    origins: list[str | None] = []
    for file in source.files:
        if (folder / file.name).is_file():
            origins.append(None)
            continue
        got = download(client, file, folder, policy=policy, say=say, silent=silent, quiet=quiet)
        digest = got.digest
        origins.append(got.url)
    return digest, origins


def _take_all(
    sources: Sequence[DataSource], folder: Path, local: Path, say: Say, quiet: bool
) -> None:
    if not local.is_dir():
        raise DataError(
            "is not a folder",
            where=shown(str(local)),
            remedy="give --from the folder that holds the files",
        )
    missing = []
    for source in sources:
        if source.is_whole(folder):
            _say_there(source, folder, say, quiet)
            continue
        files: tuple[File, ...] = source.files
        if (local / source.name).is_file():
            files = (File(source.name, (), source.known),)
        absent = [
            file.name
            for file in files
            if not (folder / file.name).is_file() and not (local / file.name).is_file()
        ]
        if absent:
            missing += absent
            continue
        digest = None
        for file in files:
            if not (folder / file.name).is_file():
                digest = take(local / file.name, folder / file.name, file.known, quiet=quiet)
        origins = [str(local.absolute())] * len(files)
        _note(source, folder, digest, origins, say, quiet)
    if missing:
        raise DataError(
            f"{counted(len(missing), 'file is', 'files are')} missing: {', '.join(missing[:10])}",
            where=shown(str(local)),
            remedy="add them, or leave --from out to fetch them",
        )


def _note(
    source: DataSource,
    folder: Path,
    digest: Digest | None,
    origins: Sequence[str | None],
    say: Say,
    quiet: bool,
) -> None:
    """Write the record of a source that has just become whole, and say what it is."""
    if digest is not None and len(source.paths(folder)) == 1:
        write_record(source, folder, digest, origins)
        record = checked(source, folder, quiet=quiet)
    else:
        record = checked(source, folder, quiet=quiet)
        write_record(source, folder, record.digest, origins)
    say(_line(source, folder, record.digest))


def _say_there(source: DataSource, folder: Path, say: Say, quiet: bool) -> None:
    known = read_record(source, folder) is not None
    record = checked(source, folder, quiet=quiet)
    say(f"{source.name}: there already" if known else _line(source, folder, record.digest))


def _line(source: DataSource, folder: Path, digest: Digest) -> str:
    if source.known.has_checksum:
        names = [name for name in ("sha256", "md5") if getattr(source.known, name) is not None]
        return f"{source.name}: whole, {' and '.join(names)} as in the document"
    return (
        f"{source.name}: {digest.bytes} bytes, sha256 {digest.sha256}; no checksum is known, "
        f"so this one is noted in {record_path(folder, source.name)}"
    )


def _require_room(client: httpx2.Client, sources: Sequence[DataSource], folder: Path) -> None:
    """Ask for the room of all that is still to come, before its first byte."""
    missing = [source for source in sources if not source.is_whole(folder)]
    files = [
        file for source in missing for file in source.files if not (folder / file.name).is_file()
    ]
    need = told_bytes(client, [file for file in files if file.known.bytes is None])
    need += sum(file.known.bytes or 0 for file in files)
    for file in files:
        part = part_of(folder, file.name)
        need -= part.stat().st_size if part.is_file() else 0
    if need > 0:
        require_space(folder, need, ", ".join(source.name for source in missing))
