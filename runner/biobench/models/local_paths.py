"""Targets of names that are paths: a folder of a model or a file of its weights on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from biobench.errors import ModelError


def is_path(text: str) -> bool:
    """True where a folder is meant: ``/x``, ``./x``, ``../x``, ``~/x``, ``.``, ``..`` or ``~``."""
    return text in (".", "..", "~") or text.startswith(("/", "./", "../", "~/"))


def local_folder(target: str) -> Path:
    """The folder of a local name's target. Raises ModelError where none can be read."""
    folder = Path(target).expanduser()
    if not os.path.isdir(folder):
        if os.path.isfile(folder):
            raise ModelError(
                "is a file, and its architecture is not given",
                where=str(folder),
                remedy="give --arch and an architecture of timm or open_clip "
                f"(--model timm:{target} --arch vit_base_patch16_224), or a folder",
            )
        what = "is no folder" if os.path.exists(folder) else "no such folder"
        raise ModelError(
            what,
            where=str(folder),
            remedy="give the folder that holds config.json and the weights",
        )
    # A folder is listed with one right and entered with another.
    closed = not os.access(folder, os.R_OK | os.X_OK)
    for path in [folder] if closed else sorted(folder.iterdir()):
        if closed or (os.path.isfile(path) and not os.access(path, os.R_OK)):
            raise ModelError(
                "cannot be read by this user",
                where=str(path),
                remedy=f"let others read it (chmod -R a+rX {folder}), or run as its owner",
            )
    return folder


def local_file(target: str) -> Path:
    """The file of weights of a local name's target. Raises ModelError where it cannot be read."""
    path = Path(target).expanduser()
    if not os.path.isfile(path):
        what = "is no regular file" if os.path.exists(path) else "no such file"
        raise ModelError(what, where=str(path), remedy="check the path")
    if not os.access(path, os.R_OK):
        raise ModelError(
            "cannot be read by this user", where=str(path), remedy="let others read it"
        )
    return path
