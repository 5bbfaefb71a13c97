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
# Lines as fish reads them, a word and its description, since typer's own answer to zsh ends every
# word with a blank.
ZSH = """\
#compdef biobench
_biobench_completion() {
    local line word
    local -a whole begun
    local -x _BIOBENCH_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args
    local -x _TYPER_COMPLETE_ARGS="${words[1,CURRENT-1]} $PREFIX"
    for line in "${(@f)$("${(Q)words[1]}" 2>/dev/null)}"; do
        word=${line%%$'\\t'*}
        line=${word//:/\\\\:}${${line#"$word"}/$'\\t'/:}
        # More follows a colon at the end.
        case $word in
            ('') ;;
            (*:) begun+=("$line") ;;
            (*) whole+=("$line") ;;
        esac
    done
    if (( $#whole + $#begun == 0 )); then
        _files
        return
    fi
    local found=1
    (( $#whole )) && _describe -t values value whole && found=0
    (( $#begun )) && _describe -t values value begun -S '' && found=0
    return found
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _biobench_completion "$@"
else
    if (( ! $+functions[compdef] )); then
        autoload -Uz compinit
        compinit -i
    fi
    compdef _biobench_completion biobench
fi
"""
FISH = """\
function __biobench_completion
    set -l program (commandline -opc)[1]
    set -lx _TYPER_COMPLETE_ARGS (commandline -cp | string collect)
    set -lx _TYPER_COMPLETE_FISH_ACTION get-args
    set -l found (env _BIOBENCH_COMPLETE=complete_fish $program 2>/dev/null)
    if string length --quiet -- $found
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command biobench --no-files --arguments '(__biobench_completion)'
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
    sets, names of models, formats. For bash: eval "$(biobench completion bash)" in ~/.bashrc; for
    zsh the same with zsh in ~/.zshrc; for fish: biobench completion fish | source, in
    ~/.config/fish/config.fish."""
    print_text({Shell.bash: BASH, Shell.zsh: ZSH, Shell.fish: FISH}[shell])


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
