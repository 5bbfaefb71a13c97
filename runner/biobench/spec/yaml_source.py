"""Reading YAML so that every value knows its line (SPEC.md, section "Documents").

In: a YAML file. Out: JSON values and the line of each JSON pointer. Only what YAML 1.1 and 1.2
readers agree on is accepted, so that a port may use any parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from biobench._common.files import Unreadable, read_plain
from biobench.errors import SpecError
from biobench.spec.canonical import MAX_SAFE_INTEGER
from biobench.spec.problems import Problem, escape, unescape

MAX_BYTES = 1_000_000
"""Most bytes of a document; the longest of the specification has a hundredth of it."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_CORE = "tag:yaml.org,2002:"
# Written out, these give the node that a text without them gives; other tags are seen there.
_TRACELESS_TAGS = ("!", f"{_CORE}str", f"{_CORE}map", f"{_CORE}seq")
_WORDS = {"true": True, "false": False, "null": None}
# Plain scalars that some YAML reader takes for something else than a string.
_AMBIGUOUS = re.compile(
    r"""(~|y|yes|n|no|on|off|true|false|null
    |[-+]?\.(inf|nan)
    |[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
    |[-+]?0([0-9_]+|x[0-9a-f_]+|o[0-7_]+|b[01_]+)
    |[-+]?[0-9][0-9_]*\.?[0-9_]*(e[-+]?[0-9]+)?
    |[-+]?\.[0-9][0-9_]*(e[-+]?[0-9]+)?
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t\s].*)?
    |=|<<)\Z""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class YamlSource:
    """A document as read: its JSON value, and the line of every pointer (of a member: its key)."""

    file: str
    value: Any
    lines: dict[str, int]

    def line(self, pointer: str) -> int:
        """Line of a pointer, or of the nearest pointer above it that the document has."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)

    def problem(self, pointer: str, message: str, remedy: str, error: str) -> Problem:
        """A problem at a pointer of this document."""
        return Problem(self.file, self.line(pointer), pointer, message, remedy, error)


class SourceError(SpecError):
    """A file is not the YAML that the specification allows; carries its ``problem``."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message, where=problem.place, remedy=problem.remedy)


@cache
def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """A SafeLoader that resolves no plain scalar by itself."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (as in the base class)

    return Loader


def read_yaml(path: Path, name: str | None = None) -> YamlSource:
    """The document in a file; ``name`` stands for the path in messages.

    Raises:
        SourceError: The file cannot be read, is not UTF-8 or YAML, repeats a key, or has an anchor,
            a tag, a second document, or a plain scalar that YAML readers take differently.
    """
    file = name or str(path)
    try:
        text = read_plain(path, MAX_BYTES).decode("utf-8")
    except Unreadable as error:
        problem = Problem(file, None, "", error.what, error.remedy, "no-file")
        raise SourceError(problem) from error
    except UnicodeDecodeError as error:
        raise SourceError(
            Problem(
                file, 1, "", f"is not UTF-8 at byte {error.start}", "save it as UTF-8", "syntax"
            )
        ) from error
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> YamlSource:
    """The document in a text; errors as :func:`read_yaml`."""
    import yaml

    reader = _NodeReader(file)
    try:
        for event in yaml.parse(text, Loader=_loader()):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else 1
                reader.fail(line, "", "anchors and aliases are not allowed", "write the value out")
            tag = getattr(event, "tag", None)
            if tag in _TRACELESS_TAGS:
                line = event.start_mark.line + 1 if event.start_mark else 1
                reader.fail(line, "", f"tag {tag} is not allowed", "remove the tag")
        node = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reader.fail(line, "", f"is not YAML ({error.problem})", "fix the line", "syntax")
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        reader.fail(1, "", f"is not YAML ({reason})", "fix the file", "syntax")
    if node is None:
        raise SourceError(Problem(file, 1, "", "is empty", "write a document", "syntax"))
    reader.lines[""] = node.start_mark.line + 1 if node.start_mark else 1
    return YamlSource(file, reader.read(node, ""), reader.lines)


class _NodeReader:
    """Turns YAML nodes into JSON values."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}

    def fail(
        self, line: int, pointer: str, message: str, remedy: str, error: str = "syntax"
    ) -> Any:
        raise SourceError(Problem(self.file, line, pointer, message, remedy, error))

    def read(self, node: Any, pointer: str) -> Any:
        kind = node.id
        if kind == "scalar":
            return self._scalar(node, pointer)
        line = node.start_mark.line + 1
        if node.tag not in (f"{_CORE}map", f"{_CORE}seq"):
            self.fail(line, pointer, f"tag {node.tag} is not allowed", "remove the tag")
        if kind == "sequence":
            values = []
            for i, item in enumerate(node.value):
                place = f"{pointer}/{i}"
                self.lines[place] = item.start_mark.line + 1
                values.append(self.read(item, place))
            return values
        members: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.id != "scalar" or not isinstance(key_node.value, str):
                self.fail(line, pointer, "a key must be a string", "write a plain key")
            key = key_node.value
            place = f"{pointer}/{escape(key)}"
            if not key_node.style and _AMBIGUOUS.match(key):
                self.fail(
                    line,
                    place,
                    f"YAML readers disagree about the key {key}",
                    "put it in quotes",
                    "ambiguous-scalar",
                )
            if key in members:
                first = self.lines[place]
                self.fail(
                    line,
                    place,
                    f"the key {key!r} is there already, in line {first}",
                    "keep one of the two",
                    "duplicate-key",
                )
            self.lines[place] = line
            members[key] = self.read(value_node, place)
        return members

    def _scalar(self, node: Any, pointer: str) -> Any:
        text: str = node.value
        line = node.start_mark.line + 1
        if node.tag != f"{_CORE}str":
            self.fail(line, pointer, f"tag {node.tag} is not allowed", "remove the tag")
        if node.style:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.match(text) and text != "-0":
            # Python refuses to convert thousands of digits; 17 characters hold what is allowed.
            if len(text) > 17 or abs(int(text)) > MAX_SAFE_INTEGER:
                what = f"{text[:40]} is beyond 2^53 - 1"
                self.fail(line, pointer, what, "write a smaller number", "value")
            return int(text)
        if _FLOAT.match(text) and text != "-0":
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self.fail(
                    line, pointer, f"{text} is not a float64", "write a finite number", "value"
                )
            return value
        if _AMBIGUOUS.match(text) or text == "":
            self.fail(
                line,
                pointer,
                f"YAML readers disagree about {text!r}" if text else "the value is missing",
                "put a string in quotes; write numbers in decimal and words as true, false or null",
                "ambiguous-scalar",
            )
        return text


def parent(pointer: str) -> tuple[str, str]:
    """A pointer's parent and its last key, unescaped."""
    head, _, tail = pointer.rpartition("/")
    return head, unescape(tail)
