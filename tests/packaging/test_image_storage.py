"""buildah as the build uses it: the same inputs give the same bytes, and nothing stale is taken."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from imagebuild.programs import BuildError
from imagebuild.storage import Storage

DATE = 1_793_491_200
CONTAINERS = Path(__file__).resolve().parents[2] / "containers"
DOCKERFILE = """ARG BASE
FROM ${BASE}
ARG DIGEST
RUN --mount=type=bind,source=lists,target=/lists ["/busybox", "cp", "/lists/list", "/list"]
RUN ["/busybox", "true", "${DIGEST}"]
LABEL a=b
"""

pytestmark = [pytest.mark.container, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system of one static program."""
    if shutil.which("buildah") is None:
        pytest.skip("no buildah; `make image-slim` installs it")
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("no busybox, the program of the test's image")
    path = tmp_path_factory.mktemp("base") / "base.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(busybox, "busybox")
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)
    return path


def built(folder: Path, base: Path, content: str, digest: str) -> Path:
    """The archive of an image built in a storage below ``folder``."""
    storage = Storage(folder / "storage", DATE)
    context = folder / "context"
    (context / "lists").mkdir(parents=True, exist_ok=True)
    (context / "lists/list").write_text(content)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(DOCKERFILE)
    image = storage.imported(base, "base:1")
    storage.build(dockerfile, context, "localhost/t:1", {"BASE": image, "DIGEST": digest})
    path = folder / "image.tar"
    path.unlink(missing_ok=True)
    storage.run("push", "--quiet", "localhost/t:1", f"docker-archive:{path}:t:1", otherwise="push")
    return path


def dates(path: Path) -> set[int]:
    """The dates of every file of every layer."""
    found: set[int] = set()
    with tarfile.open(path) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if entry.name.endswith(".tar") and content is not None:
                with tarfile.open(fileobj=io.BytesIO(content.read())) as layer:
                    found |= {int(member.mtime) for member in layer}
    return found


def test_two_builds_are_the_same_bytes_and_hold_no_time(tmp_path: Path, base: Path) -> None:
    """In two places and at two times; a list that changed changes the image."""
    one, other = (built(tmp_path / name, base, "x", "1") for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    assert dates(one) == {DATE}
    compare = [str(CONTAINERS / "compare")]
    assert subprocess.run([*compare, one, other], check=False).returncode == 0
    before = tmp_path / "before.tar"
    other.rename(before)
    changed = built(tmp_path / "other", base, "y", "2")
    done = subprocess.run([*compare, before, changed], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "layer 2: list differs in content" in done.stdout.splitlines()


def test_a_step_that_fails_is_one_line(tmp_path: Path, base: Path) -> None:
    """No image of that name is there, and nothing stays mounted, so that the folder can go."""
    storage = Storage(tmp_path / "storage", DATE)
    image = storage.imported(base, "base:1")
    (tmp_path / "Dockerfile").write_text('ARG BASE\nFROM ${BASE}\nRUN ["/busybox", "false"]\n')
    with pytest.raises(BuildError, match="localhost/t:1 could not be built"):
        storage.build(tmp_path / "Dockerfile", tmp_path, "localhost/t:1", {"BASE": image})
    assert not storage.has("localhost/t:1")
    assert storage.run("containers", "--quiet", otherwise="no list of containers") == ""
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    shutil.rmtree(tmp_path / "storage")


def test_steps_have_no_network(tmp_path: Path, base: Path) -> None:
    """Only the loopback device is there."""
    storage = Storage(tmp_path / "storage", DATE)
    image = storage.imported(base, "base:1")
    assert storage.inside(image, "/busybox", "ls", "/sys/class/net").split() == ["lo"]
