"""The image that containers/build writes is the one that containers/Dockerfile says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagebuild.compare import Facts, files
from imagebuild.wheels import file_digest

CONTAINERS = Path(__file__).resolve().parents[2] / "containers"
WORK = CONTAINERS / ".build"
OF_THE_ENGINE = (
    ".dockerenv",
    "dev",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
    "proc",
    "sys",
)

pytestmark = [pytest.mark.slow, pytest.mark.container, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def from_dockerfile(slim_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The slim image as the engine builds it from the Dockerfile, with the same inputs."""
    if not (WORK / "layers").is_dir():
        pytest.skip("containers/.build is gone; `make image-slim` makes it again")
    context = tmp_path_factory.mktemp("context")
    (context / "wheels").mkdir()
    for name in ("packages.txt", "biobench.txt"):
        shutil.copy(WORK / "layers" / name, context)
    wanted = (context / "packages.txt").read_text() + (CONTAINERS / "installer.txt").read_text()
    found = [wheel for wheel in (WORK / "wheels").glob("*.whl") if file_digest(wheel) in wanted]
    for wheel in (*found, *(WORK / "own").glob("*.whl")):
        shutil.copy(wheel, context / "wheels")
    for name in ("install-wheels", "add-user"):
        shutil.copy(CONTAINERS / "inside" / name, context)
    labels = config_of(slim_image)["Labels"]
    base = "org.opencontainers.image.base"
    arguments = {
        "BASE": f"biobench-base:{labels[f'{base}.digest'][7:19]}",
        "NAME": slim_image,
        "VERSION": labels["org.opencontainers.image.version"],
        "SPEC_DIGEST": labels["biobench.spec.digest"],
        "WHEEL_DIGEST": labels["biobench.wheel.digest"],
        "BASE_NAME": labels[f"{base}.name"],
        "BASE_DIGEST": labels[f"{base}.digest"],
    }
    name = f"biobench-from-dockerfile:{os.getpid()}"
    command = ["docker", "build", "--network=none", "--no-cache", "--tag", name]
    for key, value in arguments.items():
        command += ["--build-arg", f"{key}={value}"]
    # The classic builder serves where the engine has no plug-in for the other one.
    plugin = subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False)
    environment = {**os.environ, **({} if plugin.returncode == 0 else {"DOCKER_BUILDKIT": "0"})}
    done = subprocess.run(
        [*command, "--file", str(CONTAINERS / "Dockerfile"), str(context)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield name
    # Older builders leave the stages that only build, without a name.
    prune = ["docker", "image", "prune", "--force", "--filter", "label=biobench.stage=build"]
    for command in (["docker", "rmi", name], prune):
        subprocess.run(command, capture_output=True, check=False)


def config_of(image: str) -> dict[str, Any]:
    """The settings of an image, as the engine has them."""
    command = ["docker", "image", "inspect", "--format", "{{json .Config}}", image]
    done = subprocess.run(command, capture_output=True, check=True)
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def files_of(image: str, target: Path) -> dict[str, Facts]:
    """Every file of an image, without what the engine puts into a container and without times."""
    create = subprocess.run(["docker", "create", image], capture_output=True, text=True, check=True)
    container = create.stdout.strip()
    try:
        subprocess.run(["docker", "export", "--output", str(target), container], check=True)
    finally:
        subprocess.run(["docker", "rm", "--volumes", container], capture_output=True, check=False)
    with open(target, "rb") as stream:
        found = files(stream)
    target.unlink()
    return {
        path: {name: value for name, value in facts.items() if name != "time"}
        for path, facts in ((path.rstrip("/"), facts) for path, facts in found.items())
        if not path.startswith(OF_THE_ENGINE)
    }


def test_both_have_the_same_files(slim_image: str, from_dockerfile: str, tmp_path: Path) -> None:
    """The readable form cannot drift from what is built: paths, modes, owners and contents."""
    built = files_of(slim_image, tmp_path / "built.tar")
    said = files_of(from_dockerfile, tmp_path / "said.tar")
    assert len(built) > 5000
    assert sorted(built.keys() ^ said.keys()) == []
    assert [path for path in built if built[path] != said[path]] == []


def test_both_have_the_same_settings(slim_image: str, from_dockerfile: str) -> None:
    """Our reader of the Dockerfile understands it as an engine does."""
    built, said = config_of(slim_image), config_of(from_dockerfile)
    for config in (built, said):
        config["Env"].sort()  # engines differ in where they put PATH
    for name in ("User", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels"):
        assert built[name] == said[name], name


def test_every_file_has_the_one_date(slim_image: str) -> None:
    """No time of a build is left in a layer."""
    archives = sorted((WORK / "layers").glob("*.tar"))
    assert archives
    for path in archives:
        with tarfile.open(path) as archive:
            assert {int(entry.mtime) for entry in archive} == {1_793_491_200}, path.name
