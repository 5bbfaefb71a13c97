"""The image, run as users run it: locked down, as other users, with and without mounted folders.

The whole demo suite runs once; where another thing is the point, one task of it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from containers import Done, call, container, inodes, open_folder

from biobench import Results, load_results
from biobench.spec.load import load_spec

pytestmark = [pytest.mark.slow, pytest.mark.container, pytest.mark.timeout(1200)]

TASK = "demo-plankton"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Results]:
    """The demo on this machine without a container, from the user's store where `make demo` ran.

    Fixtures of a module come before the one that gives each test a store of its own.
    """
    folder = tmp_path_factory.mktemp("outside")
    arguments = ["--model", "demo", "--suite", "demo", "--out", str(folder)]
    done = call(sys.executable, "-m", "biobench", *arguments)
    assert done.code == 0, done.errors
    return done, load_results(folder)


def task_digests(document: dict[str, Any], task: str) -> dict[str, str]:
    """The digests of a task's stages in a result."""
    digests: dict[str, str] = document["tasks"][task]["digests"]
    return digests


def computed(store: Path) -> dict[str, int]:
    """Features and predictions of a store: the record of a run is written each time."""
    return {path: inode for path, inode in inodes(store).items() if "/evidence/" not in path}


def features_of(store: Path) -> dict[str, int]:
    """Every shard of features of a store, with its inode."""
    return {path: inode for path, inode in inodes(store).items() if "/features-" in path}


@pytest.fixture(scope="module")
def metadata(image: str) -> dict[str, Any]:
    """The engine's description of the image."""
    (described,) = json.loads(call("docker", "image", "inspect", image).output)
    config: dict[str, Any] = described["Config"]
    return config


def test_nothing_mounted_gives_the_scores_from_outside(
    image: str, outside: tuple[Done, Results]
) -> None:
    """The main promise: no network, nothing writable but /tmp and the volumes, nine tasks, the same
    digests of every stage."""
    done = container(image, "--model", "demo", "--json")
    assert done.code == 0, done.errors
    document = json.loads(done.output)
    expected = outside[1].document
    assert len(document["tasks"]) == 9
    assert list(document["tasks"]) == list(expected["tasks"])
    for task in document["tasks"]:
        assert task_digests(document, task) == task_digests(expected, task), task
        assert document["tasks"][task]["score"] == expected["tasks"][task]["score"], task
    assert document["mean"] == expected["mean"]
    assert document["digests"] == outside[1].digests
    assert document["environment"]["image"] == image
    for name in ("base", "layers"):
        assert re.fullmatch("sha256:[0-9a-f]{64}", document["environment"][name])
    assert document["environment"]["variables"] == {}


def test_another_user_and_mounted_folders(
    image: str, outside: tuple[Done, Results], repository: Path, tmp_path: Path
) -> None:
    """A uid that the image does not know finds mounted data and leaves its files in /out; a second
    run reuses them."""
    out = open_folder(tmp_path / "out")
    data = repository / "runner/biobench/_demo"
    options = ("--user=4321:4321", f"--volume={out}:/out", f"--volume={data}:/data:ro")
    arguments = ("--model", "demo", "--task", TASK)
    done = container(image, *arguments, options=options)
    assert done.code == 0, done.errors
    assert TASK in done.output
    assert "result: /out/results.json" in done.output
    results = load_results(out)
    assert task_digests(results.document, TASK) == task_digests(outside[1].document, TASK)
    assert (out / "results.json").stat().st_uid == 4321
    assert (out / "report.html").is_file()

    stored = computed(out / "store")
    assert stored
    again = container(image, *arguments, options=options)
    assert again.code == 0, again.errors
    assert again.table() == done.table()
    assert computed(out / "store") == stored
    planned = container(image, *arguments, "--dry-run", options=options)
    assert f"in /data/{TASK}" in planned.output


def test_a_stopped_run_goes_on_where_it_was(
    image: str, outside: tuple[Done, Results], tmp_path: Path
) -> None:
    """`docker stop` ends a run with 143 and keeps what was computed; started again, it has the same
    digests and computes none of that anew."""
    out = open_folder(tmp_path / "out")
    name = f"biobench-test-{os.getpid()}"
    create = ["docker", "create", "--name", name, "--network=none", "--read-only", "--tmpfs=/tmp"]
    tasks = ("--task", "demo-fishnet", "--task", TASK)
    made = call(*create, f"--volume={out}:/out", image, "--model", "demo", *tasks)
    assert made.code == 0, made.errors
    try:
        assert call("docker", "start", name).code == 0
        # A few shards of features, not all of them.
        features = wait_for(lambda: features_of(out / "store"))
        assert call("docker", "stop", "-t", "60", name).code == 0
        state = call("docker", "inspect", "--format={{.State.ExitCode}}", name)
        said = call("docker", "logs", name).errors
        assert state.output.strip() == "143", said
        assert "what was computed is kept" in said.strip().splitlines()[-1]
        assert not (out / "results.json").exists()
        features = features_of(out / "store") or features

        again = call("docker", "start", "--attach", name)
        assert again.code == 0, again.errors
    finally:
        call("docker", "rm", "--force", "--volumes", name)
    document = load_results(out).document
    for task in ("demo-fishnet", TASK):
        assert task_digests(document, task) == task_digests(outside[1].document, task)
    now = features_of(out / "store")
    assert {path: now.get(path) for path in features} == features


def wait_for(look: Any, seconds: float = 300) -> Any:
    """Return what ``look`` finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"nothing within {seconds:.0f} s")


def test_a_folder_that_cannot_be_written_is_one_line(image: str, tmp_path: Path) -> None:
    """A mounted folder of another user is named in one line, without a traceback."""
    out = open_folder(tmp_path / "out")
    out.chmod(0o755)
    done = container(image, "--model", "demo", "--task", TASK, options=(f"--volume={out}:/out",))
    assert done.code == 2
    last = done.errors.strip().splitlines()[-1]
    assert "/out" in last
    assert "mkdir -p out" in last
    assert "--user" in last
    assert "Traceback" not in done.errors


def test_the_documented_folder_and_user(image: str, tmp_path: Path) -> None:
    """`mkdir -p out` and `--user "$(id -u):$(id -g)"` are all that a mounted /out needs."""
    out = tmp_path / "out"
    out.mkdir()
    options = (f"--user={os.getuid()}:{os.getgid()}", f"--volume={out}:/out")
    done = container(image, "--model", "demo", "--task", TASK, options=options)
    assert done.code == 0, done.errors
    assert (out / "results.json").is_file()


def test_a_bad_model_is_one_line(image: str) -> None:
    """The exit codes of the command are the container's."""
    done = container(image, "--model", "demoo")
    assert done.code == 5
    assert done.output == ""
    (line,) = done.errors.strip().splitlines()
    assert "demoo" in line


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
    version = labels["org.opencontainers.image.version"]
    assert f'version = "{version}"' in (repository / "Cargo.toml").read_text()
    assert labels["biobench.spec.digest"] == load_spec().digest


def test_the_image_has_no_installer_and_no_apt(image: str) -> None:
    """Tools that only built the image are not in it."""
    program = (
        "from importlib.util import find_spec; from shutil import which; "
        "print([n for n in ('pip', 'ensurepip', 'maturin', 'pytest') if find_spec(n)], "
        "[n for n in ('apt-get', 'pip', 'gcc') if which(n)])"
    )
    done = container(image, "-c", program, options=("--entrypoint=/opt/biobench/bin/python",))
    assert done.code == 0, done.errors
    assert done.output == "[] []\n"


def test_the_packages_are_whole(image: str) -> None:
    """Nothing that a package of the image asks for is missing or has another version."""
    program = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    done = container(image, "-c", program, options=("--entrypoint=/opt/biobench/bin/python",))
    assert done.code == 0, done.errors
    assert {"torch", "timm", "transformers", "biobench"} <= set(done.output.split())
