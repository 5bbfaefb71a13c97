"""The models of a run: names of the command line, or a file of them.

In: names, or a file. Out: options of each model; UsageError where the file is not a list of models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biobench._common.files import Unreadable, read_plain
from biobench.errors import UsageError
from biobench.models.local_paths import is_path
from biobench.models.names import with_architecture, with_revision
from biobench.run.options import PRECISIONS, Options, say
from biobench.run.out_folder import folder_name
from biobench.spec.canonical import sha256_bytes

if TYPE_CHECKING:
    from biobench.models.base import Backbone

MOST_BYTES = 1 << 20
KEYS = ("model", "revision", "arch", "precision")
YAML = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class ListedModel:
    """A model to score; ``precision``: that of the run where None."""

    model: str | Backbone
    precision: str | None = None

    @property
    def name(self) -> str:
        """The name of the model as the user gave it."""
        return self.model if isinstance(self.model, str) else self.model.info.name


def list_models(
    names: Sequence[str], file: Path | None, architecture: str | None
) -> tuple[list[ListedModel], bool]:
    """The models of a command line, and True where several may be meant: a file is given, or a
    name more than once.

    Raises:
        UsageError: There is none, or an architecture beside several.
    """
    if not names and file is None:
        raise UsageError("no model is given", remedy="give --model, or --models and a file of them")
    if architecture is not None and (len(names) != 1 or file is not None):
        raise UsageError(
            "--arch belongs to one --model, and there are several",
            remedy="write it into each name, as timm:./x.pt#resnet18, or into a --models file, "
            "which has the options of each model (docs/models.md)",
        )
    found = [ListedModel(with_architecture(name, architecture)) for name in names]
    found += [] if file is None else read_models(file)
    return found, file is not None or len(names) > 1


def read_models(path: Path) -> list[ListedModel]:
    """The models of a file: one name a line, or a list as YAML or JSON whose entries are names, or
    objects with the keys of :data:`KEYS`.

    Empty lines and lines that begin with # do not count.

    Raises:
        UsageError: It cannot be read, or holds no model or anything else.
    """
    try:
        text = read_plain(path, MOST_BYTES).decode("utf-8")
    except Unreadable as error:
        raise UsageError(error.what, where=f"--models {path}", remedy=error.remedy) from error
    except UnicodeDecodeError as error:
        raise _unfit(path, "is not UTF-8") from error
    if path.suffix.lower() in YAML:
        found = _entries(path, text)
    else:
        lines = [line.strip() for line in text.splitlines()]
        found = [ListedModel(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise _unfit(path, "names no model")
    return found


def _entries(path: Path, text: str) -> list[ListedModel]:
    from biobench.spec.yaml_source import SourceError, parse_yaml

    try:
        value = parse_yaml(text, str(path)).value
    except SourceError as error:
        raise _unfit(path, str(error)) from error
    if not isinstance(value, list):
        raise _unfit(path, "is not a list of models")
    return [_entry(path, number, entry) for number, entry in enumerate(value, 1)]


def _entry(path: Path, number: int, entry: Any) -> ListedModel:
    if isinstance(entry, str):
        entry = {"model": entry}
    if not isinstance(entry, Mapping) or "model" not in entry:
        raise _unfit(path, f"entry {number} is neither a name nor an object with the key model")
    for key, value in entry.items():
        if key not in KEYS:
            raise _unfit(path, f"entry {number} has the key {key!r}; its keys are {_all(KEYS)}")
        if not isinstance(value, str) or not value:
            raise _unfit(path, f"{key} of entry {number} must be text; write it in quotes")
    precision = entry.get("precision")
    if precision is not None and precision not in PRECISIONS:
        raise _unfit(path, f"precision of entry {number} is {precision!r}; use {_all(PRECISIONS)}")
    name = entry["model"]
    if "revision" in entry:
        name = with_revision(name, entry["revision"])
    return ListedModel(with_architecture(name, entry.get("arch")), precision)


def _all(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _unfit(path: Path, what: str) -> UsageError:
    return UsageError(
        what,
        where=f"--models {path}",
        remedy="give one name a line, or a list of names or objects in a .yaml or .json file",
    )


def _words(name: str) -> str:
    """A name without the folders of its path."""
    loader, colon, rest = name.partition(":")
    return f"{loader}-{Path(rest).name}" if colon and is_path(rest) and Path(rest).name else name


def options_of_models(options: Options, models: Sequence[ListedModel]) -> list[Options]:
    """The options of each model; a model that is listed again runs once, and a note says so.

    Each has a folder of its own below that of ``options.out``: its name (of a path the last part),
    with "-" in the place of whatever is not an ASCII letter, a digit, "." or "_", then a precision
    of its own. Where two of them would share one, each ends with its digest; of objects that share
    name and precision too, all but the first count in theirs which one it is.
    """
    once: dict[tuple[object, str], ListedModel] = {}
    for listed in models:
        # A backbone is equal to itself alone.
        model = listed.model if isinstance(listed.model, str) else id(listed.model)
        key = model, listed.precision or options.precision
        if once.setdefault(key, listed) is not listed:
            say(options, f"model {listed.name!r} is given twice, and runs once")
    folders = [
        folder_name([_words(entry.name), *([precision] if precision != options.precision else [])])
        or "model"
        for (_, precision), entry in once.items()
    ]
    shared = Counter(folder.lower() for folder in folders)
    same: Counter[tuple[str, str]] = Counter()
    each = []
    for place, ((_, precision), entry) in enumerate(once.items()):
        folder = folders[place]
        if shared[folder.lower()] > 1:
            earlier = same[entry.name, precision]
            same[entry.name, precision] += 1
            which = f"\0{earlier + 1}" if earlier else ""
            digest = sha256_bytes(f"{entry.name}\0{precision}{which}".encode())
            folder = f"{folder}-{digest[-12:]}"
        each.append(replace(options, model=entry.model, precision=precision, folder=folder))
    return each
