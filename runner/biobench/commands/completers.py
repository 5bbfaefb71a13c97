"""Values of options that a shell completes: ids of the specification, names of models, formats.

Nothing here loads or checks a document: the shell waits for the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def tasks(incomplete: str) -> list[str]:
    """Ids of tasks; a file is completed by the shell."""
    return _beginning(_ids("tasks"), incomplete)


def data_sets(incomplete: str) -> list[str]:
    """Ids of data sets."""
    return _beginning(_ids("datasets"), incomplete)


def protocols(incomplete: str) -> list[str]:
    """Ids of protocols."""
    return _beginning(_ids("protocols"), incomplete)


def suites(incomplete: str) -> list[str]:
    """Ids of suites."""
    return _beginning(_names("suite.yaml", "suites"), incomplete)


def documents(incomplete: str) -> list[str]:
    """Ids of tasks, data sets, protocols and suites, each once."""
    found = [*_ids("tasks"), *_ids("datasets"), *_ids("protocols")]
    return _beginning([*dict.fromkeys([*found, *_names("suite.yaml", "suites")])], incomplete)


def models(incomplete: str) -> list[str]:
    """Names of models.yaml, and the beginnings of others."""
    return _beginning([*_names("models.yaml", "models"), *loaders()], incomplete)


def loaders() -> list[str]:
    """Beginnings of full names; their ends are known to hubs and libraries alone."""
    from biobench.models.unknown_names import FORMS

    return re.findall(r"\w+:", FORMS)


def formats(incomplete: str) -> list[str]:
    """Formats of ``biobench export``."""
    from biobench.export.formats import FORMATS

    return _beginning(FORMATS, incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _ids(kind: str) -> list[str]:
    """The ids of the documents of a kind, by the names of their files; without earlier versions,
    which have a dot in theirs."""
    from biobench.spec.location import spec_root

    names = (path.stem for path in (spec_root() / "v1" / kind).glob("*.yaml"))
    return sorted(name for name in names if "." not in name)


def _names(file: str, key: str) -> list[str]:
    """The names of the entries of a list, or of an object, in a document."""
    import yaml

    from biobench.spec.location import spec_root

    text = (spec_root() / "v1" / file).read_text(encoding="utf-8")
    found: Any = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))[key]
    return [str(one["name"] if "name" in one else one["id"]) for one in found]
