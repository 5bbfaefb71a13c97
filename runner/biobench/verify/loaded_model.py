"""The model that was loaded to check a result, compared with the one that the result states.

In: what a result says of its model, and what was loaded for ``--rerun`` or ``--sample``. Out:
findings of stage weights. Equal weights and features are no proof of a name: without this, a result
could have the name of one model and the numbers of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biobench.errors import ModelError, UsageError
from biobench.models.names import parse_name, with_architecture
from biobench.report.results import Results
from biobench.spec.load import Spec
from biobench.verify.findings import Finding

IDENTITY = ("name", "resolved", "source")
"""Facts that a name leads to wherever it is loaded. A branch leads to another revision later."""


def model_to_load(results: Results, said: Mapping[str, Any], given: str | None, spec: Spec) -> str:
    """The name by which the model of a result is loaded again.

    No digest covers the recorded command. It only tells where a local folder lies, and is ignored
    where a run of it would have stated another name.

    Args:
        results: The result.
        said: Options of its recorded command by name.
        given: The user's ``--model``, which takes precedence.
        spec: The specification.
    """
    stated = str(results.document["model"]["name"])
    if given is not None:
        return given
    for recorded in said.get("model") or ():
        try:
            name = with_architecture(str(recorded), said.get("arch"))
            if parse_name(name, spec.models).recorded[0] == stated:
                return name
        except (ModelError, UsageError, OSError):
            continue
    return stated


def check_loaded(
    stated: Mapping[str, Any], loaded: Mapping[str, Any], *, given: bool
) -> Iterator[Finding]:
    """Compare name, source and program of the model that was loaded with those of a result.

    Args:
        stated: The model of the result.
        loaded: The model that was loaded, with the same keys.
        given: True where the user's ``--model`` named it, so that its name may be another one.
    """
    apart = [
        f"{name} is {str(loaded[name])[:120]!r} here, and the result states "
        f"{str(stated[name])[:120]!r}"
        for name in IDENTITY
        if loaded[name] != stated[name]
    ]
    if not apart:
        yield Finding("weights", True, "the model that was loaded has the name of the result's")
    elif given:
        text = f"--model named what was loaded; the name of the result's is a claim: {apart[0]}"
        yield Finding("weights", None, text)
    else:
        yield Finding("weights", False, f"another model was loaded: {'; '.join(apart)}")
    if None not in (stated["program"], loaded["program"]) and (
        stated["program"] != loaded["program"]
    ):
        text = f"program is {loaded['program']} here, and the result states {stated['program']}"
        yield Finding("weights", False, text)
