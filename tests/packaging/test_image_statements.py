"""The bill of materials and the provenance of an image: complete, valid, and the same each time."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from imagebuild import statements
from imagebuild.__main__ import DATE, read_locks
from imagebuild.crates import EXTENSION, crates
from imagebuild.wheels import file_digest

OPTIONAL = {"zlib-rs"}
"""Crates that the lock names for a feature that nothing turns on."""
IMAGE = "sha256:" + "ab" * 32
BASE = ("debian:bookworm, by mmdebstrap", "sha256:" + "cd" * 32)
DEBIAN = (
    (Path(__file__).resolve().parents[2] / "containers/base-packages.txt").read_text().splitlines()
)


def bill(slim: bool = True, debian: Sequence[str] = DEBIAN) -> dict[str, Any]:
    lines = read_locks(slim=slim, own=None).all
    return statements.bill_of_materials(
        "biobench:1.0-slim", "1.0.0", IMAGE, BASE, lines, debian, DATE
    )


@pytest.mark.parametrize("debian", [DEBIAN, []])
@pytest.mark.parametrize("slim", [True, False])
def test_the_bill_is_valid_cyclonedx(slim: bool, debian: Sequence[str]) -> None:
    """Scanners read it by the schema, unknown keys refused."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill(slim, debian)))
    assert found is None


def test_a_bill_without_the_packages_of_its_base_says_so() -> None:
    """A base from outside has packages that nobody listed; no scanner may take them for absent."""
    assert "compositions" not in bill()
    (composition,) = bill(debian=[])["compositions"]
    assert composition["aggregate"] == "incomplete"
    assert composition["assemblies"] == ["biobench:1.0-slim"]


def test_crates_of_tests_alone_are_marked() -> None:
    """A fault in the library that times our kernels is none of the image's."""
    scopes = {
        component["name"]: component.get("scope")
        for component in bill()["components"]
        if component["bom-ref"].startswith("pkg:cargo/")
    }
    assert [scopes[name] for name in ("criterion", "arbitrary")] == ["excluded"] * 2
    for name in ("pyo3", "turbojpeg-sys", "cc", "libc", "flate2", "serde_json", "syn"):
        assert scopes[name] is None


@pytest.mark.slow
def test_marks_of_crates_are_those_of_cargo(repository: Path) -> None:
    """Of every platform: nothing that cargo builds the extension with is marked, all else is."""
    command = ["cargo", "tree", "--locked", "--offline", "--package", EXTENSION, "--target", "all"]
    form = ["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]
    done = subprocess.run(
        [*command, *form], cwd=repository, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"crates of other platforms are not there: {done.stderr.strip()[-200:]}")
    built = {tuple(line.split()[:2]) for line in done.stdout.splitlines() if line}
    known = crates(repository)
    assert [c for c in known if c.only_tests and (c.name, f"v{c.version}") in built] == []
    others = [c for c in known if not c.only_tests and (c.name, f"v{c.version}") not in built]
    assert {crate.name for crate in others} <= OPTIONAL


def test_a_crate_of_two_versions_is_marked_by_version(tmp_path: Path) -> None:
    """A lock names the version where it has two; and a dependency may have another name here."""
    (tmp_path / "Cargo.toml").write_text('[workspace]\nmembers = ["a"]\n')
    (tmp_path / "a").mkdir()
    (tmp_path / "a/Cargo.toml").write_text(
        f'[package]\nname = "{EXTENSION}"\n[dev-dependencies]\nproof = "1"\n'
        '[target.\'cfg(unix)\'.dependencies]\nalias = { package = "real", version = "1" }\n'
    )
    entries = [
        (EXTENSION, "1.0.0", ["proof", "real"]), ("proof", "1.0.0", ["twice 2.0.0"]),
        ("real", "1.0.0", ["twice 1.0.0"]), ("twice", "1.0.0", []), ("twice", "2.0.0", []),
    ]  # fmt: skip
    text = ""
    for name, version, needs in entries:
        text += f'[[package]]\nname = "{name}"\nversion = "{version}"\ndependencies = {needs}\n'
        text += "" if name == EXTENSION else f'checksum = "{"0" * 64}"\n'
    (tmp_path / "Cargo.lock").write_text(text)
    found = [(crate.name, crate.version) for crate in crates(tmp_path) if crate.only_tests]
    assert found == [("proof", "1.0.0"), ("twice", "2.0.0")]


def test_the_bill_lists_what_is_inside(repository: Path) -> None:
    """Every line of the locks, every package of Debian, every crate, each with its digest."""
    components = {component["bom-ref"]: component for component in bill()["components"]}
    lines = read_locks(slim=True, own=None).all
    locked = len(re.findall(r"^checksum = ", (repository / "Cargo.lock").read_text(), re.M))
    assert components["base@" + BASE[1]]["hashes"] == [{"alg": "SHA-256", "content": "cd" * 32}]
    kinds = ("pkg:pypi/", "pkg:deb/", "pkg:cargo/")
    assert [sum(purl.startswith(kind) for purl in components) for kind in kinds] == [
        len(lines), len(DEBIAN), locked,
    ]  # fmt: skip
    (numpy,) = (line for line in lines if line.startswith("numpy=="))
    version = numpy.split()[0].removeprefix("numpy==")
    stated = {entry["content"] for entry in components[f"pkg:pypi/numpy@{version}"]["hashes"]}
    assert stated == set(re.findall(r"sha256:([0-9a-f]{64})", numpy))
    assert [name for name in components if name.startswith("pkg:pypi/torch@")] == []
    full = {component["name"] for component in bill(slim=False)["components"]}
    assert "torch" in full


def test_packages_of_debian_name_the_processor() -> None:
    """A package has other bytes for another one, and a scanner looks it up by that."""
    lines = read_locks(slim=True, own=None).all
    for architecture in ("amd64", "arm64"):
        found = statements.bill_of_materials(
            "biobench:1.0-slim", "1.0.0", IMAGE, BASE, lines, DEBIAN, DATE, architecture
        )
        purls = [c["bom-ref"] for c in found["components"] if c["bom-ref"].startswith("pkg:deb/")]
        assert len(purls) == len(DEBIAN)
        assert all(f"?arch={architecture}&" in purl for purl in purls)


def test_the_bill_changes_with_its_content_alone() -> None:
    """Two builds of one image have one document; another image has another number."""
    assert bill() == bill()
    assert bill()["serialNumber"] != bill(slim=False)["serialNumber"]


def stated(tmp_path: Path) -> dict[str, Any]:
    wheel = tmp_path / "biobench-1.0.0-cp311-abi3-manylinux_2_28_x86_64.whl"
    wheel.write_bytes(b"a wheel")
    lock = statements.ROOT / "requirements/image-slim.txt"
    parameters = {"mode": "offline", "slim": True, "variant": ""}
    return statements.provenance("biobench:1.0-slim", IMAGE, parameters, BASE, wheel, [lock])


def test_the_provenance_is_a_statement_of_in_toto(tmp_path: Path) -> None:
    """The library of that format reads it, and it names the image by its id."""
    found = stated(tmp_path)
    parsed = json_format.Parse(json.dumps(found), statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert found["subject"] == [{"name": "biobench:1.0-slim", "digest": {"sha256": "ab" * 32}}]


def test_the_provenance_names_what_was_built_from(tmp_path: Path, repository: Path) -> None:
    """Base, wheel, locks and commit by digest, and no path of this machine."""
    found = stated(tmp_path)
    materials = {
        entry["name"]: entry["digest"]
        for entry in found["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    lock = "requirements/image-slim.txt"
    assert materials[lock] == {"sha256": file_digest(repository / lock)}
    assert set(materials) >= {"debian:bookworm, by mmdebstrap", lock, "Cargo.lock"}
    text = json.dumps(found)
    assert str(tmp_path) not in text
    assert str(repository) not in text


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit in the place of this one."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "file").write_text("a")
    (folder / ".gitignore").write_text("target/\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for command in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "a"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    monkeypatch.setattr(statements, "ROOT", folder)
    return folder


@pytest.mark.slow
def test_the_source_is_the_commit_and_nothing_else(checkout: Path) -> None:
    """A changed file or one that git does not know is in the build and not in the commit; what
    git ignores is in neither."""
    commit, clean = statements.source()
    assert re.fullmatch("[0-9a-f]{40,64}", commit or "")
    assert clean
    (checkout / "target").mkdir()
    (checkout / "target" / "built").write_text("a")
    assert statements.source() == (commit, True)
    (checkout / "more.py").write_text("a")
    assert statements.source() == (commit, False)
    (checkout / "more.py").unlink()
    (checkout / "file").write_text("b")
    assert statements.source() == (commit, False)


@pytest.mark.slow
def test_a_repository_around_the_source_is_not_its_own(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that is unpacked inside another project has no commit, however clean that is."""
    (checkout / "target" / "biobench").mkdir(parents=True)
    monkeypatch.setattr(statements, "ROOT", checkout / "target" / "biobench")
    assert statements.source() == (None, False)
    monkeypatch.setattr(statements, "ROOT", checkout.parent)
    assert statements.source() == (None, False)


def test_documents_are_written_whole(tmp_path: Path) -> None:
    """A name without its content would be taken for the document."""
    path = tmp_path / "sbom.json"
    statements.write(path, bill())
    assert json.loads(path.read_text()) == bill()
    assert [entry.name for entry in tmp_path.iterdir()] == ["sbom.json"]
