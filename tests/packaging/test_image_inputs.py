"""What the image is made from: the lock reduced to one platform, and the settings."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.repro.settings import ALLOCATOR, SETTINGS

CONTAINERS = Path(__file__).resolve().parents[2] / "containers"
HASH = "--hash=sha256:" + "0" * 64


def load_select() -> Callable[[str], str]:
    spec = importlib.util.spec_from_file_location(
        "select_requirements", CONTAINERS / "select_requirements.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[[str], str] = module.select
    return function


select = load_select()


def dockerfile() -> str:
    """The Dockerfile with its continued lines joined and without comments."""
    lines = (CONTAINERS / "Dockerfile").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")


def image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    found: dict[str, str] = {}
    for line in dockerfile().splitlines():
        if line.startswith("ENV "):
            found |= dict(pair.split("=", 1) for pair in shlex.split(line.removeprefix("ENV ")))
    return found


def test_the_image_sets_what_the_runner_demands() -> None:
    """A setting that the image lacks or writes otherwise would move bits or restart each run."""
    wanted = SETTINGS | ALLOCATOR
    found = image_environment()
    assert {name: found.get(name) for name in wanted} == wanted


def test_results_name_the_image_by_its_version(repository: Path) -> None:
    """`environment.image` of a result must be the tag that the build gives."""
    cargo = tomllib.loads((repository / "Cargo.toml").read_text())
    major, minor, _ = cargo["workspace"]["package"]["version"].split(".")
    assert image_environment()["BIOBENCH_IMAGE"] == f"biobench:{major}.{minor}"


def test_no_build_step_uses_a_network() -> None:
    """Everything is fetched before, by hash; apt or an index in a step would undo that."""
    steps = [line for line in dockerfile().splitlines() if line.startswith("RUN ")]
    steps.append((CONTAINERS / "install-wheels").read_text())
    for step in steps:
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
