"""Run a command in a container and write what it adds as a layer of an image, a tar archive.

In: archives of earlier layers, folders and files to look at, a command. Out: an archive whose bytes
depend on the paths, modes and contents of what the command added or changed there, and on nothing
else: entries are sorted by path, carry no names of users, and have one date, SOURCE_DATE_EPOCH.

Runs with the Python of the base and its standard library alone.
"""

from __future__ import annotations

import argparse
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

Facts = tuple[int, int, int]
"""Of a path: its mode with its type, its size and the time of its last change in nanoseconds."""
BUFFER = 1 << 20
OF_THE_ENGINE = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab")
"""What the engine puts into every container."""


def inventory(roots: list[str]) -> dict[str, Facts]:
    """Every path at and below ``roots`` with its facts."""
    found: dict[str, Facts] = {}
    for path in walk(roots):
        facts = os.lstat(path)
        folder = stat.S_ISDIR(facts.st_mode)
        # A folder changes with what is in it, which is looked at by itself.
        volatile = (0, 0) if folder else (facts.st_size, facts.st_mtime_ns)
        found[path] = (facts.st_mode, *volatile)
    return found


def walk(roots: list[str]) -> Iterator[str]:
    """Every path at and below ``roots`` that exists, links not followed."""
    for root in roots:
        if os.path.lexists(root):
            yield root
        if os.path.isdir(root) and not os.path.islink(root):
            for folder, folders, files in os.walk(root):
                yield from (
                    path
                    for name in (*folders, *files)
                    if (path := os.path.join(folder, name)) not in OF_THE_ENGINE
                )


def added(before: dict[str, Facts], after: dict[str, Facts]) -> list[str]:
    """Paths that are new or changed, with the folders above them, sorted.

    Raises ValueError where a path is gone: a layer of ours only adds.
    """
    gone = sorted(before.keys() - after.keys())
    if gone:
        raise ValueError(f"the command removed {gone[0]}, and a layer can only add")
    new = {path for path, facts in after.items() if before.get(path) != facts}
    above = {str(parent) for path in new for parent in Path(path).parents}
    return sorted((new | above) - {"/"}, key=os.fsencode)


def write_layer(target: Path, paths: list[str], date: int) -> None:
    """Write ``paths`` to an archive. Raises ValueError for what is no file, folder or link."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.copybufsize = BUFFER  # type: ignore[attr-defined] # not in the stub
        for path in paths:
            entry, size = member(path, date)
            if size is None:
                archive.addfile(entry)
                continue
            with open(path, "rb") as content:
                archive.addfile(entry, content)


def member(path: str, date: int) -> tuple[tarfile.TarInfo, int | None]:
    """The archive's entry of a path, and the size of a file's content."""
    facts = os.lstat(path)
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mode = stat.S_IMODE(facts.st_mode)
    entry.uid, entry.gid = facts.st_uid, facts.st_gid
    entry.mtime = date
    if stat.S_ISDIR(facts.st_mode):
        entry.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(facts.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISREG(facts.st_mode):
        entry.size = facts.st_size
        return entry, facts.st_size
    else:
        raise ValueError(f"{path} is no file, folder or link")
    return entry, None


def main() -> None:
    """The command line; exit 1 with one line where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parent", action="append", default=[], help="an earlier layer")
    parser.add_argument("--under", action="append", required=True, help="where to look")
    parser.add_argument("output", type=Path)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    for parent in given.parent:
        subprocess.run(["tar", "--extract", "--file", parent, "--directory", "/"], check=True)
    before = inventory(given.under)
    done = subprocess.run(given.command, check=False)
    if done.returncode != 0:
        sys.exit(f"{given.command[0]} ended with {done.returncode}")
    part = given.output.with_name(given.output.name + ".part")
    try:
        paths = added(before, inventory(given.under))
        write_layer(part, paths, int(os.environ["SOURCE_DATE_EPOCH"]))
    except (OSError, ValueError, KeyError) as error:
        part.unlink(missing_ok=True)
        sys.exit(f"layer: {error}")
    # The file belongs to who owns the folder, not to the root of the container.
    owner = part.parent.stat()
    os.chown(part, owner.st_uid, owner.st_gid)
    part.rename(given.output)


if __name__ == "__main__":
    main()
