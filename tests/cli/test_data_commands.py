"""`biobench data` as a user meets it: real processes, a real server, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_command_line import assert_one_line, biobench

from biobench.data.locate import EMBEDDED

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "data"))

from archives import tar_of
from hostile import Server, serving
from videos import drawn, film

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def beluga() -> bytes:
    """The drawn whales, packed as the real ones are."""
    root = EMBEDDED / "demo-beluga"
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return tar_of(*((path.relative_to(root).as_posix(), path.read_bytes()) for path in files))


def test_from_a_host_to_a_task(server: Server, tmp_path: Path) -> None:
    """Fetch, interrupted and gone on with; list, unpack, verify; each says what comes next."""
    content = beluga()
    seen = server.add("/beluga.coco.tar.gz", content, "slow:0.3", "sound")
    data = ["--data", str(tmp_path)]
    command = [sys.executable, "-m", "biobench", "data", "fetch", "beluga", "--url"]
    process = subprocess.Popen(
        [*command, server.url("/"), *data], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    part = tmp_path / "archives/beluga/beluga.coco.tar.gz.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "the same command goes on from here" in errors
    kept = part.stat().st_size
    assert 0 < kept < len(content)
    assert "partly" in biobench("data", "list", *data).stdout.splitlines()[1]

    done = biobench("data", "fetch", "beluga", "--url", server.url("/"), *data)
    assert done.returncode == 0, done.stderr
    assert "next: biobench data unpack beluga" in done.stdout
    assert seen.requests[1]["range"] == f"bytes={kept}-"
    assert "fetched, not yet unpacked" in biobench("data", "list", *data).stdout

    done = biobench("data", "unpack", "beluga", *data)
    assert done.returncode == 0, done.stderr
    assert "next: biobench data verify beluga" in done.stdout
    assert "is there already" in biobench("data", "fetch", "beluga", *data).stdout
    done = biobench("data", "verify", "beluga", *data, "--json")
    assert_one_line(done, 3, "142 train images found, 5902 expected")
    report = json.loads(done.stdout)
    assert report["files"]["count"] == 143
    assert set(report["not_checked"]["datasets/beluga.yaml"]) == {
        *("files/count", "files/bytes", "files/digest", "sources/0/bytes", "sources/0/sha256"),
    }
    done = biobench("data", "verify", "beluga", *data)
    assert "datasets/beluga.yaml has null; found here:" in done.stdout
    assert "files: {count: 143, bytes: " in done.stdout
    done = biobench("run", "--model", "demo", "--task", "beluga", *data, "--dry-run")
    assert "142 images" in done.stdout


def test_embedded_data() -> None:
    """They come with the package and are as their documents say."""
    for command in ("fetch", "unpack"):
        done = biobench("data", command, "demo-beluga")
        assert done.returncode == 0
        assert "comes with the package" in done.stdout
    done = biobench("data", "verify", "demo-beluga")
    assert done.returncode == 0
    assert "all of it is as in the documents" in done.stdout


def test_list_for_programs() -> None:
    """JSON, and cells parted by tabs in a pipe."""
    listed = json.loads(biobench("data", "list", "--json").stdout)
    gone = next(item for item in listed if item["id"] == "iwildcam")
    assert gone["status"] == "gone"
    assert gone["bytes"] == 11957420032
    rows = [line.split("\t") for line in biobench("data", "list").stdout.splitlines()]
    assert {len(row) for row in rows} == {6}
    assert len(rows) == len(listed) + 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fetch", "beluga"], 2, ["--data", "BIOBENCH_DATA"]),
        (["unpack", "beluga"], 2, ["--data"]),
        (["verify", "beluga"], 2, ["--data"]),
        (["fetch", "belugas", "--data", "DIR"], 2, ["did you mean", "beluga"]),
        (["fetch", "beluga", "--data", "DIR", "--url", "nonsense"], 2, ["nonsense"]),
        (["fetch", "iwildcam", "--data", "DIR"], 3, ["gone", "p-lambda/wilds", "--from"]),
        (["fetch", "imagenet1k", "--data", "DIR"], 3, ["terms", "ILSVRC/imagenet-1k"]),
        (["fetch", "beluga", "--data", "DIR", "--from", "DIR/no"], 3, ["DIR/no"]),
        (["unpack", "beluga", "--data", "DIR"], 3, ["beluga.coco.tar.gz", "data fetch beluga"]),
        (["unpack", "imagenet1k", "--data", "DIR"], 3, ["terms"]),
        (["verify", "beluga", "--data", "DIR"], 3, ["not there", "data fetch beluga"]),
        (["verify", "beluga", "--data", "DIR/no"], 3, ["DIR/no"]),
        (["verify", "demo-beluga", "--against", "DIR/no"], 3, ["DIR/no"]),
        (["verify", "demo-beluga", "--workers", "0"], 2, ["--workers"]),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: list[str], code: int, words: list[str]) -> None:
    """One line with what and what to do."""
    arguments = [argument.replace("DIR", str(tmp_path)) for argument in arguments]
    words = [word.replace("DIR", str(tmp_path)) for word in words]
    assert_one_line(biobench("data", *arguments), code, *words)
    assert [path.name for path in tmp_path.iterdir()] in ([], ["archives"])


def film_archives(tmp_path: Path, names: list[str]) -> Path:
    """MammalNet's two archives, with small videos, where a person may have put them."""
    folder = tmp_path / "brought"
    folder.mkdir()
    films = []
    for i, name in enumerate(names):
        path = film(tmp_path / "made.mp4", drawn(40 + i))
        films.append((f"trimmed_videos/{name}.mp4", path.read_bytes()))
    (folder / "trimmed_videos.tar.gz").write_bytes(tar_of(*films))
    rows = [f"trimmed_videos/{name}.mp4 {i % 12} 7\n" for i, name in enumerate(names)]
    tables = {"train": rows[:-2], "test": rows[-2:], "val": []}
    composition = "annotation/composition"
    (folder / "annotation.tar").write_bytes(
        tar_of(
            *(
                (f"{composition}/{split}.csv", "".join(own).encode())
                for split, own in tables.items()
            ),
            compress=False,
        )
    )
    return folder


def test_from_archives_of_videos_to_frames(tmp_path: Path) -> None:
    """Fetch by hand, unpack, cut, verify; list says what is next, and a second cut does nothing."""
    names = ["bear", "fox_1", "fox_2", "lynx.a", "wolf", *(f"elk_{i}" for i in range(9))]
    brought = film_archives(tmp_path, names)
    data = ["--data", str(tmp_path / "data")]
    (tmp_path / "data").mkdir()

    def listed() -> str:
        lines = biobench("data", "list", *data).stdout.splitlines()
        return next(line for line in lines if line.startswith("mammalnet\t"))

    def done(*words: str) -> str:
        found = biobench("data", *words, *data)
        assert found.returncode == 0, found.stderr
        return found.stdout

    assert_one_line(biobench("data", "frames", "mammalnet", *data), 3, "the data set is not there")
    assert "next: biobench data unpack" in done("fetch", "mammalnet", "--from", str(brought))
    assert "next: biobench data frames mammalnet" in done("unpack", "mammalnet")
    assert "frames (not cut yet; `biobench data frames mammalnet`)" in listed()
    early = biobench("run", "--model", "demo", "--task", "mammalnet", *data, "--dry-run")
    assert_one_line(early, 3, "its videos are not cut into frames yet")

    fox = tmp_path / "data/mammalnet/trimmed_videos/fox_2.mp4"
    fox.rename(tmp_path / "fox.mp4")
    words = "fox_2: trimmed_videos/fox_2.mp4 is missing"
    assert_one_line(biobench("data", "frames", "mammalnet", *data), 3, words)
    (tmp_path / "fox.mp4").rename(fox)
    said = done("frames", "mammalnet", "--workers", "2")
    assert "14 clips of 32 frames" in said
    assert "next: biobench data verify mammalnet" in said
    assert "cut already" in done("frames", "mammalnet")
    assert "\tpresent\t" in listed()
    assert len(list((tmp_path / "data/mammalnet/frames").rglob("frame_*.jpg"))) == 14 * 32

    report = json.loads(done("verify", "mammalnet", "--json"))
    record = json.loads((tmp_path / "data/mammalnet/frames.json").read_bytes())
    assert report["frames"] == {"digest": record["digest"], "record": True, "left_out": {}}
    assert report["counts"]["mammalnet"] == {"train": 12, "test": 2, "classes": 12}
    assert f"frames: {record['digest']}, recorded" in done("verify", "mammalnet")
    entry = next(
        entry
        for entry in json.loads(biobench("data", "list", "--json", *data).stdout)
        if entry["id"] == "mammalnet"
    )
    assert (entry["state"], entry["frames"]) == ("present", "cut")
    (tmp_path / "data/mammalnet/frames/wolf/frame_33.jpg").write_bytes(b"x")
    odd = biobench("data", "verify", "mammalnet", *data)
    assert_one_line(odd, 3, "frames/wolf/frame_33.jpg: is none of the 32 frames of its clip")


def test_data_sets_without_videos(tmp_path: Path) -> None:
    """There is nothing to cut, and the message says for what there is."""
    found = biobench("data", "frames", "beluga", "--data", str(tmp_path))
    assert_one_line(found, 2, "published as images", "data sets of videos: mammalnet")
