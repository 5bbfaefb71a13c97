"""Walking a folder of images quickly, without asking the system about each file.

In: a folder. Out: relative paths of its image files in sorted order; faults for the rest
(SPEC.md, section "Layouts").
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from biobench._common.reading import note_read
from biobench.data.faults import Faults
from biobench.data.layouts.options import path_fault
from biobench.spec.image_formats import MORE_FORMATS, SPECIFIED, endings

DECODED = endings(SPECIFIED)
"""Extensions, in any case, of the files that are items."""
UNDECODED = endings(MORE_FORMATS)
"""Extensions of images that the official decoder does not read: dropping one would change the
data set in silence, so each is a fault. Files with any other extension are no images and are
ignored."""
JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
"""Names, in lower case, of what file managers and archivers leave; hidden names are left out
anyway."""

MOST_LINKS = 64
"""Ways to one folder, below a class, that links may make."""


def entries(root: str, folder: str, faults: Faults) -> list[os.DirEntry[str]]:
    """Entries of ``root/folder`` in code-point order of their names, hidden ones left out.

    A folder that is missing or cannot be read, and a name that is not UTF-8, are faults.
    """
    try:
        with os.scandir(os.path.join(root, folder)) as scanned:
            visible = [entry for entry in scanned if not entry.name.startswith(".")]
        note_read(len(visible), "files")
    except FileNotFoundError:
        faults.add(folder or ".", "the folder is missing")
        return []
    except NotADirectoryError:
        faults.add(folder or ".", "a folder is expected here, not a file")
        return []
    except OSError as error:
        faults.add(folder or ".", f"the folder cannot be read ({error.strerror})")
        return []
    good = []
    for entry in sorted(visible, key=lambda e: e.name):
        fault = path_fault(entry.name)
        if fault:
            faults.add(f"{folder}/{entry.name}", fault)
        else:
            good.append(entry)
    return good


def is_folder(entry: os.DirEntry[str], path: str, faults: Faults) -> bool | None:
    """Return True for a folder, False for a file and None for a fault; follows links."""
    try:
        if entry.is_dir():
            return True
        if entry.is_file():
            return False
    except OSError as error:
        faults.add(path, f"the link cannot be followed ({error.strerror})")
        return None
    faults.add(path, "the link leads to nothing" if entry.is_symlink() else "not a plain file")
    return None


def image_files(
    root: str,
    folder: str,
    faults: Faults,
    also: tuple[str, ...] = (),
    ignored: Counter[str] | None = None,
) -> Iterator[str]:
    """Paths, relative to ``root``, of the images in ``root/folder`` and the folders below it.

    Symbolic links to files and folders are followed, wherever they lead (data often lies on
    another disk); a link back to a folder that is being walked is a fault. So are more than
    ``MOST_LINKS`` ways to one folder: two links in each of thirty folders make a billion.

    Args:
        root: The folder of the data set.
        folder: The folder to read, relative to ``root``.
        faults: Takes what is wrong.
        also: Further extensions of images, in lower case, each with its dot.
        ignored: Counts the files that are no images by their extension; None counts nothing.
    """
    real = os.path.realpath(os.path.join(root, folder))
    yield from _walk(root, folder, (real,), faults, Counter(), (*DECODED, *also), ignored)


def _walk(
    root: str,
    folder: str,
    chain: tuple[str, ...],
    faults: Faults,
    reached: Counter[str],
    images: tuple[str, ...],
    ignored: Counter[str] | None,
) -> Iterator[str]:
    for entry in entries(root, folder, faults):
        path = f"{folder}/{entry.name}" if folder else entry.name
        kind = is_folder(entry, path, faults)
        if kind is None:
            continue
        if kind:
            real = os.path.join(chain[-1], entry.name)
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                if any(f"{step}/".startswith(f"{real}/") for step in chain):
                    faults.add(path, "a symbolic link loop")
                    continue
                reached[real] += 1
                if reached[real] > MOST_LINKS:
                    faults.add(path, f"more than {MOST_LINKS} ways lead to one folder by links")
                    continue
            yield from _walk(root, path, (*chain, real), faults, reached, images, ignored)
        elif entry.name.lower().endswith(images):
            yield path
        elif entry.name.lower().endswith(UNDECODED):
            faults.add(path, "an image format that is not read")
        elif ignored is not None and entry.name.lower() not in JUNK:
            ignored[os.path.splitext(entry.name)[1].lower() or entry.name] += 1
