"""The image, run as users run it: locked down, as other users, with and without mounted folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from biobench import Results, load_results
from biobench.repro.settings import SETTINGS
from biobench.spec.load import load_spec

pytestmark = [pytest.mark.container, pytest.mark.timeout(1200)]

LOCKED_DOWN = (
    "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)  # fmt: skip
STAGES = ("data", "pixels", "features", "predictions", "score")


@dataclass(frozen=True)
class Done:
    """Exit code and output of one run."""

    code: int
    output: str
    errors: str

    def table(self) -> list[str]:
        """What the run prints about the scores: all but where the files lie."""
        places = ("result:", "page:")
        return [line for line in self.output.splitlines() if not line.startswith(places)]


def call(command: list[str], environment: dict[str, str] | None = None) -> Done:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def container(image: str, *arguments: str, options: tuple[str, ...] = ()) -> Done:
    """One locked-down container; ``options`` are Docker's, ``arguments`` the command's."""
    return call(["docker", "run", "--rm", *LOCKED_DOWN, *options, image, *arguments])


def open_folder(path: Path) -> Path:
    """A folder that any user may write to, as a container's user is no user of this machine."""
    path.mkdir()
    path.chmod(0o1777)
    # pytest's folders are closed to others, and Docker's user has to pass through them.
    for parent in path.parents:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return path


def inodes(folder: Path) -> dict[str, int]:
    """Every file with its inode, which changes when the file is written anew."""
    return {str(path): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Results]:
    """The demo on this machine without a container, from nothing."""
    folder = tmp_path_factory.mktemp("outside")
    settings_free = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    arguments = ["--model", "demo", "--store", str(folder / "store"), "--out", str(folder / "out")]
    done = call([sys.executable, "-m", "biobench", *arguments], settings_free)
    assert done.code == 0, done.errors
    return done, load_results(folder / "out")


@pytest.fixture(scope="module")
def metadata(image: str) -> dict[str, Any]:
    """What the engine says of the image."""
    answer = call(["docker", "image", "inspect", image])
    (described,) = json.loads(answer.output)
    config: dict[str, Any] = described["Config"]
    return config


def test_nothing_mounted_prints_the_same_table(image: str, outside: tuple[Done, Results]) -> None:
    """The main promise: no network, nothing writable but /tmp and the volumes, the same scores."""
    done = container(image, "--model", "demo")
    assert done.code == 0, done.errors
    assert "demo-beluga" in done.output
    assert done.table() == outside[0].table()


def test_another_user_and_a_mounted_folder(
    image: str, outside: tuple[Done, Results], tmp_path: Path
) -> None:
    """A uid that the image does not know leaves its files in /out, with the digests from outside;
    run again, it reuses them."""
    out = open_folder(tmp_path / "out")
    options = ("--user=4321:4321", f"--volume={out}:/out")
    done = container(image, "--model", "demo", "--suite", "demo", options=options)
    assert done.code == 0, done.errors
    results = load_results(out)
    for stage in STAGES:
        assert results.digests[stage] == outside[1].digests[stage], stage
    assert (out / "results.json").stat().st_uid == 4321
    environment = results.document["environment"]
    assert environment["image"] == image
    assert environment["settings"] == SETTINGS

    stored = inodes(out / "store")
    assert stored
    again = container(image, "--model", "demo", "--suite", "demo", options=options)
    assert again.code == 0, again.errors
    assert again.table() == done.table()
    assert inodes(out / "store") == stored


def test_mounted_data_are_found(image: str, repository: Path) -> None:
    """/data holds the data sets, one folder each, as --data does outside."""
    demo = repository / "runner/biobench/_demo"
    done = container(
        image, "--model", "demo", "--task", "demo-plankton", "--dry-run",
        options=(f"--volume={demo}:/data:ro",),
    )  # fmt: skip
    assert done.code == 0, done.errors
    assert "in /data/demo-plankton" in done.output


def test_a_folder_that_cannot_be_written_is_one_line(image: str, tmp_path: Path) -> None:
    """A mounted folder of another user is named in one line, without a traceback."""
    out = open_folder(tmp_path / "out")
    out.chmod(0o755)
    done = container(image, "--model", "demo", options=(f"--volume={out}:/out",))
    assert done.code == 2
    lines = done.errors.strip().splitlines()
    assert "/out" in lines[-1]
    assert "Traceback" not in done.errors


def test_a_bad_model_is_one_line(image: str) -> None:
    """The exit codes of the command are the container's."""
    done = container(image, "--model", "demoo")
    assert done.code == 5
    assert done.output == ""
    assert "demoo" in done.errors.strip().splitlines()[-1]


def test_without_arguments_it_helps(image: str) -> None:
    """`docker run biobench:1.0` says what can be done."""
    done = container(image)
    assert done.code == 0, done.errors
    assert "--model" in done.output


def test_the_image_describes_itself(metadata: dict[str, Any], repository: Path) -> None:
    """User, entry point, volumes and labels are what docs/container.md promises."""
    assert metadata["User"] == "10001:10001"
    assert metadata["Entrypoint"] == ["biobench"]
    assert sorted(metadata["Volumes"]) == ["/data", "/models", "/out"]
    labels = metadata["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert (
        f'version = "{labels["org.opencontainers.image.version"]}"'
        in (repository / "Cargo.toml").read_text()
    )
    assert labels["biobench.spec.digest"] == load_spec().digest


def test_the_image_has_no_installer_and_no_apt(image: str) -> None:
    """What only built the image is not in it."""
    program = (
        "from importlib.util import find_spec; from shutil import which; "
        "print([n for n in ('pip', 'ensurepip', 'maturin', 'pytest') if find_spec(n)], "
        "[n for n in ('apt-get', 'pip', 'gcc') if which(n)])"
    )
    done = container(image, "-c", program, options=("--entrypoint=/opt/biobench/bin/python",))
    assert done.code == 0, done.errors
    assert done.output == "[] []\n"
