"""The command line: arguments in, exit code out. Each command lies in commands/.

Only the standard library and typer load here, so that ``--help`` answers at once; a command
imports what it needs when it runs.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from biobench.commands import conformance, data, models, run, spec, store
from biobench.errors import BiobenchError

app = typer.Typer(
    name="biobench",
    help="Score a frozen vision backbone on ecology tasks, with scores that repeat bit for bit. "
    "`biobench --model M` means `biobench run --model M`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.add_typer(data.app, name="data")
app.add_typer(spec.app, name="spec")
app.add_typer(conformance.app, name="conformance")
app.add_typer(models.app, name="models")
app.add_typer(store.app, name="store")

GLOBAL_FLAGS = ("-h", "--help", "--version")
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

# typer may carry its own copy of click; its public BadParameter leads to that copy's base class.
_CommandLineError: Any = typer.BadParameter.__mro__[2]


class Terminated(BaseException):
    """SIGTERM arrived: unwind, so that nothing is left half written."""


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print(f"biobench {version('biobench')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    # Unwinding takes until the running micro-batches end; a second signal must not break it off.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated if signum == signal.SIGTERM else KeyboardInterrupt


def _say(message: str) -> None:
    print("biobench: " + " ".join(message.split()), file=sys.stderr)


def execute(arguments: Sequence[str]) -> int:  # noqa: PLR0911 - one return an exit code
    """Run one command line and return its exit code; errors are one line on standard error."""
    arguments = list(arguments)
    if arguments and arguments[0].startswith("-") and arguments[0] not in GLOBAL_FLAGS:
        arguments.insert(0, "run")
    command = typer.main.get_command(app)
    try:
        status = command.main(arguments, prog_name="biobench", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        if status == EXIT_INTERRUPTED:
            # typer turns Ctrl-C into an exit status of its own before it reaches us.
            raise KeyboardInterrupt
        return status if isinstance(status, int) else 0
    except BiobenchError as error:
        if os.environ.get("BIOBENCH_DEBUG") == "1":
            raise
        _say(str(error))
        return error.exit_code
    except _CommandLineError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)
            return 2
        message = error.format_message().rstrip(".")
        context = getattr(error, "ctx", None)
        _say(f"{message}; see `{context.command_path if context else 'biobench'} --help`")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted; what was computed is kept, the same command goes on from here")
        return EXIT_INTERRUPTED
    except Terminated:
        _say("terminated; what was computed is kept, the same command goes on from here")
        return EXIT_TERMINATED
    except BrokenPipeError:
        # The reader of our output went away; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("BIOBENCH_DEBUG") == "1":
            raise
        _say(f"failed unexpectedly ({type(error).__name__}: {error}); BIOBENCH_DEBUG=1 shows where")
        return 1


def main() -> NoReturn:
    """Entry point of the command ``biobench``."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    sys.exit(execute(sys.argv[1:]))
