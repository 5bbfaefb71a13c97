"""Model names: the values that ``--model`` takes (docs/models.md).

In: a string and the entries of models.yaml. Out: a :class:`ModelName`, or a ModelError (exit 5)
that suggests near names.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from biobench.errors import ModelError, UsageError
from biobench.models.local_paths import is_path
from biobench.models.unknown_names import FORMS, unknown_name
from biobench.spec.documents import ModelEntry

Loader = Literal["demo", "hf", "open_clip", "timm", "py", "program", "onnx"]
DEMO = "demo"
HUB_PREFIX = "hf-hub:"
OF_ARCHITECTURE = "#"
"""Stands between a file of weights and its architecture where a name has both."""
FILE_LOADERS = ("timm", "open_clip")
"""Loaders that know architectures by name, so that a file of weights is enough."""
COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelName:
    """A parsed name.

    Attributes:
        given: The name as the user wrote it.
        resolved: The name in full, with its loader's prefix and without revision.
        loader: The framework that reads it.
        target: Repository, ``ARCH/TAG``, architecture, ``module:Class``, folder or file.
        kind: ``hub`` (target is a repository), ``folder`` (a local one), ``file`` (a local file of
            weights), ``registry`` (a name that the framework knows) or ``class``.
        revision: The revision that was asked for, else None.
        entry: The models.yaml entry that it came from, or that resolves to the full name, if any.
        architecture: The architecture that a file of weights belongs to; None for other kinds.
    """

    given: str
    resolved: str
    loader: Loader
    target: str
    kind: Literal["hub", "folder", "file", "registry", "class"]
    revision: str | None = None
    entry: ModelEntry | None = None
    architecture: str | None = None

    @property
    def recorded(self) -> tuple[str, str]:
        """The name and the resolved name that a result states.

        A local folder or file is recorded by its own name alone: digests cover no place on a disk.
        """
        if self.kind not in ("folder", "file"):
            return self.given, self.resolved
        own = Path(os.path.abspath(Path(self.target).expanduser())).name
        local = with_architecture(f"{self.loader}:./{own}", self.architecture)
        return (self.given if self.entry else local), local

    @property
    def pinned_entry(self) -> ModelEntry | None:
        """The entry of models.yaml where its revision is the one asked for, else None.

        The demo's package has no revisions to ask for.
        """
        asked = self.loader == "demo" or (self.entry and self.entry.revision == self.revision)
        return self.entry if asked else None


def parse_name(name: str, entries: Mapping[str, ModelEntry]) -> ModelName:
    """Parse ``name``; a name in ``entries`` is replaced by what it resolves to, once.

    A full name that an entry resolves to has that entry too. A revision that the name gives takes
    precedence over the entry's.

    Raises:
        ModelError: The name is malformed or unknown.
    """
    if not name.strip():
        raise ModelError("the name of the model is empty", remedy=f"use {FORMS}")
    if name == DEMO:
        entry = entries.get(name)
        return ModelName(name, f"timm:{DEMO_ARCHITECTURE}", "demo", DEMO, "registry", entry=entry)
    short, at, asked = name.partition("@")
    entry = entries.get(short)
    # The demo's weights come from a package, which has no revisions to choose from.
    if entry is None or short == DEMO:
        parsed = _parse_full(name, name, entries)
        return _with_entry(parsed, entries)
    if at and not asked:
        raise _no_revision(name)
    parsed = _parse_full(name, entry.resolves_to, entries)
    revision = asked or parsed.revision or entry.revision
    return ModelName(
        name, parsed.resolved, parsed.loader, parsed.target, parsed.kind, revision, entry
    )


def _with_entry(parsed: ModelName, entries: Mapping[str, ModelEntry]) -> ModelName:
    """A full name with the first entry that resolves to it, and that entry's revision by default.

    The demo's entry is not one of them: its weights are a package's.
    """
    for entry in entries.values():
        if entry.resolves_to == parsed.resolved and entry.source == "hub":
            return replace(parsed, revision=parsed.revision or entry.revision, entry=entry)
    return parsed


# The architecture whose weights the demo's package holds.
DEMO_ARCHITECTURE = "tf_efficientnet_lite0"


def _parse_full(given: str, full: str, entries: Mapping[str, ModelEntry]) -> ModelName:
    prefix, colon, rest = full.partition(":")
    if not colon:
        raise unknown_name(given, [DEMO, *entries])
    if prefix in WITHOUT_HUB:
        return _without_hub(given, full, prefix, rest)
    if prefix not in ("hf", "open_clip", "timm"):
        prefixes = ["hf", "open_clip", "timm", *WITHOUT_HUB]
        near = difflib.get_close_matches(prefix, prefixes, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}:{rest}? " if near else ""
        raise ModelError(
            f"no loader is called {prefix!r}", where=f"model {given!r}", remedy=f"{hint}use {FORMS}"
        )
    loader: Loader = prefix  # type: ignore[assignment]  # one of the three above
    if not rest:
        raise ModelError(
            "nothing follows the prefix", where=f"model {given!r}", remedy=f"use {FORMS}"
        )
    if is_path(rest):
        return _local(given, full, loader, rest)
    if loader == "hf" or rest.startswith(HUB_PREFIX):
        repository, revision = _repository(given, rest.removeprefix(HUB_PREFIX))
        marker = "" if loader == "hf" else HUB_PREFIX
        return ModelName(
            given, f"{loader}:{marker}{repository}", loader, repository, "hub", revision
        )
    rest, at, asked = rest.partition("@")
    if at and not asked:
        raise _no_revision(given)
    if loader == "open_clip":
        architecture, slash, tag = rest.partition("/")
        if not slash or not architecture or not tag or "/" in tag:
            raise ModelError(
                "an open_clip model is written open_clip:ARCH/TAG",
                where=f"model {given!r}",
                remedy="for example open_clip:ViT-B-32/openai, open_clip:hf-hub:REPO or "
                "open_clip:./folder",
            )
    return ModelName(given, f"{loader}:{rest}", loader, rest, "registry", asked or None)


WITHOUT_HUB = {
    "py": ("a Python model is written py:package.module:Class", "py:my_models:Colours"),
    "program": (
        "a program is written program:FOLDER, as `biobench models export` wrote it",
        "program:./my_program",
    ),
    "onnx": ("an ONNX file is written onnx:FILE, with its recipe beside it", "onnx:./encoder.onnx"),
}
"""Loaders of a person's own code or files, with the form of their names and an example."""


def _without_hub(given: str, full: str, prefix: str, rest: str) -> ModelName:
    """The name of a person's own code or files."""
    module, separator, attribute = rest.partition(":")
    identifiers = [*module.split("."), *attribute.split(".")]
    code = bool(separator) and all(part.isidentifier() for part in identifiers)
    if not (code if prefix == "py" else rest):
        form, example = WITHOUT_HUB[prefix]
        raise ModelError(form, where=f"model {given!r}", remedy=f"for example {example}")
    if prefix == "py":
        return ModelName(given, full, "py", rest, "class")
    if prefix == "program":
        return ModelName(given, full, "program", rest, "folder")
    return ModelName(given, full, "onnx", rest, "file")


def _local(given: str, full: str, loader: Loader, text: str) -> ModelName:
    """A folder, or a file of weights with its architecture."""
    path, mark, architecture = text.rpartition(OF_ARCHITECTURE)
    if not mark or loader not in FILE_LOADERS or os.path.isdir(Path(text).expanduser()):
        return ModelName(given, full, loader, text, "folder")
    if not architecture or not path:
        raise ModelError(
            "names no architecture of its weights",
            where=f"model {given!r}",
            remedy="give it with --arch",
        )
    return ModelName(given, full, loader, path, "file", architecture=architecture)


def states_revision(name: ModelName, source: str, revision: str | None) -> bool:
    """True where a name, or its entry in models.yaml, states in full what was loaded from
    ``source``.

    Of a hub that is the commit: a branch or a tag can move. Weights of a package are pinned by its
    version, whichever it is.
    """
    if source == "hub":
        return COMMIT.fullmatch(name.revision or "") is not None and name.revision == revision
    package = name.entry is not None and name.entry.source == source
    return package and source.startswith("pypi:") and revision is not None


def with_absolute_path(name: str, entries: Mapping[str, ModelEntry]) -> str:
    """The name with the whole path of its local folder or file; any other name as it is.

    Raises:
        ModelError: The name is malformed or unknown.
    """
    parsed = parse_name(name, entries)
    if parsed.kind not in ("folder", "file") or parsed.entry is not None:
        return name
    path = os.path.abspath(Path(parsed.target).expanduser())
    return with_architecture(f"{parsed.loader}:{path}", parsed.architecture)


def is_program(model: object) -> bool:
    """True for the name of a program or of what becomes one by itself, which need no framework."""
    return isinstance(model, str) and model.startswith(("program:", "onnx:"))


def with_architecture(name: str, architecture: str | None) -> str:
    """The name of a file of weights with its architecture, as results state it.

    Raises:
        UsageError: The name is not that of a file.
    """
    if architecture is None:
        return name
    loader, _, rest = name.partition(":")
    if loader not in FILE_LOADERS or not is_path(rest):
        raise UsageError(
            "an architecture belongs to a local file of weights alone",
            where=f"model {name!r}",
            remedy="write --model timm:./weights.safetensors --arch vit_base_patch16_224",
        )
    return f"{name}{OF_ARCHITECTURE}{architecture}"


def with_revision(name: str, revision: str) -> str:
    """The name at a revision.

    Raises:
        UsageError: The name is that of something local, or has a revision.
    """
    rest = name.partition(":")[2]
    if is_path(rest) or name.startswith(("py:", "program:", "onnx:")) or "@" in name:
        raise UsageError(
            "has a revision already" if "@" in name else "is local, and has no revisions",
            where=f"model {name!r}",
            remedy="give the revision of a repository, once",
        )
    return f"{name}@{revision}"


def _no_revision(given: str) -> ModelError:
    return ModelError(
        "nothing follows the @",
        where=f"model {given!r}",
        remedy="give a branch, a tag or a commit, or leave the @ out",
    )


def _repository(given: str, text: str) -> tuple[str, str | None]:
    repository, at, revision = text.partition("@")
    parts = repository.split("/")
    allowed = all(
        part and all(c.isalnum() or c in "-_." for c in part) and part.isascii() for part in parts
    )
    if not allowed or len(parts) > 2 or (at and not revision):
        raise ModelError(
            f"{text!r} is not a repository name",
            where=f"model {given!r}",
            remedy="write hf:OWNER/NAME[@REVISION], or hf:./folder for a local folder",
        )
    return repository, revision or None
