"""The location of the whole result of a folder while a newer one is being put in place.

In: a folder that a user names. Out: the folder to read. Files of several names cannot be replaced
at one moment, so a new result is first written whole to a folder of its own (see replace.py).
"""

from __future__ import annotations

from pathlib import Path

from biobench._common.output import print_note

PENDING = ".biobench-new"
"""A whole result in the folder whose earlier one it replaces. It counts from when it has this name,
and is gone once its files have the places of the earlier ones."""


def current(folder: Path) -> Path:
    """The folder that holds the whole result of ``folder``, or of a size of a learning curve.

    It differs from ``folder`` only while a run puts its files in place, or where that was
    interrupted.
    """
    for pending in (folder / PENDING, folder.parent / PENDING / folder.name):
        if pending.is_dir():
            return pending
    return folder


def read_from(folder: Path) -> Path:
    """As :func:`current`, and print a note where the result is read from another folder than the
    named one."""
    place = current(folder)
    if place != folder:
        print_note(
            f"biobench: {folder}: a run has not put all files of its result in place yet; "
            f"they are read from {place}"
        )
    return place
