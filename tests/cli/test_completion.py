"""Completion by a shell: the words that are offered, in a real bash, and how soon."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from biobench.cli import execute
from biobench.commands import completers
from biobench.commands.app import command
from biobench.commands.completion import _words, prepare
from biobench.export.formats import FORMATS
from biobench.spec.load import load_spec

BASH = shutil.which("bash")
HEAVY = {"torch", "numpy", "pyarrow", "jsonschema", "rich.console"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shell that finds `biobench` first, and no settings of the person who runs the tests."""
    home = str(tmp_path_factory.mktemp("home"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": home, "TERM": "dumb", "PS1": "$ ", "LC_ALL": "C.UTF-8"}


def test_values_are_those_of_the_specification() -> None:
    """Protects: what is offered without loading the documents is what they have."""
    spec = load_spec()
    assert completers.tasks("") == sorted(spec.task_ids())
    assert completers.suites("") == list(spec.suites)
    assert completers.protocols("") == sorted(spec.protocol_ids())
    assert completers.data_sets("") == sorted(spec.library.by_id["dataset"])
    assert set(completers.models("")) == {*spec.models, *completers.loaders()}
    assert completers.formats("") == list(FORMATS)
    assert completers.tasks("demo-pl") == ["demo-plankton", "demo-plantnet"]
    assert {"hf:", "open_clip:", "timm:", "program:", "py:"} <= set(completers.loaders())


@pytest.mark.parametrize("name", ["run", "plan"])
def test_suites_and_tasks_complete_where_a_run_is_described(name: str) -> None:
    """Protects: a run that is planned is typed as easily as one that is started."""
    tree = command()
    options = {option.name: option for option in tree.commands[name].params}
    context = tree.make_context("biobench", [name], resilient_parsing=True)
    for option, values in (("suite", completers.suites), ("task", completers.tasks)):
        found = [word.value for word in options[option].shell_complete(context, "demo")]
        assert found == values("demo") != []


@pytest.mark.parametrize(
    ("line", "words", "place"),
    [
        ("biobench run --task demo", "biobench run --task demo", "3"),
        ("biobench run --task ", "biobench run --task", "3"),
        ("biobench --model ", "biobench run --model", "3"),
        ("biobench --version", "biobench --version", "1"),
        ("biobench run --images 'my pho", "biobench run --images ''\"'\"'my' pho", "4"),
        ("biobench ", "biobench", "1"),
    ],
)
def test_a_line_becomes_words(
    line: str, words: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects: `biobench --model` completes as `biobench run --model`, and a quotation that is not
    closed is no error."""
    monkeypatch.setenv("_BIOBENCH_LINE", line)
    monkeypatch.setenv("COMP_WORDS", "")
    monkeypatch.setenv("COMP_CWORD", "")
    prepare(("--version",))
    assert (os.environ["COMP_WORDS"], os.environ["COMP_CWORD"]) == (words, place)
    assert _words(line)[1] == (not line.endswith(" "))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects: a script goes to standard output and asks biobench; another shell is refused."""
    assert execute(["completion", shell]) == 0
    said = capsys.readouterr()
    # zsh reads the lines that fish reads.
    answer = {"bash": "bash", "zsh": "fish", "fish": "fish"}[shell]
    assert "_BIOBENCH_COMPLETE=complete_" + answer in said.out
    assert said.err == ""
    assert execute(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_the_options_of_other_programs_lead_to_the_command(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: who knows these options from other programs finds the command in one line."""
    assert execute([option]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("; `biobench completion SHELL` prints what bash, zsh or fish reads")


def offered(line: str, environment: dict[str, str]) -> list[str]:
    """The words that bash is offered for a line, by the script itself."""
    program = (
        "source <(biobench completion bash); COMP_LINE=$1; COMP_POINT=${#1}; "
        'compopt() { :; }; _biobench_completion biobench; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert BASH is not None
    command = [BASH, "--norc", "--noprofile", "-c", program, "bash", line]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_what_bash_is_offered(environment: dict[str, str]) -> None:
    """Protects: commands, options and their values; after a colon what is left of a name."""
    assert {"run", "report", "completion"} <= set(offered("biobench ", environment))
    assert offered("biobench run --task demo-plan", environment) == [
        "demo-plankton",
        "demo-plantnet",
    ]
    assert offered("biobench --suite ", environment) == ["biobench", "prior-work", "demo"]
    assert offered("biobench export --format mo", environment) == ["model-card"]
    assert offered("biobench --model hf:google/siglip2-lar", environment)[0].startswith("google/")
    assert offered("biobench run --images ", environment) == []


@pytest.mark.slow
@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_tab_in_a_real_bash(environment: dict[str, str]) -> None:
    """Protects: what the documentation says to put into ~/.bashrc completes on Tab."""
    rc = Path(environment["HOME"]) / "rc"
    rc.write_text("PS1='$ '\neval \"$(biobench completion bash)\"\n")
    assert BASH is not None
    terminal, other = pty.openpty()
    shell = subprocess.Popen(
        [BASH, "--noprofile", "--rcfile", str(rc), "-i"], env=environment, stdin=other,
        stdout=other, stderr=other, start_new_session=True,
    )  # fmt: skip
    os.close(other)
    try:
        assert "$ " in read_until(terminal, "$ ")
        os.write(terminal, b"biobench --task demo-plank\t")
        assert "demo-plankton " in read_until(terminal, "demo-plankton ")
        os.write(terminal, b"\x15biobench models show bioclip-2.\t")
        assert "bioclip-2.5 " in read_until(terminal, "bioclip-2.5 ")
    finally:
        os.write(terminal, b"\x15exit\n")
        shell.wait(30)
        os.close(terminal)


START = {
    "bash": ("bash", "--noprofile", "--rcfile", "rc", "-i"),
    "zsh": ("zsh", "-i"),
    "fish": ("fish", "-i"),
}
"""How each shell is started, in its home."""
SETTINGS = {
    "bash": ("rc", "PS1='$ '\neval \"$({} completion bash)\"\n"),
    "zsh": (".zshrc", "PS1='$ '\neval \"$({} completion zsh)\"\n"),
    "fish": (
        ".config/fish/config.fish",
        "function fish_prompt; printf '$ '; end\nset -g fish_greeting\n"
        "{} completion fish | source\n",
    ),
}
"""The file that a shell reads at its start, with what the documentation says to put there."""
LEAD = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Starts a shell as the one of its terminal, without which fish reads no keys."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "shell",
    [
        pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name}"))
        for name in START
    ],
)
def test_tab_in_each_shell(shell: str, tmp_path: Path) -> None:
    """Protects: the one line of the documentation is enough, for a program that is not on the PATH
    too. A whole word gets a blank, the beginning of a name (onnx:) none, a folder is completed by
    the shell, and no error is shown."""
    program = str(Path(sys.executable).with_name("biobench"))
    file, text = SETTINGS[shell]
    settings = tmp_path / file
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(text.format(program))
    (tmp_path / "photographs").mkdir()
    environment = {
        "PATH": os.defpath, "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    terminal, other = pty.openpty()
    # Else long lines are broken where nobody knows.
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", LEAD, *START[shell]], env=environment, stdin=other, stdout=other,
        stderr=other, cwd=tmp_path,
    )  # fmt: skip
    os.close(other)
    try:
        shown = read_until(terminal, "$ ")
        for typed, whole in (
            ("--task demo-plank\t", "--task demo-plankton "),
            ("models show bioclip-2.\t", "models show bioclip-2.5 "),
            ("run --model hf:google/siglip2-large-patch16-3\t", "siglip2-large-patch16-384 "),
            ("models show onn\t./x", "models show onnx:./x"),
            ("run --images photo\t", "run --images photographs/"),
            ("self\t", "selftest "),
        ):
            os.write(terminal, f"\x15{program} {typed}".encode())
            found = read_until(terminal, whole)
            assert whole in found
            shown += found
        for word in ("not found", "Traceback", "rror"):
            assert word not in shown
    finally:
        process.kill()
        process.wait(30)
        os.close(terminal)


def read_until(terminal: int, wanted: str, seconds: float = 30) -> str:
    """The text that a terminal shows until it has some words, or for a time."""
    shown, end = b"", time.monotonic() + seconds
    while wanted.encode() not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            shown += part
    return shown.decode(errors="replace")


@pytest.mark.slow
def test_nothing_heavy_loads_for_a_word() -> None:
    """Protects: the shell waits for a start of Python and typer, and for no library of models."""
    program = (
        "import sys\n"
        "from biobench.cli import execute\n"
        "try:\n    execute([])\n"
        "except SystemExit:\n    pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    for line in ("biobench run --model ", "biobench run --task ", "biobench export --format "):
        asked = {"_BIOBENCH_LINE": line, "_BIOBENCH_COMPLETE": "complete_bash"}
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "[]", line
