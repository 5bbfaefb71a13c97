"""The hub and its cache: revisions and pinning, no network, broken connections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from checkpoints import COMMIT, hub_cache, transformers_folder

from biobench.errors import ModelError, UsageError
from biobench.models import hub
from biobench.models.load import load_model
from biobench.spec.documents import ModelEntry

pytestmark = pytest.mark.slow

SIGLIP2 = "google/siglip2-large-patch16-256"
ENTRIES = {
    "hf:google/siglip2-large": ModelEntry(
        "hf:google/siglip2-large", f"hf:{SIGLIP2}", None, "Apache-2.0", ()
    )
}

LITERAL = """
import json, sys
from biobench.models.load import load_model
from biobench.spec.documents import ModelEntry
entry = ModelEntry("hf:google/siglip2-large", "hf:google/siglip2-large-patch16-256", None, None, ())
info = load_model("hf:google/siglip2-large", {entry.name: entry}, offline=True).info
json.dump([info.name, info.resolved, info.revision, info.pinned, info.feature], sys.stdout)
"""


def test_the_literal_name_loads_from_a_cache_under_hf_home(tmp_path: Path) -> None:
    """Protects the first command of the design: ``hf:google/siglip2-large``, offline, in a process
    of its own, because the hub's library reads HF_HOME when it loads."""
    folder = transformers_folder(tmp_path / "made", "siglip2")
    hub_cache(tmp_path / "home" / "hub", SIGLIP2, folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LITERAL],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        "hf:google/siglip2-large", f"hf:{SIGLIP2}", COMMIT, False, "image_embedding"
    ]  # fmt: skip
    assert done.stderr == ""


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("hf:google/siglip2-large", "hf:./folder"),
        ("hf:o/n@abc", "hf:./folder"),
        ("timm:resnet50.a1_in1k", "timm:./folder"),
        ("open_clip:ViT-B-32/openai", "open_clip:./folder"),
    ],
)
def test_offline_without_a_cached_copy(name: str, hint: str, empty_cache: Path) -> None:
    """Protects the user without a network: one line, exit 5, and how to give a local folder."""
    with pytest.raises(ModelError) as caught:
        load_model(name, ENTRIES, offline=True)
    text = str(caught.value)
    assert "not in the hub's cache and offline" in text
    assert f"give a local folder: {hint}" in text
    assert "\n" not in text
    assert caught.value.exit_code == 5


@pytest.fixture(params=["http://127.0.0.1:9", "https://hub.invalid"])
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub whose port refuses, or whose name nobody resolves."""
    import huggingface_hub.constants as constants

    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", request.param)


@pytest.mark.parametrize("name", ["hf:google/siglip2-large", f"hf:o/n@{'a' * 40}"])
@pytest.mark.usefixtures("no_network", "empty_cache")
def test_no_network_is_said_quickly(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Protects from a minute of retries where nothing answers, and from the log of them."""
    started = time.monotonic()
    with pytest.raises(ModelError, match=r"the hub cannot be reached; .*hf:\./folder"):
        load_model(name, ENTRIES)
    assert time.monotonic() - started < 5
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("no_network")
def test_no_network_and_a_cached_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Protects a container with a mounted cache and no network: nothing waits, nothing is said."""
    import huggingface_hub.constants

    folder = transformers_folder(tmp_path / "made", "vit")
    hub_cache(tmp_path / "hub", "o/n", folder)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    capfd.readouterr()
    started = time.monotonic()
    assert load_model("hf:o/n", {}).info.revision == COMMIT
    assert time.monotonic() - started < 10
    assert capfd.readouterr().err == ""


def test_a_proxy_is_asked_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a machine that reaches the hub by a proxy alone, where no name is resolved."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert hub._hub_answers()


@pytest.mark.parametrize("proxy", ["::::", "http://[", "no such proxy", "socks9://u:secret@x:1"])
@pytest.mark.usefixtures("empty_cache")
def test_a_proxy_that_is_no_address(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from a traceback, and from passwords on the terminal: a line names the variable."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    for variable in ("https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, proxy)
        monkeypatch.setenv(variable.upper(), proxy)
    huggingface_hub.close_session()
    with pytest.raises(UsageError, match="_PROXY: the proxy is not an address") as e:
        load_model("hf:o/n", {})
    huggingface_hub.close_session()
    assert (e.value.exit_code, "\n" in str(e.value)) == (2, False)
    assert "secret" not in str(e.value)


CUT_OFF = """
import sys
from biobench.errors import ModelError
from biobench.models.load import load_model
try:
    load_model("hf:o/n", {})
except ModelError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("listing", "says"),
    [
        ("whole", "peer closed connection"),
        ("<html>", "JSONDecodeError"),
    ],
)
def test_a_hub_that_breaks_off(listing: str, says: str, tmp_path: Path) -> None:
    """Protects from a traceback where a connection ends in the middle of a file, or where a portal
    answers in the hub's place: whatever the client raises is one line."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), breaking_hub(listing))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {
        "HF_HOME": str(tmp_path),
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CUT_OFF],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("model 'hf:o/n': o/n cannot be fetched: ")
    assert says in line
    assert line.endswith("give a local folder: hf:./folder")


def breaking_hub(listing: str) -> type[BaseHTTPRequestHandler]:
    """A hub with one file, whose connection ends after 10 of 1,000 bytes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_GET(self) -> None:
            if "/tree/" in self.path:
                files = [{"type": "file", "path": "config.json", "size": 1000, "oid": "a" * 40}]
                self.answer(json.dumps(files).encode())
            elif self.path.startswith("/api/"):
                files = [{"rfilename": "config.json"}]
                found = {"id": "o/n", "sha": COMMIT, "siblings": files}
                self.answer(json.dumps(found).encode() if listing == "whole" else listing.encode())
            else:
                self.answer(b"{" * 10)

        def answer(self, body: bytes) -> None:
            whole = self.path.startswith("/api/")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", '"abc"')
            self.send_header("Content-Length", str(len(body)) if whole else "1000")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = not whole

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    return Handler


def test_a_cached_copy_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from a half-filled cache: the error names the missing weights."""
    import huggingface_hub.constants

    folder = transformers_folder(tmp_path / "made", "vit")
    (folder / "model.safetensors").unlink()
    hub_cache(tmp_path / "hub", "o/n", folder)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelError, match=r"no weights.*model\.safetensors"):
        load_model("hf:o/n", {}, offline=True)


def test_a_revision_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects ``@REV``: a tag in the cache resolves to its commit, an unknown one is refused."""
    import huggingface_hub.constants

    folder = transformers_folder(tmp_path / "made", "vit")
    hub_cache(tmp_path / "hub", "o/n", folder, revision="v2")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for revision, pinned in (("v2", False), (COMMIT, True)):
        info = load_model(f"hf:o/n@{revision}", {}, offline=True).info
        assert (info.revision, info.pinned) == (COMMIT, pinned)
    entry = ModelEntry("short", "hf:o/n", COMMIT, None, ())
    for name, given, pinned in (
        ("short", COMMIT, True),
        ("short", "v2", False),
        ("short@v2", COMMIT, False),
        (f"short@{COMMIT}", "v2", True),
    ):
        entries = {"short": replace(entry, revision=given)}
        info = load_model(name, entries, offline=True).info
        assert (info.name, info.resolved) == (name, "hf:o/n")
        assert (info.revision, info.pinned) == (COMMIT, pinned), name
    with pytest.raises(ModelError, match="at revision v3 is not in the hub's cache"):
        load_model("hf:o/n@v3", {}, offline=True)
