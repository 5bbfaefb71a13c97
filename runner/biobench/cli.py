"""The command line: parses arguments, runs a command and gives its exit code.

Little loads with this module, so that Ctrl-C is handled before the commands and typer are loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from biobench._common.optional_dependencies import missing_library
from biobench._common.output import guard_streams, print_note
from biobench._common.signals import (
    Interrupted,
    Terminated,
    handle_signals,
    ignore_signals,
    let_signals_in,
)
from biobench._common.text import joined
from biobench.commands.stdio import open_closed_streams
from biobench.commands.unexpected import explained, require_working_folder, without_descriptors
from biobench.errors import BiobenchError, UsageError, shown

GLOBAL_FLAGS = ("-h", "--help", "--version")
VARIABLE = "_BIOBENCH_COMPLETE"
"""The environment variable by which a shell asks for words to complete."""
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
EXIT_BROKEN_PIPE = 141
KEEPING = (
    ("run",),
    ("work",),
    ("data", "fetch"),
    ("data", "frames"),
    ("data", "verify"),
    ("store", "push"),
    ("store", "pull"),
)
"""Commands that keep their progress, and continue from there."""
IN_STORE = (("run",), ("work",), ("data", "verify"))
"""Those of them that keep it in the store."""
COMPLETION_OF_OTHERS = frozenset({"--install-completion", "--show-completion"})
"""Options by which other programs of the same kind give a shell its completion."""


def _say(message: str) -> None:
    print_note(f"biobench: {message}")


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _discard_output() -> None:
    """Discard buffered output that has nowhere to go, so that the interpreter does not fail on
    it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _output_fault(error: Exception) -> str | None:
    """The reason why standard output cannot be written, where that is what the error is about."""
    if not isinstance(error, OSError) or error.filename is not None:
        return None
    try:
        _flush()
        # Without a buffer nothing is left to flush: see whether a byte can be written.
        os.write(sys.stdout.fileno(), b"\n")
    except OSError as again:
        return again.strerror if again.errno == error.errno else None
    return None


def _failed(error: Exception) -> int:
    full = _output_fault(error)
    if full is not None:
        _discard_output()
        _say(f"cannot write to standard output ({full})")
        return 1
    known = missing_library(error) or explained(error)
    _say(_unexpected(error) if known is None else str(known))
    return 1 if known is None else known.exit_code


def _unexpected(error: Exception) -> str:
    name = type(error).__name__
    return f"failed unexpectedly ({name}: {joined(error)}); BIOBENCH_DEBUG=1 shows where"


def _kept(arguments: Sequence[str]) -> str:
    keeps = _is_any(arguments, KEEPING)
    if not keeps or "--dry-run" in arguments:
        return ""
    if _is_any(arguments, IN_STORE):
        from biobench._common.store import default_store, may_only_be_read

        try:
            store = _named_store(arguments) or default_store()
        except UsageError:
            return ""
        if may_only_be_read(store):
            named = shown(str(store))
            return f"; the store {named} can only be read, so what was computed is not kept"
    return "; what was computed is kept, the same command goes on from here"


def _is_any(arguments: Sequence[str], commands: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(arguments[: len(words)]) == words for words in commands)


def _named_store(arguments: Sequence[str]) -> Path | None:
    """The folder that ``--store`` names, read from the arguments themselves: the signal may come
    before they are parsed."""
    found = None
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option == "--store" and value:
            found = Path(value)
        elif option.startswith("--store="):
            found = Path(option.removeprefix("--store="))
    return found


def execute(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are one line on standard error."""
    arguments = list(arguments)
    if arguments and arguments[0].startswith("-") and arguments[0] not in GLOBAL_FLAGS:
        arguments.insert(0, "run")
    try:
        let_signals_in()
        require_working_folder()
        return _run(arguments)
    except (Interrupted, KeyboardInterrupt):
        _say(f"interrupted{_kept(arguments)}")
        return EXIT_INTERRUPTED
    except Terminated:
        _say(f"terminated{_kept(arguments)}")
        return EXIT_TERMINATED
    except (BrokenPipeError, SystemExit) as stop:
        # typer ends by itself where the reader of our output went away.
        if not isinstance(stop.__context__ if isinstance(stop, SystemExit) else stop, OSError):
            raise
        _discard_output()
        return EXIT_BROKEN_PIPE
    except BiobenchError as error:
        if os.environ.get("BIOBENCH_DEBUG") == "1":
            raise
        known = explained(error) if without_descriptors(error) else None
        _say(str(known or error))
        return (known or error).exit_code
    except Exception as error:
        if os.environ.get("BIOBENCH_DEBUG") == "1":
            raise
        return _failed(error)


def _run(arguments: list[str]) -> int:
    import typer

    from biobench.commands.app import command

    if VARIABLE in os.environ:
        from biobench.commands.completion import prepare

        prepare(GLOBAL_FLAGS)
    # typer may carry its own copy of click; its public BadParameter leads to its base class.
    command_line_error: Any = typer.BadParameter.__mro__[2]
    try:
        status = command().main(arguments, prog_name="biobench", standalone_mode=False)
        _flush()
    except typer.Abort as abort:
        raise Interrupted from abort
    except command_line_error as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            for line in error.format_message().splitlines():
                print_note(line)
            return 2
        # The words "Value error," are of the library that checks the value.
        message = joined(error.format_message()).rstrip(".").replace(": Value error, ", ": ", 1)
        context = getattr(error, "ctx", None)
        see = f"see `{context.command_path if context else 'biobench'} --help`"
        if not COMPLETION_OF_OTHERS.isdisjoint(arguments):
            see = "`biobench completion SHELL` prints what bash, zsh or fish reads"
        _say(f"{message}; {see}")
        return 2
    if status == EXIT_INTERRUPTED:
        # typer turns Ctrl-C into an exit status of its own before it reaches us.
        raise Interrupted
    return status if isinstance(status, int) else 0


def main() -> NoReturn:
    """Entry point of the command ``biobench``."""
    handle_signals()
    open_closed_streams()
    guard_streams()
    code = execute(sys.argv[1:])
    # Nothing is left to unwind; a signal would end a finished command with a traceback.
    ignore_signals()
    sys.exit(code)
