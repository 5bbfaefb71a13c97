"""The audit of dependencies: what it lets through, and that no silence is taken for a good word."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

import audit

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = ("MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0")
PACKAGES = [audit.Package("crates.io", "png", "0.17.0"), audit.Package("PyPI", "torch", "2.6.0")]


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("Unlicense/MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", True),
        ("(MIT OR Apache-2.0) AND OpenSSL", False),
        ("MIT AND (GPL-2.0-only OR (Apache-2.0 AND Unicode-3.0))", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("MIT WITH LLVM-exception", False),
        ("Apache-2.0 WITH", False),
        ("MIT OR", False),
        ("(MIT", False),
        ("", False),
        ("MIT Apache-2.0", False),
        ("Proprietary, all rights reserved", False),
    ],
)
def test_expressions_of_licences(expression: str, good: bool) -> None:
    """An expression is met by one side of OR, and by both of AND."""
    assert audit.permitted(expression, ALLOWED) is good


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"license": "AGPL-3.0-only"}, "licence AGPL-3.0-only"),
        ({"license": None}, "states no licence"),
        ({"source": "git+https://example.org/png"}, "from git+https://example.org/png"),
        ({"source": "registry+https://example.org/index"}, "from registry+https://example.org"),
        ({"source": None, "manifest_path": "/elsewhere/Cargo.toml"}, "outside the checkout"),
    ],
)
def test_a_crate_that_is_refused(change: dict[str, Any], word: str) -> None:
    """Terms that nobody looked at, and code from elsewhere."""
    rules = {
        "licenses": {"allow": ALLOWED},
        "sources": {"allow-registry": ["https://github.com/rust-lang/crates.io-index"]},
    }
    sound = {
        "name": "png", "version": "1.0.0", "license": "MIT OR Apache-2.0", "manifest_path": "/x",
        "source": "registry+https://github.com/rust-lang/crates.io-index",
    }  # fmt: skip
    assert audit.crate_faults([sound], rules) == []
    (fault,) = audit.crate_faults([{**sound, **change}], rules)
    assert fault.startswith("png 1.0.0: ")
    assert word in fault


def test_a_lock_without_a_checksum() -> None:
    """Every crate that is fetched is known by its bytes."""
    entry = '[[package]]\nname = "png"\nversion = "1.0.0"\nsource = "registry+x"\n'
    assert audit.lock_faults("Cargo.lock", entry) == ["Cargo.lock: png 1.0.0 has no checksum"]
    assert audit.lock_faults("Cargo.lock", entry + 'checksum = "00"\n') == []


def test_requirements_are_pins_with_hashes() -> None:
    """A wheel is known by its bytes, too; the packages are asked for as OSV names them."""
    sound = (
        "# a comment\n--extra-index-url https://example.org\n"
        "Torch[x]==2.6.0+cpu ; sys_platform == 'linux' \\\n    --hash=sha256:00 \\\n"
        "    --hash=sha256:11\n    # via timm\nav==18.1.0 \\\n    --hash=sha256:22\n"
    )
    assert audit.requirement_faults("x.txt", sound) == []
    assert audit.pinned(sound) == [
        audit.Package("PyPI", "torch", "2.6.0"), audit.Package("PyPI", "av", "18.1.0"),
    ]  # fmt: skip
    for line in ("av>=18\n", "av @ https://example.org/av.whl\n", "-e ../av\n", "av==18.1.0\n"):
        assert len(audit.requirement_faults("x.txt", sound + line)) == 1, line


@contextmanager
def answering(answer: Callable[[Any], bytes], status: int = 200) -> Iterator[str]:
    """A server that is asked as OSV is."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = answer(asked["queries"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/querybatch"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def known(queries: Any) -> bytes:
    """An advisory on the crate alone."""
    found = [
        {"vulns": [{"id": "RUSTSEC-1"}]} if q["package"]["ecosystem"] == "crates.io" else {}
        for q in queries
    ]
    return json.dumps({"results": found}).encode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_an_advisory_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with its package, unless deny.toml says that it does not concern us."""
    monkeypatch.setattr(audit, "AT_ONCE", 1)
    with answering(known) as address:
        found = audit.advisories(PACKAGES, address, ())
        ignored = audit.advisories(PACKAGES, address, ("RUSTSEC-1",))
    assert found == (["crates.io png 0.17.0: RUSTSEC-1"], None)
    assert ignored == ([], None)


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"{}", b'{"results": []}', b'{"results": null}', b'{"results": [1, 2]}'],
)
def test_no_answer_is_no_good_word(answer: bytes) -> None:
    """An entry that cannot be understood is reported as skipped, with its reason."""
    with answering(lambda queries: answer) as address:
        found, why = audit.advisories(PACKAGES, address, ())
    assert found == []
    assert why is not None
    assert address in why
    with answering(known, status=503) as address:
        assert audit.advisories(PACKAGES, address, ())[1] is not None


@pytest.mark.slow
def test_the_command() -> None:
    """The checkout as it is passes; a finding ends with 1, a network that is not there is said."""
    command = [sys.executable, str(ROOT / "tools/audit.py")]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *more], capture_output=True, text=True, check=False)

    nowhere = run("--advisories", "http://127.0.0.1:9/v1/querybatch")
    assert nowhere.returncode == 0, nowhere.stderr
    assert "skipped: advisories, http://127.0.0.1:9" in nowhere.stdout
    with answering(known) as address:
        found = run("--advisories", address)
    assert found.returncode == 1
    assert "audit: crates.io png" in found.stderr
