"""Odd places to be started in: each is one line that says what to do, or makes no difference."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from PIL import Image

from biobench._common.proxies import require_proxies
from biobench._common.text import as_text
from biobench.cli import execute
from biobench.commands.unexpected import explained

pytestmark = pytest.mark.slow

NO_ROOM = str(1 << 46)
"""A thread's stack that no machine has room for."""


def biobench(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "biobench", *arguments],
        capture_output=True,
        env={**os.environ, **environment},
        timeout=280,
        check=False,
    )


def here(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The same in this process, where the way in which it starts does not matter."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = execute(arguments)
    return subprocess.CompletedProcess(
        arguments, code, out.getvalue().encode(), err.getvalue().encode()
    )


def the_line(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    assert done.returncode == code, done.stderr
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert "unexpectedly" not in lines[0]
    return lines[0]


TITLE = "M\u00f6tten \u2014 \U0001f98b"


@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "latin-1", "utf-8"])
def test_a_terminal_without_the_characters(encoding: str, tmp_path: Path, repository: Path) -> None:
    """Characters that it lacks are written as JSON writes them: JSON stays the same JSON."""
    shutil.copytree(repository / "spec" / "v1", tmp_path / "v1")
    path = tmp_path / "v1" / "tasks" / "kabr.yaml"
    path.write_text(re.sub("title: .*", f"title: {TITLE}", path.read_text(), count=1))
    command = ["spec", "show", "kabr", "--spec", str(tmp_path)]
    plain = here(*command)
    shown = biobench(*command, PYTHONIOENCODING=encoding, LC_ALL="C")
    assert shown.returncode == 0, shown.stderr
    text = shown.stdout.decode(encoding.partition(":")[0])
    assert json.loads(text) == json.loads(plain.stdout.decode())
    assert json.loads(text)["title"] == TITLE


def test_an_argument_that_is_no_text() -> None:
    """Its bytes are escaped in what is said of it."""
    line = the_line(biobench("verify", b"/no/\xff\xfe.json", PYTHONIOENCODING="ascii"), 3)
    assert r"/no/\udcff\udcfe.json" in line
    assert as_text(os.fsdecode(b"a\xff\xc3\xa9")) == "a\\udcff\u00e9"


def test_the_working_folder_is_gone(tmp_path: Path) -> None:
    """Python and the libraries fail without one, each in its own way."""
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os, sys; os.rmdir(os.getcwd())\n"
        "os.execv(sys.executable, [sys.executable, '-P', '-m', 'biobench', *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "models", "list"],
        cwd=gone,
        capture_output=True,
        check=False,
    )
    assert "working folder is not there" in the_line(done, 2)


def test_a_user_without_a_home() -> None:
    """As in a container that is started with a number for its user."""
    if os.getuid() != 0:
        pytest.skip("another user can be taken by root alone")
    # What is loaded before may be what another user cannot read.
    program = (
        "import os, sys; import platformdirs; platformdirs.user_cache_dir('biobench')\n"
        "from biobench.cli import execute\n"
        "execute(['store', 'stats', '--store', '/'])\n"
        "os.setuid(54321)\n"
        "sys.exit(execute(['store', 'stats']))"
    )
    lacking = ("HOME", "BIOBENCH_STORE", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in lacking}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=kept, check=False
    )
    assert "--store" in the_line(done, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--model", "demo", "--out", "LONG"],
        ["run", "--model", "demo", "--data", "LONG"],
        ["run", "--model", "demo", "--store", "LONG"],
        ["run", "--model", "demo", "--task", "LONG.yaml"],
        ["verify", "LONG"],
        ["store", "stats", "--store", "LONG"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("deep", [False, True])
def test_a_path_that_is_too_long(
    deep: bool, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name beyond 255 bytes, and a path beyond 4095."""
    long = f"{tmp_path}/" + ("/".join(["d" * 200] * 22) if deep else "n" * 300)
    said = [argument.replace("LONG", long) for argument in arguments]
    monkeypatch.chdir(tmp_path)
    line = the_line(here(*said), 2)
    assert "too long" in line or "are the most that can be written" in line
    assert len(line) < 800


def test_no_thread_for_python() -> None:
    """The real exception, of a stack that no machine has room for."""
    try:
        threading.stack_size(int(NO_ROOM))
        with pytest.raises(RuntimeError) as caught:
            threading.Thread(target=print).start()
    finally:
        threading.stack_size(0)
    error = explained(caught.value)
    assert error is not None
    assert error.exit_code == 1
    assert "--workers" in str(error)
    assert explained(RuntimeError("another")) is None
    assert explained(FileNotFoundError(2, "no", "file")) is None


def test_no_thread_for_the_native_extension(tmp_path: Path) -> None:
    """Also a line, from where the pool of a command is built."""
    for split in ("train", "val"):
        for name in ("amphora", "balanus"):
            path = tmp_path / "plankton" / split / name / f"{split}-{name}.png"
            path.parent.mkdir(parents=True)
            Image.new("L", (20, 30)).save(path)
    done = biobench("data", "verify", "plankton", "--data", str(tmp_path), RUST_MIN_STACK=NO_ROOM)
    assert "no more threads" in the_line(done, 1)


FEW_FILES = """
import os, resource, sys
from biobench import cli
import biobench.commands.app, biobench.spec.library
cli.execute(["spec", "show", "kabr"])
ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, ceiling))
sys.exit(cli.execute(["spec", "validate", sys.argv[1]]))
"""


def test_no_file_that_can_be_opened(tmp_path: Path) -> None:
    """Not a fault of the document that happens to be read then."""
    document = tmp_path / "task.yaml"
    document.write_text("{}\n")
    done = subprocess.run(
        [sys.executable, "-c", FEW_FILES, str(document)],
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert "may open no more files" in the_line(done, 1)


@pytest.mark.parametrize(
    "proxy",
    ["no address", "http://", "http://host:port", "foo://host:1", "http://[::1", "http:///x"],
)
def test_a_proxy_that_is_no_address(
    proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before anything is asked of a host, with the name of the variable."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    line = the_line(here("data", "fetch", "plankton", "--data", str(tmp_path)), 2)
    assert "HTTPS_PROXY" in line
    assert "unset the variable" in line


@pytest.mark.parametrize(
    "proxy",
    ["http://host:3128", "host:3128", "http://user:word@[::1]:1/", "socks5://10.0.0.1:1080"],
)
def test_proxies_that_are_addresses(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are left to the libraries."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "a b, anything")
    require_proxies()


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="no prlimit")
def test_too_little_memory() -> None:
    """A library that the linker finds no room for is there all the same."""
    command = ["prlimit", "--as=60000000", sys.executable, "-m", "biobench", "run", "--model=demo"]
    done = subprocess.run(command, capture_output=True, timeout=280, check=False)
    assert "memory" in the_line(done, 1)
    error = explained(MemoryError())
    assert error is not None
    assert "--workers" in str(error)
    assert explained(ImportError("cannot import name 'x'")) is None


def test_an_extension_of_another_version() -> None:
    """The real exception: whoever updates one of the two reads what to do, and not of a name that a
    module lacks."""
    with pytest.raises(ImportError) as caught:
        exec("from biobench._native import of_a_later_version")
    error = explained(caught.value)
    assert error is not None
    assert error.exit_code == 1
    said = str(error)
    assert said.startswith("the native extension is of another version than the package (")
    assert "of_a_later_version" in said
    assert "install biobench again" in said
    with pytest.raises(ImportError) as caught:
        exec("from json import of_a_later_version")
    assert explained(caught.value) is None
