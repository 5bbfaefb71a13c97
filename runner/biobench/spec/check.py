"""The checks of a specification's documents (SPEC.md, section "Documents").

In: a library as read. Out: problems, in path order, each with file, line, pointer and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from biobench.spec.documents import Division
from biobench.spec.layout_options import option_flaws
from biobench.spec.library import Document, Library, stem
from biobench.spec.pinned import PINS, missing_pins, pinned, superseded
from biobench.spec.problems import Problem, choose, escape
from biobench.spec.resolve import chain, in_division, merge, with_defaults
from biobench.spec.schema_errors import Flaw, flaws
from biobench.spec.task_parts import Misfit, misfits


def check_library(library: Library) -> list[Problem]:
    """Problems of every document; a document with a wrong shape has only those of its shape."""
    problems: list[Problem] = []
    sound: list[Document] = []
    for document in library.documents.values():
        found = list(_shape(document, library))
        problems += found
        if not found:
            sound.append(document)
    for document in sound:
        problems += _names(document, library)
    if problems:
        return problems
    for document in sound:
        problems += _references(document, library)
    return problems


METRICS = ("metrics", "compat/metrics")
"""Places of a task that list metrics, keys separated by /."""


def check_own_task(document: Document, library: Library) -> list[Problem]:
    """Problems of a person's own task file against a sound library."""
    problem_at = document.source.problem
    if not isinstance(document.value, dict):
        return [problem_at("", "is not a mapping", "write task: <id> and the other keys", "type")]
    schema = dict(library.schemas["task"])
    # An own task has no superseded versions beside it.
    schema["properties"] = {k: v for k, v in schema["properties"].items() if k not in PINS.values()}
    # What an own task leaves out has a default; the keys that have none are asked for below.
    schema["required"] = ["task"]
    schema["else"] = {"required": ["task", "dataset", "split", "protocol", "metrics"]}
    problems = list(_flaws(document, "", document.value, schema))
    if problems:
        return problems
    id, known = document.value["task"], library.by_id["task"]
    if id in known:
        # Its random streams and its place in a result would be those of the other task.
        remedy = "give your task an id of its own; extends may name the other"
        return [problem_at("/task", f"{id} is a task of the specification", remedy, "duplicate-id")]
    twice = [problem for key in METRICS for problem in _duplicates(document, key, "id")]
    return [*twice, *_task(document, library, known, own=True)]


def own_value(document: Document, library: Library) -> dict[str, Any]:
    """The value of an own task without problems, resolved and with its defaults."""
    links = chain(document, library.by_id["task"])
    assert isinstance(links, list)  # check_own_task has made sure
    return with_defaults(merge(links))


def _shape(document: Document, library: Library) -> Iterator[Problem]:
    value = document.value
    yield from _flaws(document, "", value, library.schemas[document.kind])
    if not isinstance(value, dict):
        return
    if document.kind == "protocol":
        yield from _constants(document, library)
    elif document.kind == "dataset":
        yield from _layout(document, "/layout", value.get("layout"), library)
        yield from _unknown(document, value)
    elif document.kind == "models" and isinstance(value.get("models"), list):
        for i, entry in enumerate(value["models"]):
            if isinstance(entry, dict):
                yield from _unknown(document, entry, f"/models/{i}")


def _flaws(
    document: Document, pointer: str, value: Any, schema: Mapping[str, Any]
) -> Iterator[Problem]:
    yield from _problems(document, pointer, flaws(value, schema))


def _problems(document: Document, pointer: str, reported: Iterable[Flaw]) -> list[Problem]:
    """Flaws below a pointer, in the order of the document's lines."""
    problem = document.source.problem
    problems = [problem(pointer + f.pointer, f.message, f.remedy, f.error) for f in reported]
    return sorted(problems, key=lambda problem: problem.line or 0)


def _kind(
    document: Document, pointer: str, value: Any, prefix: str, library: Library
) -> Iterator[Problem]:
    """Check a mapping whose ``kind`` names the schema of its other keys."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        return
    known = library.parts(prefix)
    if kind not in known:
        yield document.source.problem(
            f"{pointer}/kind",
            f"unknown {prefix} {kind!r}",
            choose(kind, known),
            "unknown-reference",
        )
    else:
        yield from _flaws(document, pointer, value, library.schemas[f"{prefix}-{kind}"])


def _constants(document: Document, library: Library) -> Iterator[Problem]:
    value = document.value
    kind, constants, compat = value.get("kind"), value.get("constants"), value.get("compat")
    if not isinstance(kind, str) or not isinstance(constants, dict) or not isinstance(compat, dict):
        return
    known = library.parts("protocol")
    if kind not in known:
        yield document.source.problem(
            "/kind", f"unknown kind {kind!r}", choose(kind, known), "unknown-reference"
        )
        return
    schema = library.schemas[f"protocol-{kind}"]
    yield from _flaws(document, "/constants", constants, schema)
    differing = schema.get("$defs", {}).get("compat", {}).get("required", [])
    yield from _flaws(document, "/compat", compat, {**schema, "required": differing})


def _layout(document: Document, pointer: str, value: Any, library: Library) -> Iterator[Problem]:
    layout = value.get("id") if isinstance(value, dict) else None
    if not isinstance(layout, str):
        return
    known = library.parts("layout")
    if layout not in known:
        yield document.source.problem(
            f"{pointer}/id",
            f"unknown layout {layout!r}",
            choose(layout, known),
            "unknown-reference",
        )
    else:
        options = value.get("options")
        found = flaws(options, library.schemas[f"layout-{layout}"]) or option_flaws(options)
        yield from _problems(document, f"{pointer}/options", found)


def _unknown(document: Document, value: Mapping[str, Any], prefix: str = "") -> Iterator[Problem]:
    """Check that each null has a reason and each reason a null."""
    reasons = value.get("unknown", {})
    if not isinstance(reasons, dict):
        return
    nulls = list(_nulls({k: v for k, v in value.items() if k != "unknown"}, ""))
    for pointer in nulls:
        if pointer not in reasons:
            yield document.source.problem(
                prefix + pointer,
                "null without a reason",
                f"add the reason under unknown as {pointer}: ...",
                "null-without-reason",
            )
    for pointer in reasons:
        if pointer not in nulls:
            yield document.source.problem(
                f"{prefix}/unknown/{escape(pointer)}",
                f"a reason for {pointer}, which is not null",
                "remove it",
                "reason-without-null",
            )


def _nulls(value: Any, pointer: str) -> Iterator[str]:
    if value is None:
        yield pointer
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _nulls(member, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for i, member in enumerate(value):
            yield from _nulls(member, f"{pointer}/{i}")


def _names(document: Document, library: Library) -> Iterator[Problem]:
    """Check that an id is the name of its file, and occurs in one file."""
    problem_at = document.source.problem
    if document.kind in library.by_id and document.kind not in ("suite", "models"):
        key = f"/{document.kind}"
        name, version = stem(document.path)
        written = document.value[document.kind]
        if written != name:
            other = library.by_id[document.kind].get(written)
            if other is not None:
                yield problem_at(
                    key, f"{written} is {other.path} already", "rename one", "duplicate-id"
                )
            else:
                yield problem_at(key, f"the file is named {name}", f"write {name}", "wrong-name")
        if version is not None and str(document.value["version"]) != str(version):
            yield problem_at(
                "/version", f"the file is named v{version}", f"write {version}", "wrong-name"
            )
    for key, label in (("suites", "id"), ("models", "name"), ("recipes", "id"), ("levels", "id")):
        yield from _duplicates(document, key, label)
    if document.kind == "task":
        yield from _pins(document)
        for key in METRICS:
            yield from _duplicates(document, key, "id")


def _pins(document: Document) -> Iterator[Problem]:
    """Check that a superseded task states all versions that it rests on, and that a current one
    rests on current documents."""
    problem_at = document.source.problem
    for kind, key in PINS.items():
        wanted = superseded(document) and isinstance(document.value.get(kind), str)
        if wanted and key not in document.value:
            message = f"a superseded task states the version of its {kind}"
            yield problem_at("", message, f"add {key}: <version>", "wrong-name")
        elif key in document.value and not wanted:
            message = f"{key} is for a superseded task, whose file is named <id>.v<version>.yaml"
            yield problem_at(f"/{key}", message, "remove it", "wrong-name")
    if superseded(document) and "extends" in document.value:
        message = "a superseded task extends no other, which may move on"
        yield problem_at("/extends", message, "write out what it inherits", "wrong-name")


def _duplicates(document: Document, place: str, label: str) -> Iterator[Problem]:
    """Names that an earlier entry of the list at ``place`` (keys separated by /) has; none where
    the document has no such list."""
    entries: Any = document.value
    for key in place.split("/"):
        entries = entries.get(key, {})
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        name = entry[label]
        if name in seen:
            yield document.source.problem(
                f"/{place}/{i}/{label}", f"{name} is there already", "remove one", "duplicate-id"
            )
        seen.add(name)


def _references(document: Document, library: Library) -> Iterator[Problem]:
    if document.kind == "task":
        yield from _task(document, library, library.by_id["task"], own=False)
    elif document.kind == "suite":
        yield from _suites(document, library)
    elif document.kind == "models":
        tasks = list(library.by_id["task"])
        recipes = [recipe["id"] for recipe in document.value.get("recipes", ())]
        for i, entry in enumerate(document.value["models"]):
            if "recipe" in entry and entry["recipe"] not in recipes:
                place, remedy = f"/models/{i}/recipe", choose(entry["recipe"], recipes)
                message = f"no recipe {entry['recipe']!r}"
                yield document.source.problem(place, message, remedy, "unknown-reference")
            for j, task in enumerate(entry["overlap"]):
                if task not in tasks:
                    place, remedy = f"/models/{i}/overlap/{j}", choose(task, tasks)
                    message = f"no task {task!r}"
                    yield document.source.problem(place, message, remedy, "unknown-reference")


def _suites(document: Document, library: Library) -> Iterator[Problem]:
    tasks = list(library.by_id["task"])
    for i, suite in enumerate(document.value["suites"]):
        for j, member in enumerate(suite["members"]):
            if member not in tasks and member not in suite["pending"]:
                yield document.source.problem(
                    f"/suites/{i}/members/{j}",
                    f"no task {member!r}",
                    choose(member, tasks),
                    "unknown-reference",
                )
        for j, member in enumerate(suite["pending"]):
            place = f"/suites/{i}/pending/{j}"
            if member in tasks:
                yield document.source.problem(
                    place, f"{member} has a document", "remove it from pending", "value"
                )
            elif member not in suite["members"]:
                yield document.source.problem(
                    place,
                    f"{member} is not a member",
                    choose(member, suite["members"]),
                    "value",
                )


def _task(
    document: Document, library: Library, tasks: Mapping[str, Document], *, own: bool
) -> Iterator[Problem]:
    problem_at = document.source.problem
    links = chain(document, tasks)
    if isinstance(links, str):
        if links in tasks or links == document.value.get("task"):
            remedy = "extend a task that does not lead back here"
            yield problem_at(
                "/extends", f"extends leads back to {links!r}", remedy, "extends-cycle"
            )
        else:
            remedy = choose(links, list(tasks))
            yield problem_at("/extends", f"no task {links!r}", remedy, "unknown-reference")
        return
    task = with_defaults(merge(links)) if own else merge(links)
    missing = [key for key in library.schemas["task"]["else"]["required"] if key not in task]
    for key in missing:
        yield problem_at("", f"the key {key!r} is missing", f"add {key}", "missing-key")
    if missing:
        return
    for kind, id, version in missing_pins(library, document):
        message = f"{kind} {id} has no version {version}"
        remedy = f"keep that document as {id}.v{version}.yaml"
        yield problem_at(f"/{PINS[kind]}", message, remedy, "unknown-reference")
    library = pinned(library, document)
    unsound = list(_parts(document, task, library))
    yield from unsound
    if not unsound:
        parent = merge(links[1:]) if len(links) > 1 else None
        yield from _misfits(document, task, with_defaults(parent) if parent else None, library)


def _misfits(
    document: Document,
    task: Mapping[str, Any],
    parent: Mapping[str, Any] | None,
    library: Library,
) -> Iterator[Problem]:
    """Parts that do not fit, in either division. Those of a parent are reported there."""
    seen: set[str] = set()
    divisions: tuple[Division, ...] = ("official", "compat")
    for division in divisions:
        known = (
            {m.message for m in misfits(in_division(parent, division), library)} if parent else ()
        )
        for misfit in misfits(in_division(task, division), library):
            if misfit.message in known or misfit.message in seen:
                continue
            seen.add(misfit.message)
            overridden = task["compat"] if division == "compat" else {}
            pointer = _place(document, misfit, overridden)
            yield document.source.problem(pointer, misfit.message, misfit.remedy, "does-not-fit")


def _place(document: Document, misfit: Misfit, overridden: Mapping[str, Any]) -> str:
    """The first of a misfit's pointers that this document writes, else its ``extends``."""
    for pointer in misfit.pointers:
        key = pointer.split("/")[1]
        if key in overridden:
            if "compat" in document.value:
                return f"/compat{pointer}"
        elif key in document.value:
            return pointer
    return "/extends" if "extends" in document.value else ""


def _parts(document: Document, task: Mapping[str, Any], library: Library) -> Iterator[Problem]:
    """Check the documents that a resolved task names. Inherited ones are reported where they are
    written."""
    for place in ("", "/compat"):
        part = document.value.get("compat", {}) if place else document.value
        if "view" in part:
            yield from _kind(document, f"{place}/view", part["view"], "view", library)
    counts = {"counts": task["counts"], "compat": {"counts": task["compat"].get("counts", {})}}
    yield from _unknown(document, {**counts, "unknown": task["unknown"]})
    for kind in ("dataset", "protocol"):
        named, known = document.value.get(kind), list(library.by_id[kind])
        if isinstance(named, str) and named not in known:
            remedy = choose(named, known)
            message = f"no {kind} {named!r}"
            yield document.source.problem(f"/{kind}", message, remedy, "unknown-reference")
    if isinstance(document.value.get("dataset"), dict):
        layout = document.value["dataset"]["layout"]
        yield from _layout(document, "/dataset/layout", layout, library)
