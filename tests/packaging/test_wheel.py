"""The wheel carries all that a user needs, and nothing that lands beside the package."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from biobench.spec.canonical import canonical_json
from biobench.spec.load import load_spec

pytestmark = pytest.mark.slow

RUNNER = "runner/biobench"


def files_under(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def members(wheel: Path, prefix: str) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name.removeprefix(prefix): archive.read(name)
            for name in archive.namelist()
            if name.startswith(prefix) and not name.endswith("/")
        }


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--target", str(target), str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


def python(site: Path, folder: Path, *arguments: str) -> str:
    """Standard output of the interpreter with the installed package before the checkout's."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_the_package_lands_in_site_packages(wheel: Path) -> None:
    """No top-level spec/ or tests/, no bytecode, and no name twice."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    (metadata,) = tops - {"biobench"}
    assert metadata.startswith("biobench-")
    assert metadata.endswith(".dist-info")
    assert len(names) == len(set(names))
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_wheel_holds_the_checkouts_specification(wheel: Path, repository: Path) -> None:
    """Every file of spec/ but the ports, byte for byte: a build that reads an old copy differs."""
    everything = files_under(repository / "spec")
    expected = {name: data for name, data in everything.items() if not name.startswith("ports/")}
    found = members(wheel, "biobench/_spec/")
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_the_wheel_holds_the_demo_suite(wheel: Path, repository: Path) -> None:
    """The demo runs from an installed wheel, on the committed images."""
    expected = files_under(repository / RUNNER / "_demo")
    assert expected
    assert members(wheel, "biobench/_demo/") == expected


def test_the_wheel_holds_every_file_of_the_package(wheel: Path, repository: Path) -> None:
    """Golden data, templates and samples are part of the package, whatever their names."""
    made = ("__pycache__/", "_spec/", "_native.abi3.so")
    expected = {
        name: data
        for name, data in files_under(repository / RUNNER).items()
        if not any(part in name for part in made)
    }
    found = members(wheel, "biobench/")
    assert [name for name in expected if found.get(name) != expected[name]] == []


def test_types_extension_and_licence_are_there(wheel: Path) -> None:
    """Type checkers need py.typed and the stub; the licence asks to travel along."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "biobench/py.typed" in names
    assert "biobench/_native.pyi" in names
    assert (
        len(
            [
                name
                for name in names
                if name.startswith("biobench/_native.") and name.endswith(".so")
            ]
        )
        == 1
    )
    for licence in ("LICENSE", "native/LICENSES.txt"):
        assert len([n for n in names if n.endswith(f".dist-info/licenses/{licence}")]) == 1


def test_the_wheel_is_for_every_python_from_3_11(wheel: Path) -> None:
    """One build serves later Pythons: the extension keeps to the stable interface."""
    assert "-cp311-abi3-" in wheel.name


def test_the_installed_package_reads_its_own_specification(installed: Path, tmp_path: Path) -> None:
    """Away from the checkout the copy in the package is found, with the checkout's digest."""
    program = (
        "import json, biobench\n"
        "from biobench.spec.load import load_spec\n"
        "from biobench.spec.location import spec_root\n"
        "print(json.dumps([biobench.__file__, str(spec_root()), load_spec().digest]))\n"
    )
    module, root, digest = json.loads(python(installed, tmp_path, "-c", program))
    assert Path(module) == installed / "biobench" / "__init__.py"
    assert Path(root) == installed / "biobench" / "_spec"
    assert digest == load_spec().digest


def test_the_installed_package_exports_the_same_bundle(installed: Path, tmp_path: Path) -> None:
    """Checkout, wheel and export have one digest, and the export is all that a port needs."""
    script = str(installed / "bin" / "biobench")
    python(installed, tmp_path, script, "spec", "export", "--out", "bundle.json")
    data = (tmp_path / "bundle.json").read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == load_spec().digest
    assert canonical_json(json.loads(data)) == data
    assert (installed / "biobench/_spec/PORTING.md").is_file()
    assert "PORTING" not in " ".join(json.loads(data))


def test_the_installed_package_conforms(installed: Path, tmp_path: Path) -> None:
    """The wheel's vectors, answered by the wheel's code, for two quick sections."""
    script = str(installed / "bin" / "biobench")
    sections = ["--section", "generator", "--section", "resize"]
    table = python(installed, tmp_path, script, "conformance", "run", *sections)
    assert "generator" in table
    assert "resize" in table


def test_the_installed_package_decodes_an_image(installed: Path, tmp_path: Path) -> None:
    """The extension in the wheel loads and does its work."""
    program = (
        "import sys\nfrom pathlib import Path\nimport biobench, biobench._native as native\n"
        "demo = Path(biobench.__file__).parent / '_demo'\n"
        "image = next(p for p in sorted(demo.rglob('*')) if p.suffix in {'.jpg', '.png'})\n"
        "print(native.__file__)\n"
        "print(biobench.native.load_batch([image]).shape)\n"
    )
    extension, shape = python(installed, tmp_path, "-c", program).splitlines()
    assert Path(extension).parent == installed / "biobench"
    assert shape == "(1, 224, 224, 3)"


def test_the_command_is_installed(installed: Path, tmp_path: Path, repository: Path) -> None:
    """`biobench --version` says the version of the one place that has it, Cargo.toml."""
    script = installed / "bin" / "biobench"
    assert script.is_file()
    cargo = tomllib.loads((repository / "Cargo.toml").read_text())
    version = cargo["workspace"]["package"]["version"]
    assert python(installed, tmp_path, str(script), "--version") == f"biobench {version}\n"
