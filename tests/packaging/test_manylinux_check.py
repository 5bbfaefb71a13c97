"""The check of a release's wheels: a library that its tag does not allow is refused."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

import make_wheels
from imagebuild.programs import BuildError

pytestmark = pytest.mark.slow

SOURCE = """
#include <math.h>
#include <stdlib.h>
double twice(double x) { return fmod(x, 3) * atoi("2"); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared library of this machine that needs libm and libc."""
    compiler = shutil.which("cc")
    if compiler is None or shutil.which("readelf") is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("library")
    (folder / "twice.c").write_text(SOURCE)
    found = folder / "twice.so"
    command = [compiler, "-shared", "-fPIC", "-O0", "-o", str(found), str(folder / "twice.c")]
    subprocess.run([*command, "-lm"], check=True)
    return found


def test_a_symbol_above_the_tag_is_refused(library: Path) -> None:
    """The wheel would install on an old system and fail when it is imported."""
    machine = next(
        name for name in make_wheels.ARCHITECTURES if not make_wheels.faults(library, name, (9, 0))
    )
    assert make_wheels.faults(library, machine, (2, 1)) != []
    assert make_wheels.faults(library, machine, (2, 1))[0].startswith("it needs glibc 2.")


@pytest.mark.parametrize(
    ("version", "fault"),
    [
        ("GLIBC_2.28", None),
        ("GLIBC_2.2.5", None),
        ("GLIBC_2.28.1", "it needs glibc 2.28.1"),
        ("GLIBC_2.99", "it needs glibc 2.99"),
        ("GLIBC_ABI_DT_RELR", "it needs GLIBC_ABI_DT_RELR"),
        ("GLIBC_PRIVATE", "it needs GLIBC_PRIVATE"),
    ],
)
def test_every_version_of_glibc_is_looked_at(
    tmp_path: Path, version: str, fault: str | None
) -> None:
    """Names without a number are of newer systems, or of one alone: none of them is passed over."""
    compiler = shutil.which("cc")
    if compiler is None or shutil.which("readelf") is None:
        pytest.skip("no C compiler")
    (tmp_path / "map").write_text(f"{version} {{ global: odd; }};\n")
    (tmp_path / "libc.c").write_text("int odd(void) { return 1; }\n")
    (tmp_path / "user.c").write_text("int odd(void);\nint twice(void) { return 2 * odd(); }\n")
    command = [compiler, "-shared", "-fPIC", "-nostdlib"]
    libc = ["-Wl,-soname,libc.so.6", "-Wl,--version-script=map", "-o", "libc.so", "libc.c"]
    subprocess.run([*command, *libc], cwd=tmp_path, check=True)
    user = ["-o", "user.so", "user.c", "./libc.so"]
    subprocess.run([*command, *user], cwd=tmp_path, check=True)
    found = [make_wheels.faults(tmp_path / "user.so", name) for name in make_wheels.ARCHITECTURES]
    own = min(found, key=len)
    assert own == ([] if fault is None else [fault])


def test_the_language_of_the_system_changes_nothing(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """readelf translates its words, by which the check finds what it looks at."""
    found = [make_wheels.faults(library, name) for name in make_wheels.ARCHITECTURES]
    seen: list[str | None] = []
    run = subprocess.run

    def watched(*arguments: Any, **options: Any) -> Any:
        seen.append((options.get("env") or {}).get("LC_ALL"))
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert [make_wheels.faults(library, name) for name in make_wheels.ARCHITECTURES] == found
    assert seen == ["C", "C"]


def test_another_machine_and_another_library_are_refused(library: Path, tmp_path: Path) -> None:
    """A wheel with the extension of the other architecture, or of a library that no system has."""
    found = [make_wheels.faults(library, name, (9, 0)) for name in make_wheels.ARCHITECTURES]
    assert sorted(map(len, found)) == [0, 1]
    odd = tmp_path / "odd.so"
    compiler = shutil.which("cc")
    assert compiler is not None
    source = str(library.with_suffix(".c"))
    link = ["-shared", "-fPIC", "-Wl,-soname,libodd.so.1", "-o", str(odd), source, "-lm"]
    subprocess.run([compiler, *link], check=True)
    user = tmp_path / "user.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wl,--no-as-needed", "-o", str(user), str(odd)], check=True
    )
    faults = [make_wheels.faults(user, name, (9, 0)) for name in make_wheels.ARCHITECTURES]
    assert all("it needs libodd.so.1" in each for each in faults)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("biobench-1.0.0-cp311-abi3-linux_x86_64.whl", "has another tag"),
        ("biobench-1.0.0-cp311-abi3-manylinux_2_34_x86_64.whl", "has another tag"),
        ("biobench-1.0.0-cp311-abi3-manylinux_2_28_aarch64.whl", "has another tag"),
        ("biobench-1.0.0-cp311-abi3-manylinux_2_28_x86_64.whl", "alone was expected"),
    ],
)
def test_a_wheel_with_another_tag_or_content_is_refused(
    tmp_path: Path, name: str, message: str
) -> None:
    """An index would refuse the first; the others would be wrong there."""
    wheel = tmp_path / name
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("biobench/_native.abi3.so", b"")
        archive.writestr("biobench.libs/libother.so.1", b"")
    with pytest.raises(BuildError, match=message):
        make_wheels.check(wheel, "x86_64")


def test_an_unknown_architecture_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typo must not build for minutes what nobody asked for, nor end as if it were built."""
    monkeypatch.setattr("sys.argv", ["make_wheels.py", "aarch46"])
    with pytest.raises(SystemExit) as stop:
        make_wheels.main()
    assert stop.value.code == 2
    assert "no architecture 'aarch46'; use x86_64 or aarch64" in capsys.readouterr().err
