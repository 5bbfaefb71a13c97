"""Messages of a call from Python: they name its arguments in place of the command's options.

In: an error or a note whose text names options, such as ``--on-bad-image leave-out``. Out: the same
text, which says ``on_bad_image="leave-out"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from biobench.errors import BiobenchError

VALUES = frozenset(
    {
        "all", "auto", "bfloat16", "compat", "cpu", "cuda", "exact", "float16", "float32",
        "leave-out", "official", "report", "stop", "torch",
    }
)  # fmt: skip
"""Words after an option that are its value; any other word goes on with the sentence."""
_OPTION = re.compile(r"(?<![\w/.-])--(?P<name>[a-z][a-z-]*)(?: (?P<value>[a-z0-9-]+))?(?![\w/-])")
_COMMAND = re.compile(r"`[^`]*`")
# Notes come from every stage, and none of them knows who called; calls in threads are apart.
_OF_CALL: ContextVar[Mapping[str, str] | None] = ContextVar("argument_names", default=None)


def in_arguments(text: str, arguments: Mapping[str, str]) -> str:
    """A message with the names of arguments.

    Args:
        text: The message; a command in backticks stays as it is.
        arguments: The name of an argument by that of its option, both without dashes or sign.
    """
    kept = 0
    parts = []
    for command in _COMMAND.finditer(text):
        parts += [_replaced(text[kept : command.start()], arguments), command.group()]
        kept = command.end()
    return "".join([*parts, _replaced(text[kept:], arguments)])


def _replaced(text: str, arguments: Mapping[str, str]) -> str:
    def argument(found: re.Match[str]) -> str:
        name = arguments.get(found["name"])
        if name is None:
            return found.group()
        value = found["value"]
        if value is None:
            return f"{name}="
        if value.isdigit():
            return f"{name}={value}"
        return f'{name}="{value}"' if value in VALUES else f"{name}= {value}"

    return _OPTION.sub(argument, text)


@contextmanager
def naming_arguments(arguments: Mapping[str, str]) -> Iterator[None]:
    """Let errors that leave the block, and notes that are printed in it, name arguments; see
    :func:`in_arguments`."""
    token = _OF_CALL.set(arguments)
    try:
        yield
    except BiobenchError as error:
        rename(error, arguments)
        raise
    finally:
        _OF_CALL.reset(token)


def note_of_call(text: str) -> str:
    """A note as the caller reads it: with the names of arguments within
    :func:`naming_arguments`, else as it is."""
    arguments = _OF_CALL.get()
    return in_arguments(text, arguments) if arguments else text


def rename(error: BiobenchError, arguments: Mapping[str, str]) -> None:
    """Let one error name arguments; its traceback stays."""
    parts = (error.what, error.where, error.remedy)
    what, where, remedy = (None if p is None else in_arguments(p, arguments) for p in parts)
    BiobenchError.__init__(error, what or "", where=where, remedy=remedy)
