"""``biobench completion``: what lets a shell complete commands, options and their values."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

import typer

from biobench._common.output import print_text

LINE, ARGUMENTS = "_BIOBENCH_LINE", "_TYPER_COMPLETE_ARGS"
"""The line up to the cursor, of bash and of the others."""
BASH = """\
_biobench_completion() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT}
    local word=${line##*[[:space:]]}
    COMPREPLY=($(env _BIOBENCH_LINE="$line" _BIOBENCH_COMPLETE=complete_bash "$1" 2>/dev/null))
    # Where a colon ends a word, bash replaces what is after it alone.
    if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
    fi
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]]; then
        compopt -o nospace
    fi
}
complete -o default -F _biobench_completion biobench
"""


class Shell(StrEnum):
    """A shell."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.")],
) -> None:
    """Print the script by which a shell completes `biobench` on Tab: ids of tasks, suites and data
    sets, names of models, formats. For bash: eval "$(biobench completion bash)" in ~/.bashrc."""
    if shell is Shell.bash:
        print_text(BASH)
        return
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(
        prog_name="biobench", complete_var="_BIOBENCH_COMPLETE", shell=shell.value
    )
    print_text(f"{script}\n")


def prepare(before_run: Collection[str]) -> None:
    """Turn what a shell asks for into what typer answers.

    Args:
        before_run: Options of the program itself; any other before a command belongs to ``run``.
    """
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    line = os.environ.get(LINE, os.environ.get(ARGUMENTS, ""))
    words, open_word = _words(line)
    if len(words) > 1 and words[1].startswith("-") and words[1] not in before_run:
        words.insert(1, "run")
    if LINE in os.environ:
        os.environ["COMP_WORDS"] = shlex.join(words)
        os.environ["COMP_CWORD"] = str(len(words) - open_word)
    else:
        os.environ[ARGUMENTS] = shlex.join(words) + ("" if open_word else " ")


def _words(line: str) -> tuple[list[str], bool]:
    """The words of a line, and True where the last one is not finished."""
    try:
        words = shlex.split(line)
    except ValueError:
        # A quotation that is not closed yet.
        words = line.split()
    return words, bool(words) and not line[-1:].isspace()
