"""Targets of names that are paths: a folder of a model or a file of its weights on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from biobench.errors import ModelError


def is_path(text: str) -> bool:
    """True where a folder is meant: ``/x``, ``./x``, ``../x``, ``~/x``, ``.``, ``..`` or ``~``."""
    return text in (".", "..", "~") or text.startswith(("/", "./", "../", "~/"))


SAFETENSORS = ".safetensors"
PICKLES = (".pt", ".pth", ".bin", ".ckpt")
"""Ends of the names of files of weights."""
_CONTENTS = {
    "program": "the folder that `biobench models export` wrote",
    "open_clip": "the folder that holds open_clip_config.json and the weights",
}


def local_folder(target: str, loader: str) -> Path:
    """The folder of the target of a loader's local name.

    Raises:
        ModelError: No folder can be read there.
    """
    folder = Path(target).expanduser()
    if not os.path.isdir(folder):
        raise _no_folder(folder, target, loader)
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


def _no_folder(folder: Path, target: str, loader: str) -> ModelError:
    """The error of a path where a folder of a model should be."""
    # The name of a file of weights, which needs an architecture, is read as that of a folder.
    clip = loader == "open_clip"
    example = (
        f"--model {'open_clip' if clip else 'timm'}:{target} "
        f"--arch {'ViT-B-32' if clip else 'vit_base_patch16_224'}"
    )
    of_weights = loader != "program" and folder.suffix.lower() in (SAFETENSORS, *PICKLES)
    if of_weights and not os.path.lexists(folder):
        what, remedy = "no such file", f"check the path; weights also need --arch ({example})"
    elif loader != "program" and os.path.isfile(folder):
        what = "is a file, and its architecture is not given"
        remedy = f"give --arch and an architecture of timm or open_clip ({example}), or a folder"
    else:
        what = "is not a folder" if os.path.exists(folder) else "no such folder"
        contents = _CONTENTS.get(loader, "the folder that holds config.json and the weights")
        remedy = f"give {contents}"
    return ModelError(what, where=str(folder), remedy=remedy)


def local_file(target: str) -> Path:
    """The file of weights of a local name's target.

    Raises:
        ModelError: The file cannot be read.
    """
    path = Path(target).expanduser()
    if not os.path.isfile(path):
        what = "is not a regular file" if os.path.exists(path) else "no such file"
        raise ModelError(what, where=str(path), remedy="check the path")
    if not os.access(path, os.R_OK):
        raise ModelError(
            "cannot be read by this user", where=str(path), remedy="let others read it"
        )
    return path
