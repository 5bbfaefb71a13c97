"""The bytes of an image: what they depend on, and what they must not depend on."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebuild.archive import Image, assemble, read_layer, write_archive
from imagebuild.base import unpack
from imagebuild.compare import differences
from imagebuild.dockerfile import image_config, over
from imagebuild.engine import BuildError

pytestmark = pytest.mark.slow

LAYER = Path(__file__).resolve().parents[2] / "containers/inside/layer.py"
DATE = 1_793_491_200


def make_layer(root: Path, output: Path, script: str) -> subprocess.CompletedProcess[str]:
    """The layer that a shell script makes under ``root``, as in a container."""
    return subprocess.run(
        [sys.executable, str(LAYER), "--under", str(root), str(output), "--", "/bin/sh", "-euc",
         f"cd {root}\n{script}"],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(DATE)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def entries(path: Path, root: Path) -> dict[str, tarfile.TarInfo]:
    """The entries of a layer below ``root``."""
    above = str(root).lstrip("/") + "/"
    with tarfile.open(path) as archive:
        return {
            entry.name.removeprefix(above): entry
            for entry in archive
            if entry.name.startswith(above)
        }


def test_a_layer_holds_what_a_command_added_or_changed(tmp_path: Path) -> None:
    """New, changed and linked files with their folders; not what was there before."""
    root = tmp_path / "root"
    (root / "old").mkdir(parents=True)
    for name in ("same", "grows", "becomes-program"):
        (root / "old" / name).write_text("x")
    output = tmp_path / "layer.tar"
    done = make_layer(
        root, output,
        "mkdir -m 1777 new; echo y >> old/grows; chmod 755 old/becomes-program; echo z > new/b; "
        "ln -s ../old/same new/a",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = entries(output, root)
    assert list(found) == ["new", "new/a", "new/b", "old", "old/becomes-program", "old/grows"]
    assert (found["new"].isdir(), found["new"].mode) == (True, 0o1777)
    assert (found["new/a"].issym(), found["new/a"].linkname) == (True, "../old/same")
    assert found["old/becomes-program"].mode == 0o755
    with tarfile.open(output) as archive:
        names = archive.getnames()
        assert {entry.mtime for entry in archive.getmembers()} == {DATE}
    assert str(tmp_path).lstrip("/") in names, "a folder above must not get another mode"


def test_order_and_time_of_writing_do_not_matter(tmp_path: Path) -> None:
    """Two builds write files in another order and at another time: the same bytes."""
    root = tmp_path / "root"
    root.mkdir()
    outputs = []
    for number, names in enumerate(("b a c/d", "c/d a b")):
        time.sleep(0.01)
        outputs.append(tmp_path / f"{number}.tar")
        made = f"mkdir c; for name in {names}; do echo $name > $name; done"
        assert make_layer(root, outputs[-1], made).returncode == 0
        for path in sorted(root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize(
    ("script", "words"),
    [("rm old", "removed"), ("mkfifo pipe", "no file, folder or link"), ("exit 3", "ended with 3")],
)
def test_a_layer_that_is_not_whole_is_not_written(tmp_path: Path, script: str, words: str) -> None:
    """One line, and nothing that a later build would take for a layer."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_text("x")
    done = make_layer(root, tmp_path / "layer.tar", script)
    assert done.returncode == 1
    assert words in done.stderr.strip().splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def small_layer(path: Path, files: dict[str, bytes], date: int = DATE) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), date
            archive.addfile(entry, io.BytesIO(content))
    return path


CONFIG = {"Env": ["A=1"], "Labels": {"b": "c"}, "Volumes": {}, "User": "1:1"}
NAMES = ("biobench:1.0", "biobench:1.0.0")


def small_image(folder: Path, *files: dict[str, bytes]) -> Image:
    layers = [
        read_layer(small_layer(folder / f"{number}.tar", content), f"layer {number}")
        for number, content in enumerate(files)
    ]
    return assemble(layers, CONFIG, NAMES, DATE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=2000)), max_size=3))
def test_an_archive_holds_an_image_that_others_can_check(
    tmp_path: Path, files: list[dict[str, bytes]]
) -> None:
    """Every blob has the digest and the size by which it is named, in both of its indexes."""
    image = small_image(tmp_path, *files)
    stream = io.BytesIO()
    written = write_archive(image, stream, DATE)
    assert written == hashlib.sha256(stream.getvalue()).hexdigest()
    again = io.BytesIO()
    write_archive(image, again, DATE)
    assert again.getvalue() == stream.getvalue()

    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        blobs = {
            entry.name: archive.extractfile(entry).read()  # type: ignore[union-attr]
            for entry in archive
            if entry.isreg()
        }
    for name, content in blobs.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    (legacy,) = json.loads(blobs["manifest.json"])
    assert legacy["RepoTags"] == list(NAMES)
    config = json.loads(blobs[legacy["Config"]])
    assert config["rootfs"]["diff_ids"] == [
        "sha256:" + name.rpartition("/")[2] for name in legacy["Layers"]
    ]
    assert len([step for step in config["history"] if "empty_layer" not in step]) == len(files)
    for described in json.loads(blobs["index.json"])["manifests"]:
        manifest = json.loads(blobs[at(described)])
        assert len(blobs[at(described)]) == described["size"]
        assert at(manifest["config"]) == legacy["Config"]
        assert [at(layer) for layer in manifest["layers"]] == legacy["Layers"]
        assert all(len(blobs[at(layer)]) == layer["size"] for layer in manifest["layers"])


def at(descriptor: dict[str, Any]) -> str:
    """Where a descriptor's blob lies."""
    return "blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")


def test_compare_names_the_file_that_differs(tmp_path: Path) -> None:
    """A build that differs must say where: the file, and what of it."""
    paths = []
    for number, (content, user) in enumerate([(b"x", "1:1"), (b"y", "2:2")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        layers = [
            read_layer(small_layer(folder / "0", {"same": b"s"}), "0"),
            read_layer(small_layer(folder / "1", {"opt/a": content, f"only{number}": b""}), "1"),
        ]
        image = assemble(layers, CONFIG | {"User": user}, NAMES, DATE)
        paths.append(folder / "image.tar")
        with open(paths[-1], "wb") as stream:
            write_archive(image, stream, DATE)
    assert list(differences(*paths)) == [
        'settings /config/User: "1:1" and "2:2"',
        "layer 2: only0 is only in the first",
        "layer 2: only1 is only in the second",
        "layer 2: opt/a differs in content",
    ]
    assert list(differences(paths[0], paths[0])) == []


def test_compare_refuses_what_is_no_image(tmp_path: Path) -> None:
    """One line, not a traceback."""
    path = small_layer(tmp_path / "layer.tar", {"a": b""})
    with pytest.raises(ValueError, match="no archive of an image"):
        list(differences(path, path))


def saved_image(path: Path, *, packed: bool, other_digest: bool = False) -> Path:
    """What `docker save` writes: layers by folder and link (older engines), or compressed."""
    layer = small_layer(path.with_name("layer"), {"etc/a": b"x"}).read_bytes()
    digest = "0" * 64 if other_digest else hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {"rootfs": {"diff_ids": [f"sha256:{digest}"] * 2}, "config": {"Env": ["PATH=/bin", "X=y"]}}
    ).encode()
    names = ["one/layer.tar", "two/layer.tar"]
    manifest = json.dumps([{"Config": "config.json", "Layers": names}]).encode()
    with tarfile.open(path, "w") as archive:
        content = gzip.compress(layer) if packed else layer
        for name, blob in (
            ("config.json", config),
            ("manifest.json", manifest),
            (names[0], content),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(blob)
            archive.addfile(entry, io.BytesIO(blob))
        link = tarfile.TarInfo(names[1])
        link.type, link.linkname = tarfile.SYMTYPE, "../one/layer.tar"
        archive.addfile(link)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_pulled_base_keeps_its_layers(tmp_path: Path, packed: bool) -> None:
    """The layers of the base go into the image as they are, uncompressed, under their digests."""
    layers, config = unpack(saved_image(tmp_path / "saved.tar", packed=packed), tmp_path)
    assert [layer.path.read_bytes()[:5] for layer in layers] == [b"etc/a", b"etc/a"]
    mine = image_config('FROM x\nENV PATH=/opt/bin Z=1\nLABEL a="b c"', {})
    merged = over(config, mine)
    assert merged["Env"] == ["PATH=/opt/bin", "X=y", "Z=1"]
    assert merged["Labels"] == {"a": "b c"}


def test_a_base_with_other_layers_than_it_names_is_refused(tmp_path: Path) -> None:
    """A damaged or exchanged layer must not become part of an image."""
    saved = saved_image(tmp_path / "saved.tar", packed=False, other_digest=True)
    with pytest.raises(BuildError, match="not those that it names"):
        unpack(saved, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RUN true", "no FROM"),
        ("FROM x\nHEALTHCHECK NONE", "HEALTHCHECK is not known"),
        ("FROM x\nENV A b", "NAME=VALUE"),
        ("FROM x\nARG A\nENV B=$A", "A of the Dockerfile has no value"),
    ],
)
def test_what_the_dockerfile_reader_does_not_know_is_refused(text: str, words: str) -> None:
    """An instruction that is passed over would be missing from the image in silence."""
    with pytest.raises(ValueError, match=words):
        image_config(text.replace("\\\n", "\n"), {})


def test_only_the_last_stage_counts() -> None:
    """Settings of a stage that only builds are no settings of the image."""
    text = """FROM a AS one
ENV A=1
FROM b
ARG X=2
ENV B=${X} \\
    C=3
CMD ["x"]
"""
    config = image_config(text, {})
    assert config["Env"] == ["B=2", "C=3"]
    assert config["Cmd"] == ["x"]
