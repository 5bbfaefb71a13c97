"""`containers/build --torch-wheels DIR`: another build of torch, such as the one for CPUs alone."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from imagebuild.requirements import local_label
from imagebuild.torch_wheels import instead

HASH = "--hash=sha256:" + "0" * 64
LOCK = "".join(
    f"{line} {HASH}\n"
    for line in (
        "filelock==4.0", "nvidia-cublas==13.4", "cuda-toolkit==13.2", "numpy==2.4.6",
        "torch==2.15.0", "torchvision==0.29.2", "triton==3.9.0",
    )
)  # fmt: skip


def wheel(
    folder: Path,
    name: str,
    version: str,
    *needs: str,
    tag: str = "cp311-cp311-manylinux_2_28_x86_64",
) -> Path:
    """A wheel that holds its metadata alone."""
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {need}" for need in needs]
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
    return path


def test_a_cpu_build_takes_the_place_of_the_locked_one(tmp_path: Path) -> None:
    """Its version and hash are pinned, CUDA's packages go, everything else stays."""
    torch = wheel(
        tmp_path, "torch", "2.15.0+cpu", "filelock", "numpy ; extra == 'x'",
        "triton ; platform_system == 'Windows'",
    )  # fmt: skip
    wheel(tmp_path, "torchvision", "0.29.2+cpu", "numpy", "torch (==2.15.0)")
    lines = instead(LOCK, tmp_path)
    digest = hashlib.sha256(torch.read_bytes()).hexdigest()
    names = [line.split()[0] for line in lines.splitlines()]
    assert names == [
        "filelock==4.0",
        "numpy==2.4.6",
        "torch==2.15.0+cpu",
        "torchvision==0.29.2+cpu",
    ]
    assert f"torch==2.15.0+cpu --hash=sha256:{digest}\n" in lines
    assert local_label(lines, "torch") == "cpu"


def test_a_cuda_build_keeps_what_cuda_needs(tmp_path: Path) -> None:
    """CUDA's packages ask for one another, so all of them stay."""
    wheel(tmp_path, "torch", "2.15.0", "nvidia-cublas (==13.4) ; platform_system == 'Linux'")
    lines = instead(LOCK, tmp_path)
    assert [line.split()[0] for line in lines.splitlines()] == [
        line.split()[0] for line in LOCK.splitlines()
    ]
    assert local_label(lines, "torch") is None


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (None, "has no wheel of torch"),
        (("torch", "2.14.0+cpu"), r"the lock has torch 2\.15\.0; take that version"),
        (("torch", "2.15.0+cu126", "nvidia-cublas-cu12"), "nvidia-cublas-cu12, which the lock"),
        (("torchaudio", "2.15.0"), "the lock has no package torchaudio"),
    ],
)
def test_wheels_that_do_not_fit_are_refused(
    tmp_path: Path, made: tuple[str, ...] | None, words: str
) -> None:
    """Before minutes of installing, and never an image that cannot import torch."""
    if made is not None:
        wheel(tmp_path, *made)
        if made[0] != "torch":
            wheel(tmp_path, "torch", "2.15.0+cpu")
    with pytest.raises(ValueError, match=words):
        instead(LOCK, tmp_path)


@pytest.mark.parametrize(
    "tag",
    ["cp313-cp313-manylinux_2_28_x86_64", "cp311-cp311-macosx_11_0_arm64",
     "cp311-cp311-manylinux_2_28_aarch64", "cp311-none-win_amd64"],
)  # fmt: skip
def test_wheels_of_other_machines_are_refused(tmp_path: Path, tag: str) -> None:
    """pip would say that no version is found, which helps nobody."""
    wheel(tmp_path, "torch", "2.15.0+cpu", tag=tag)
    with pytest.raises(ValueError, match=r"not for CPython 3\.11 on x86-64 Linux"):
        instead(LOCK, tmp_path)


def test_what_is_no_wheel_is_named(tmp_path: Path) -> None:
    """A download that broke off."""
    (tmp_path / "torch-2.15.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").write_bytes(b"x")
    with pytest.raises(ValueError, match="is no wheel"):
        instead(LOCK, tmp_path)
