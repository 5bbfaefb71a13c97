"""A store of millions of images: opening it, and reading one part without the rest.

    python tests/benchmarks/large_store.py [--items N] [--whole] [--quick]

The entries are those of a store, digests of contents included; their features are zeros, which
files with holes hold in no blocks of a disk, and the digests of the images are made up. Each step
runs in a process of its own. ``--whole`` reads every entry too, as ``biobench store verify`` does.
The files lie in the system's cache of files where it has room, so a disk's speed does not count.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from peak import Cost, measure
from safetensors.numpy import save
from side_by_side import table, versions

from biobench._common.store import Store
from biobench.embed.shards import FILES, KIND
from biobench.embed.stored import StoredItems

ROWS = 256
"""Images of an entry: those of a shard on the CPU."""
ENTRIES = f"{KIND}-0123456789abcdef"


def digests_of(number: int, rows: int) -> npt.NDArray[np.uint8]:
    """Digests of made-up files, uint8 (rows, 32)."""
    random = np.random.Generator(np.random.PCG64(number))
    return random.integers(0, 256, (rows, 32), dtype=np.uint8)


def key_of(number: int) -> str:
    """The key of an entry."""
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


def counts(items: int) -> Iterator[int]:
    """The rows of each entry."""
    for start in range(0, items, ROWS):
        yield min(ROWS, items - start)


def write(root: Path, items: int, dim: int) -> int:
    """Write a store in ``root``; returns its entries.

    The bytes are those that the store itself would write, but for blocks of zeros.
    """
    store, forms = Store(root), dict[int, _Form]()
    number = -1
    for number, rows in enumerate(counts(items)):
        form = forms.setdefault(rows, _Form(rows, dim))
        path = store.path(ENTRIES, key_of(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        form.write(path, key_of(number), digests_of(number, rows))
    return number + 1


class _Form:
    """Entries with so many rows: all but their keys and digests is equal."""

    def __init__(self, rows: int, dim: int) -> None:
        zeros = np.zeros((rows, dim), np.float32)
        self._pixels = np.zeros((rows, 32), np.uint8)
        # The digest of the content takes the arrays by name: features, files, pixels.
        self._begun = hashlib.sha256(self._head("features", zeros) + zeros.tobytes())
        arrays = {"features": zeros, FILES: self._pixels, "pixels": self._pixels}
        data = save(arrays, metadata={"key": key_of(0), "content": key_of(0)})
        self._begin = 8 + int.from_bytes(data[:8], "little")
        self._header = json.loads(data[8 : self._begin])
        self._size = len(data)

    @staticmethod
    def _head(name: str, array: npt.NDArray[np.generic]) -> bytes:
        text = json.dumps([name, array.dtype.str, list(array.shape)], separators=(",", ":"))
        return text.encode()

    def write(self, path: Path, key: str, files: npt.NDArray[np.uint8]) -> None:
        digest = self._begun.copy()
        for name, array in ((FILES, files), ("pixels", self._pixels)):
            digest.update(self._head(name, array) + array.tobytes())
        self._header["__metadata__"] = {"key": key, "content": f"sha256:{digest.hexdigest()}"}
        text = json.dumps(self._header, separators=(",", ":")).encode()
        text += b" " * (self._begin - 8 - len(text))
        assert len(text) == self._begin - 8
        with path.open("wb") as file:
            file.write((self._begin - 8).to_bytes(8, "little") + text)
            file.seek(self._begin + self._header[FILES]["data_offsets"][0])
            file.write(files.tobytes())
            file.truncate(self._size)


def steps(root: Path, items: int, *, whole: bool) -> dict[str, Cost]:
    """The cost of each thing that is done with a store."""
    entries = list(counts(items))
    middle = len(entries) // 2
    wanted = digests_of(middle, entries[middle])

    def read_one(store: Store) -> None:
        found = store.get(ENTRIES, key_of(middle))
        assert found is not None
        assert np.array_equal(found[FILES], wanted)

    def open_only() -> None:
        assert Store(root).began_with(ENTRIES)

    def read_part() -> None:
        read_one(Store(root))

    def list_images() -> None:
        ((key, rows, _),) = StoredItems().of(Store(root), ENTRIES).look_up(wanted)
        assert key == key_of(middle)
        assert len(rows) == len(wanted)

    def verify() -> None:
        assert Store(root).damaged() == []

    found: dict[str, Callable[[], None]] = {
        "open": open_only,
        "open, read and verify one entry": read_part,
        "open, find where every image lies": list_images,
        "list every entry": lambda: sum(entry.size for entry in Store(root).entries()),
    }
    if whole:
        found["read and verify every entry"] = verify
    return {name: measure(work) for name, work in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=3_100_000)
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--quick", action="store_true", help="100,000 items")
    arguments = parser.parse_args()
    items = 100_000 if arguments.quick else arguments.items
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "store")
        entries = write(root, items, arguments.dim)
        found = steps(root, items, whole=arguments.whole)
        size = sum(entry.size for entry in Store(root).entries())
    print(f"{items} images of {arguments.dim} float32, {entries} entries, ", end="")
    print(f"{size / 1e9:.1f} GB; {versions('numpy', 'safetensors')}", end="\n\n")
    table(
        ["step", "seconds", "CPU s", "MB read", "peak memory beyond the start, MB"],
        [
            [
                name,
                f"{cost.seconds:.3f}",
                f"{cost.cpu:.3f}",
                f"{cost.read / 1e6:.2f}",
                f"{cost.memory / 1e6:.1f}",
            ]
            for name, cost in found.items()
        ],
    )


if __name__ == "__main__":
    main()
