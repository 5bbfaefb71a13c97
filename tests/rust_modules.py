"""The modules that each file of a crate uses, from its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

Module = tuple[str, ...]
"""A module's path inside of its crate, without ``crate``; that of ``lib.rs`` is empty."""

_COMMENT = re.compile(r"//[^\n]*")
_TESTS = re.compile(r"#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*mod .*", re.DOTALL)
_RESTRICTED = re.compile(r"\bpub\(in [\w:]+\)")
_USE = re.compile(r"(\bpub(?:\(\w+\))? )?\buse ([^;]+);")
_PATH = re.compile(r"\b[a-z_]\w*(?:::\w+)+")


def uses(source: Path) -> dict[str, set[str]]:
    """The modules that each module of a crate uses, by path; a name that a module only passes on
    counts as one of the module that has it."""
    texts = {}
    for path in source.rglob("*.rs"):
        parts = path.relative_to(source).with_suffix("").parts
        text = _RESTRICTED.sub("pub", _COMMENT.sub("", path.read_text(encoding="utf-8")))
        texts[() if parts == ("lib",) else tuple(parts)[: -1 if parts[-1] == "mod" else None]] = (
            _TESTS.sub("", text)
        )
    passed_on = {
        module: {
            name: target
            for public, tree in _USE.findall(text)
            if public
            for name, words in _leaves(tree)
            if (target := _absolute(words, module, texts)) is not None
        }
        for module, text in texts.items()
    }
    found: dict[str, set[str]] = {}
    for module, text in texts.items():
        words = [words for _, tree in _USE.findall(text) for _, words in _leaves(tree)]
        words += [path.split("::") for path in _PATH.findall(_USE.sub("", text))]
        targets = [_absolute(path, module, texts) for path in words]
        modules = {_home(path, texts, passed_on) for path in targets if path is not None}
        found["::".join(module)] = {"::".join(used) for used in modules - {module}}
    return found


def _leaves(tree: str) -> Iterator[tuple[str, list[str]]]:
    """The names that a tree of ``use`` brings, and the path of each."""
    before, brace, inside = tree.strip().partition("{")
    if not brace:
        path, _, alias = before.partition(" as ")
        words = [word.strip() for word in path.split("::")]
        yield alias.strip() or words[-1], words
        return
    depth, part = 0, ""
    for sign in inside.rstrip()[:-1] + ",":
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            if part.strip():
                yield from _leaves(before + part.strip())
            part = ""
        else:
            part += sign


def _absolute(words: list[str], module: Module, texts: dict[Module, str]) -> Module | None:
    """The path from the crate's root on; None for another crate's."""
    if words[0] == "crate":
        return tuple(words[1:])
    if words[0] == "super":
        return _absolute(["self", *words[1:]], module[:-1], texts)
    if words[0] == "self":
        rest = words[1:]
        return _absolute(rest, module, texts) if rest[0] == "super" else (*module, *rest)
    return (*module, *words) if (*module, words[0]) in texts else None


def _home(
    path: Module, texts: dict[Module, str], passed_on: dict[Module, dict[str, Module]]
) -> Module:
    """The module that has what a path names."""
    module = max((path[:n] for n in range(len(path) + 1) if path[:n] in texts), key=len)
    rest = path[len(module) :]
    if rest and rest[0] in passed_on[module]:
        return _home((*passed_on[module][rest[0]], *rest[1:]), texts, passed_on)
    return module
