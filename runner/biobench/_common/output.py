"""Output for people (lines, tables, progress, notes) and JSON on standard output.

Nothing else in the package writes to a standard stream, and a test checks that. A name from a file,
a class, a task or a model therefore cannot move the cursor, act as markup or reverse the direction
of text.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from biobench._common.argument_names import note_of_call
from biobench._common.text import json_shown, json_text_shown, shown_lines
from biobench.errors import LONGEST, shown

if TYPE_CHECKING:
    from rich.console import Console

ESCAPED = "biobench-escaped"
"""Name of the error handler of guarded streams."""
# What tqdm, which shows the progress of downloads, writes to stay in its line.
_CURSOR = re.compile(r"(\n|\x1b\[A)*")


def print_line(line: str = "", *, flush: bool = False) -> None:
    """Print one line on standard output."""
    print(shown(line, LONGEST), flush=flush)


def print_note(line: str) -> None:
    """Print one line on standard error; within a call from Python it names arguments."""
    print(shown(note_of_call(line), LONGEST), file=sys.stderr, flush=True)


def print_stage(line: str) -> None:
    """Print one line on standard error where that is a terminal: somebody waits for what comes
    next, while libraries load or tables are read."""
    if sys.stderr is not None and sys.stderr.isatty():
        print_note(f"biobench: {line}")


def print_cells(cells: Iterable[str]) -> None:
    """Print one line of cells separated by tabs, for programs."""
    print("\t".join(map(shown, cells)))


def print_json(value: object) -> None:
    """Print a JSON value on standard output: exact, with unprintable characters escaped."""
    _print_json_text(json_shown(value))


def print_json_text(text: str) -> None:
    """Print JSON text on standard output: the same value, with unprintable characters escaped."""
    _print_json_text(json_text_shown(text))


def print_text(text: str) -> None:
    """Print lines that are a format of their own, such as CSV, on standard output."""
    print(shown_lines(text), end="")


def print_bytes(data: bytes) -> None:
    """Print UTF-8 JSON on standard output: these bytes, but escaped on a terminal."""
    if sys.stdout.isatty():
        print_json_text(data.decode())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def _print_json_text(text: str) -> None:
    print(text.removesuffix("\n"))


def console(*, stderr: bool = False) -> Console:
    """A rich console without markup, whose texts cannot control the terminal."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.text import Text

    class Guarded(Console):
        """A rich console that escapes every text in one of the two methods."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(shown_lines(text), **options)

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                # A control is rich's own: it moves the cursor of a bar.
                if segment.control:
                    yield segment
                else:
                    yield Segment(shown_lines(segment.text), segment.style)

    stream = sys.stderr if stderr else sys.stdout
    plain: Any = stream.plain if isinstance(stream, _Guard) else None
    return Guarded(file=plain, stderr=stderr, markup=False, emoji=False, highlight=False)


class _Guard(io.TextIOWrapper):
    """A standard stream that escapes what a library or a warning writes to it."""

    @property
    def plain(self) -> _Plain:
        """The underlying stream, for text that may move the cursor."""
        return _Plain(self)

    def write(self, text: str, /) -> int:
        length = len(text)
        if _CURSOR.fullmatch(text) is None:
            first = "\r" if text.startswith("\r") else ""
            text = first + "\t".join(map(shown_lines, text.removeprefix(first).split("\t")))
        super().write(text)
        return length


class _Plain:
    """A writer of text that has already been escaped to a guarded stream."""

    def __init__(self, stream: _Guard) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return io.TextIOWrapper.write(self._stream, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Escape whatever is written to the standard streams from now on, so that no terminal obeys it.

    Characters that the encoding of a stream lacks are written as JSON escapes: an ASCII terminal,
    or a name that is not UTF-8, must not end a run, and JSON that is printed stays the same JSON.
    """
    codecs.register_error(ESCAPED, _escape)
    for name in ("stdout", "stderr"):
        stream: TextIO = getattr(sys, name)
        if type(stream) is not io.TextIOWrapper:
            continue
        guarded = _Guard(
            stream.buffer,
            encoding=stream.encoding,
            errors=ESCAPED,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        stream.flush()
        stream.detach()
        setattr(sys, name, guarded)
        setattr(sys, f"__{name}__", guarded)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
