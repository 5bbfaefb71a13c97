"""The images for aarch64 on an emulated processor: the bits of every other machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from checkpoints import transformers_folder
from containers import IMAGE, Done, built_image, call, container, readable

from biobench.cli import execute
from biobench.selftest.parts import PARTS
from biobench.selftest.run import EQUAL, LEFT_OUT

pytestmark = [pytest.mark.slow, pytest.mark.container, pytest.mark.timeout(1800)]

TASK = "demo-beluga"
EMULATOR = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")


def emulated(image: str, *arguments: str, options: tuple[str, ...] = ()) -> Done:
    """One locked-down container of the image on the emulated processor."""
    return container(image, *arguments, options=("--platform=linux/arm64", *options))


def for_aarch64(name: str, target: str) -> str:
    """The image's name; skipped where it was not built or its programs do not run."""
    built_image(name, f"{target} IMAGE_OPTIONS='--arch aarch64'")
    if not EMULATOR.exists():
        pytest.skip("no emulator; tools/emulate-aarch64 gives the kernel one")
    return name


@pytest.fixture(scope="module")
def slim() -> str:
    """The image without torch."""
    return for_aarch64(f"{IMAGE}-aarch64-slim", "image-slim")


@pytest.fixture(scope="module")
def full() -> str:
    """The image with torch."""
    return for_aarch64(f"{IMAGE}-aarch64", "image")


def found(done: Done) -> dict[str, Any]:
    """The JSON document that a command printed."""
    assert done.code == 0, done.errors + done.output
    document: dict[str, Any] = json.loads(done.output)
    return document


def outcomes(image: str) -> dict[str, str]:
    """Findings of the self test in each part, on this image's processor."""
    report = found(emulated(image, "selftest", "--json"))
    assert report["machine"]["architecture"] == "aarch64"
    return {f"{part['stage']}/{part['part']}": part["outcome"] for part in report["parts"]}


def test_the_self_test_finds_the_recorded_bits(slim: str) -> None:
    """Pixels, probes and scores; what needs torch is left out, and no more."""
    expected = {part.id: LEFT_OUT if "torch" in part.needs else EQUAL for part in PARTS}
    assert outcomes(slim) == expected
    assert list(expected.values()).count(EQUAL) > 10


def test_a_program_scores_a_task_with_the_digests_of_this_machine(
    slim: str, tmp_path: Path
) -> None:
    """Without torch, from pixels to the score, by the exact engine; the model is small, since the
    emulated processor takes minutes for one of true size."""
    checkpoint = transformers_folder(tmp_path / "siglip2", "siglip2")
    folder = tmp_path / "program"
    assert execute(["models", "export", f"hf:{checkpoint}", "--out", str(folder)]) == 0
    readable(folder)
    arguments = ("--task", TASK, "--json")
    options = (f"--volume={folder}:/models/small:ro",)
    there = found(emulated(slim, "--model", "program:/models/small", *arguments, options=options))
    own = [
        sys.executable,
        "-m",
        "biobench",
        "--model",
        f"program:{folder}",
        "--out",
        str(tmp_path / "out"),
    ]
    here = found(call(*own, *arguments))
    assert there["environment"]["image"] == slim
    assert there["levels"] == here["levels"]
    for fact in ("digests", "score"):
        assert there["tasks"][TASK][fact] == here["tasks"][TASK][fact], fact


def test_the_image_says_what_it_is(slim: str) -> None:
    """Its processor, for engines that choose by it, and its name, which a message repeats."""
    (described,) = json.loads(call("docker", "image", "inspect", slim).output)
    assert (described["Os"], described["Architecture"]) == ("linux", "arm64")
    done = emulated(slim, "--model", "demo")
    assert done.code == 5
    assert f"the image {slim} has no torch; use {slim.removesuffix('-slim')}," in done.errors


def test_the_full_image_embeds_with_the_recorded_bits(full: str) -> None:
    """torch builds the models there, and the exact engine runs them: nothing is left out."""
    assert set(outcomes(full).values()) == {EQUAL}
