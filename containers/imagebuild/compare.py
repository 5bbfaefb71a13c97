"""``containers/compare A B``: say where two archives of images differ, file by file.

In: two archives that ``containers/build --save`` wrote. Out: lines, none where they are equal.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

Facts = dict[str, str]
"""Of a file in a layer: what there is to compare, by name."""
SHOWN = 20


def differences(a: Path, b: Path) -> Iterator[str]:
    """A line for everything that differs, settings first, then files by layer.

    Raises ValueError for what is no archive of one image.
    """
    with tarfile.open(a) as one, tarfile.open(b) as other:
        images = [_manifest(one, a), _manifest(other, b)]
        configs = [
            json.load(_content(archive, image["Config"]))
            for archive, image in zip((one, other), images, strict=True)
        ]
        for config in configs:
            del config["rootfs"]  # the digests of the layers, which are compared below
        yield from (f"settings {line}" for line in _values(*configs))
        layers = [image["Layers"] for image in images]
        if len(layers[0]) != len(layers[1]):
            yield f"layers: {len(layers[0])} and {len(layers[1])}"
            return
        for number, (name, named) in enumerate(zip(*layers, strict=True), 1):
            if name != named:
                found = (files(_content(one, name)), files(_content(other, named)))
                yield from (f"layer {number}: {line}" for line in _files(*found))


def files(layer: IO[bytes]) -> dict[str, Facts]:
    """Every entry of a layer with what there is to compare."""
    found: dict[str, Facts] = {}
    with tarfile.open(fileobj=layer) as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() else None
            found[entry.name] = {
                "type": entry.type.decode(),
                "mode": oct(entry.mode),
                "owner": f"{entry.uid}:{entry.gid}",
                "time": str(entry.mtime),
                "link": entry.linkname,
                "content": "" if content is None else _digest(content),
            }
    return found


def _digest(content: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while block := content.read(1 << 20):
        sha256.update(block)
    return sha256.hexdigest()


def _files(one: dict[str, Facts], other: dict[str, Facts]) -> Iterator[str]:
    lines = []
    for path in sorted(one.keys() | other.keys()):
        if path not in one or path not in other:
            lines.append(f"{path} is only in the {'first' if path in one else 'second'}")
        elif one[path] != other[path]:
            names = [name for name in one[path] if one[path][name] != other[path][name]]
            lines.append(f"{path} differs in {', '.join(names)}")
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"and {len(lines) - SHOWN} more"
    if not lines:
        yield "the same files, written otherwise"


def _values(one: Any, other: Any, where: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _values(one.get(key), other.get(key), f"{where}/{key}")
    elif one != other:
        yield f"{where}: {json.dumps(one)} and {json.dumps(other)}"


def _manifest(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    images = json.load(_content(archive, "manifest.json"))
    if len(images) != 1:
        raise ValueError(f"{path} holds {len(images)} images, and one is compared")
    return dict(images[0])


def _content(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise ValueError(f"{archive.name!s} is no archive of an image: it has no file {name}")
    return found


def main() -> int:
    """Exit code: 0 equal, 1 different or not to be read."""
    parser = argparse.ArgumentParser(
        prog="containers/compare", description="Say where two archives of images differ."
    )
    parser.add_argument("archives", nargs=2, type=Path, metavar="ARCHIVE")
    given = parser.parse_args()
    try:
        lines = list(differences(*given.archives))
    except (OSError, ValueError, tarfile.TarError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
