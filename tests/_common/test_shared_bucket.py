"""A bucket of a real server of S3's protocol as the shared place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biobench._common import shared_store
from biobench._common.shared_place import SharedPlace
from biobench._common.store import Store
from biobench.cli import execute

# The server and the client's libraries take seconds to import; both use calls that Python is going
# to change.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KIND = "features-0123456789abcdef"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    started = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="features")
    yield "s3://features/lab/one"
    for entry in client.list_objects_v2(Bucket="features").get("Contents", []):
        client.delete_object(Bucket="features", Key=entry["Key"])
    client.delete_bucket(Bucket="features")


def filled(folder: Path, *numbers: int) -> Store:
    store = Store(folder)
    for number in numbers:
        values = np.full((2, 3), number, np.float32)
        store.put(KIND, f"sha256:{number:064x}", {"features": values})
    return store


def test_there_and_back(bucket: str, tmp_path: Path) -> None:
    """Entries go to a bucket and come back whole; what is there is not sent again."""
    store = filled(tmp_path / "a", *range(20))
    for expected in ((20, 0), (0, 20)):
        moved = shared_store.push(store, SharedPlace(bucket), lambda kind: True, quiet=True)
        assert (moved.entries, moved.already_there) == expected
    target = Store(tmp_path / "b")
    moved = shared_store.pull(target, SharedPlace(bucket), lambda kind: True, 5, quiet=True)
    assert (moved.entries, moved.faults) == (20, [])
    assert target.damaged() == []


def test_damage_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    """An object that was replaced is named and not stored."""
    import boto3

    shared_store.push(
        filled(tmp_path / "a", 1, 2), SharedPlace(bucket), lambda kind: True, quiet=True
    )
    name = f"{KIND}/00/{1:064x}.safetensors"
    boto3.client("s3").put_object(Bucket="features", Key=f"lab/one/{name}", Body=b"x" * 280)
    target = Store(tmp_path / "b")
    moved = shared_store.pull(target, SharedPlace(bucket), lambda kind: True, 5, quiet=True)
    assert (moved.entries, moved.faults) == (
        1,
        [f"{name} has another digest than the one of its list"],
    )


def test_bad_buckets(
    bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that is not there, one without entries, and a server that does not answer are one
    line each."""
    filled(tmp_path / "store", 1)
    options = ["--store", str(tmp_path / "store")]
    for command, place, code in (
        ("push", "s3://no-such-bucket/x", 1),
        ("pull", "s3://no-such-bucket/x", 3),
        ("pull", "s3://features/other", 3),
    ):
        assert execute(["store", command, place, *options]) == code, place
        (line,) = capsys.readouterr().err.splitlines()
        assert place in line
        assert "unexpectedly" not in line
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert execute(["store", "pull", bucket, *options]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "unexpectedly" not in line
