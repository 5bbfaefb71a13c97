"""The record of a result's software, and when two results have the same."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from biobench.repro import software
from biobench.repro.environment import describe
from biobench.repro.software import (
    PACKAGE,
    build_digests,
    code_digest,
    differing_software,
    libc,
    package_versions,
)
from biobench.repro.torch_state import read_state
from biobench.spec.load import load_spec


def test_a_byte_of_the_code_is_another_digest(tmp_path: Path) -> None:
    """Modules and the native library count; caches and the copy of the specification do not."""
    (tmp_path / "sub").mkdir()
    for name in ("a.py", "sub/b.py", "_native.abi3.so"):
        (tmp_path / name).write_text(name)
    shutil.copytree(tmp_path, tmp_path.with_name("copy"))
    copied = tmp_path.with_name("copy")
    assert code_digest(copied) == code_digest(tmp_path)
    for name in ("__pycache__/a.py", "_spec/v1/c.py", "page.html"):
        place = tmp_path.with_name("copy") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
    code_digest.cache_clear()
    assert code_digest(copied) == code_digest(tmp_path)
    (copied / "sub/b.py").write_text("other")
    code_digest.cache_clear()
    assert code_digest(copied) != code_digest(tmp_path)


def test_the_code_of_this_package() -> None:
    """The digest follows from files that anybody can hash."""
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".so")]
    rows = sorted(
        [path.relative_to(PACKAGE).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
        for path in files
        if "_spec" not in path.parts and "__pycache__" not in path.parts
    )
    text = json.dumps(rows, separators=(",", ":"))
    assert code_digest() == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_an_installer_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same wheel, installed by pip and by uv, to another place, is the same build; another
    library inside is another one."""
    wheel = [
        "numpy/core.so,sha256=abc,12",
        "numpy-1.dist-info/METADATA,sha256=def,5",
        "numpy.libs/libopenblas.so,sha256=ghi,7",
    ]
    pip = [
        "../../../bin/f2py,sha256=xyz,228",
        "numpy-1.dist-info/INSTALLER,sha256=zuu,4",
        "numpy-1.dist-info/RECORD,,",
        "numpy/__pycache__/core.pyc,,",
        *wheel,
    ]
    uv = ["numpy-1.dist-info/uv_cache.json,sha256=a,1", *reversed(wheel)]
    other = [line.replace("ghi", "jkl") for line in wheel]

    class Installed:
        def __init__(self, lines: list[str]) -> None:
            self._text = "\n".join(lines)

        def read_text(self, name: str) -> str:
            assert name == "RECORD"
            return self._text

    found = []
    for lines in (wheel, pip, uv, other):
        monkeypatch.setattr(software, "distribution", lambda name, lines=lines: Installed(lines))
        build_digests.cache_clear()
        found.append(build_digests(("numpy",))["numpy"])
    build_digests.cache_clear()
    assert found[0] == found[1] == found[2] != found[3]


def test_a_record_fits_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is known here, and nothing that a stray variable says."""
    import jsonschema

    monkeypatch.setenv("BIOBENCH_BASE", "no digest")
    monkeypatch.setenv("BIOBENCH_LAYERS", "sha256:" + "4" * 64)
    found = describe("cpu", 1, read_state())
    schema = load_spec().schema("results")["properties"]["environment"]
    jsonschema.validate(found, schema)
    assert (found["base"], found["layers"]) == (None, "sha256:" + "4" * 64)
    assert set(found["builds"]) <= set(found["packages"])
    assert {"torch", "numpy"} <= set(found["builds"])
    # No path of this machine.
    assert sysconfig.get_paths()["purelib"] not in json.dumps(found)


def test_glibc_says_its_version() -> None:
    """Its functions are called by torch and NumPy: two of the self test differ between 2.36 and
    2.41."""
    name = libc()
    if name is None:
        pytest.skip("the C library does not say its version")
    assert name.startswith("glibc 2.")


def document(resolved: str) -> dict[str, Any]:
    return {
        "biobench": "1.0.0",
        "model": {"resolved": resolved, "program": None},
        "environment": {
            "code": "sha256:" + "1" * 64,
            "libc": "glibc 2.36",
            "python": "3.11.7",
            "gpu": None,
            "packages": package_versions(),
            "builds": dict(build_digests()),
        },
    }


@pytest.mark.parametrize(
    ("group", "name", "value", "said"),
    [
        ("libc", None, "glibc 2.41", {"C library": ("glibc 2.36", "glibc 2.41")}),
        ("python", None, "3.12.1", {"Python": ("3.11.7", "3.12.1")}),
        ("packages", "torch", "2.6.0", {"torch": (package_versions()["torch"], "2.6.0")}),
        ("builds", "numpy", "sha256:" + "2" * 64, {"numpy": None}),
        ("code", None, "sha256:" + "2" * 64, {"biobench": None}),
        ("packages", "pyarrow", "1.0", {}),
        ("packages", "open_clip_torch", "0.1", {}),
    ],
)
def test_in_what_two_results_differ(group: str, name: str | None, value: str, said: Any) -> None:
    """One version, one wheel, the code, the C library; not what the model's loader never uses, and
    not what only writes files."""
    ours = document("timm:resnet18")
    theirs = copy.deepcopy(ours)
    assert differing_software(ours, theirs) == {}
    if name is None:
        theirs["environment"][group] = value
    else:
        theirs["environment"][group][name] = value
    found = differing_software(ours, theirs)
    assert found.keys() == said.keys()
    for key, pair in said.items():
        if pair is not None:
            assert found[key] == pair
        else:
            assert value in found[key][1]


def test_a_model_of_ones_own_may_use_anything() -> None:
    """Nothing is left out where nobody knows what its code calls."""
    ours, theirs = document("py:mine:Model"), document("py:mine:Model")
    theirs["environment"]["packages"] = theirs["environment"]["packages"] | {
        "open_clip_torch": "0.1"
    }
    assert "open_clip_torch" in differing_software(ours, theirs)


def test_what_nobody_knows_is_not_known_to_be_equal() -> None:
    """Two results without a C library's version may have been made with two."""
    ours = document("timm:resnet18")
    ours["environment"]["libc"] = None
    assert list(differing_software(ours, copy.deepcopy(ours))) == ["C library"]


def test_a_build_that_nobody_knows_is_no_equal_one() -> None:
    """Packages of conda and of a Linux distribution have no list of their files."""
    known = document("timm:resnet18")
    ours = copy.deepcopy(known)
    ours["environment"]["builds"] = {}
    versions = package_versions()
    used = {*software.MOVE_FEATURES} - {"open_clip_torch", "transformers"}
    for theirs in (ours, known):
        found = differing_software(ours, copy.deepcopy(theirs))
        assert found.keys() == used & versions.keys()
        assert found["numpy"][0] == f"{versions['numpy']} (unknown build)"
    one = copy.deepcopy(known)
    del one["environment"]["builds"]["scipy"]
    assert list(differing_software(one, copy.deepcopy(one))) == ["scipy"]


@pytest.mark.parametrize(
    ("resolved", "program", "unknown"),
    [
        ("timm:resnet18", None, {"numpy", "torch", "timm"}),
        ("hf:a/b", None, {"numpy", "torch", "transformers"}),
        ("py:mine:Model", None, {"numpy", "torch"}),
        ("program:folder", "sha256:" + "1" * 64, {"numpy"}),
    ],
)
def test_a_package_that_must_have_been_used(
    resolved: str, program: str | None, unknown: set[str]
) -> None:
    """A record without it does not say that there was none."""
    ours = document(resolved)
    ours["model"]["program"] = program
    ours["environment"] |= {"packages": {}, "builds": {}}
    assert differing_software(ours, copy.deepcopy(ours)).keys() == unknown


NVIDIA = {"nvidia-cublas": "13.4.1", "nvidia-cudnn-cu13": "9.26.0", software.DRIVER: "580.95.05"}


def on_gpu() -> dict[str, Any]:
    made = document("timm:resnet18")
    made["environment"]["gpu"] = "NVIDIA H100"
    made["environment"]["packages"] |= NVIDIA
    made["environment"]["builds"] |= {
        name: "sha256:" + "3" * 64 for name in NVIDIA if name != software.DRIVER
    }
    return made


@pytest.mark.parametrize("name", NVIDIA)
def test_a_gpu_has_libraries_and_a_driver(name: str) -> None:
    """Another version, another build and an unknown one are not equal; on a CPU nobody asks."""
    ours = on_gpu()
    assert differing_software(ours, copy.deepcopy(ours)) == {}
    changed = [copy.deepcopy(ours) for _ in range(3)]
    changed[0]["environment"]["packages"][name] = "1.2"
    assert differing_software(ours, changed[0]) == {name: (NVIDIA[name], "1.2")}
    del changed[1]["environment"]["packages"][name]
    for theirs in (ours, changed[1]):
        assert differing_software(changed[1], copy.deepcopy(theirs))
    if name != software.DRIVER:
        del changed[2]["environment"]["builds"][name]
        assert list(differing_software(changed[2], copy.deepcopy(changed[2]))) == [name]
    changed[1]["environment"]["gpu"] = None
    assert differing_software(changed[1], copy.deepcopy(changed[1])) == {}


def test_the_driver_as_the_kernel_module_reports_it(tmp_path: Path) -> None:
    """Both files that the module has; none where there is no module."""
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    assert software.driver(proc, sys) is None
    proc.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
        "GCC version:  gcc version 12.3.0 (Ubuntu)\n"
    )
    assert software.driver(proc, sys) == "580.95.05"
    sys.write_text("570.133\n")
    assert software.driver(proc, sys) == "570.133"


def test_with_cuda_they_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wheel of NVIDIA that is installed, by version and files, and the driver."""
    monkeypatch.setattr(software, "driver", lambda: "580.95.05")
    versions, builds = software.record("cuda", software.PACKAGES)
    plain = software.record("cpu", software.PACKAGES)
    assert versions == plain[0] | package_versions(software.nvidia_packages()) | {
        software.DRIVER: "580.95.05"
    }
    assert builds.keys() == plain[1].keys() | {*software.nvidia_packages()}
