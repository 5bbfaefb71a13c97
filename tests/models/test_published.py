"""Entries of models.yaml against a hub: a real HTTP server that answers as the hub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from biobench.errors import ModelError
from biobench.models.published import compare
from biobench.spec.load import load_spec

ENTRIES = load_spec().models
NAME = "hf:google/siglip2-large"
ENTRY = ENTRIES[NAME]
HEAD = "f" * 40


def answer(**changes: Any) -> dict[str, Any]:
    """The hub's answer for a repository at a revision, as its API gives it."""
    ((file, digest),) = ENTRY.weights_sha256.items()
    return {
        "_id": "0" * 24, "id": ENTRY.repository, "modelId": ENTRY.repository,
        "sha": ENTRY.revision, "private": False, "tags": [], "downloads": 1, "likes": 1,
        "cardData": {"license": "apache-2.0"},
        "siblings": [
            {"rfilename": "config.json", "size": 3, "blobId": "1" * 40},
            {"rfilename": file, "size": 9, "blobId": "2" * 40,
             "lfs": {"sha256": digest, "size": 9, "pointerSize": 130}},
        ],
        **changes,
    }  # fmt: skip


class Hub:
    """Answers by path; a path that is not there is 404 with the hub's own error header."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                hub.asked.append(path)
                found = hub.answers.get(path)
                body = json.dumps(found if found is not None else {"error": "x"}).encode()
                self.send_response(200 if found is not None else 404)
                if found is None:
                    code = "RevisionNotFound" if "/revision/" in path else "RepoNotFound"
                    self.send_header("X-Error-Code", code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, *, head: dict[str, Any], there: dict[str, Any] | None) -> None:
        base = f"/api/models/{ENTRY.repository}"
        self.answers = {base: head}
        if there is not None:
            self.answers[f"{base}/revision/{ENTRY.revision}"] = there


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    import huggingface_hub.constants as constants

    made = Hub()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", made.endpoint)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_an_entry_that_the_hub_confirms(hub: Hub) -> None:
    """Protects the comparison itself: every fact of the entry, and the repository's head beside
    it, which may have moved on."""
    hub.publish(head=answer(sha=HEAD), there=answer())
    facts = {fact.what: fact for fact in compare(NAME, ENTRIES)}
    assert [fact.agrees for fact in facts.values()] == [True, True, None, True, True]
    assert facts["head of the repository"].found == HEAD
    assert facts["sha256 of model.safetensors"].listed == ENTRY.weights_sha256["model.safetensors"]
    base = f"/api/models/{ENTRY.repository}"
    assert [path for path in hub.asked if path.startswith("/api/models")] == [
        base,
        f"{base}/revision/{ENTRY.revision}",
    ]


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"cardData": {"license": "mit"}}, "licence"),
        ({"siblings": []}, "sha256 of model.safetensors"),
        (
            {"siblings": [{"rfilename": "model.safetensors", "size": 9, "blobId": "2" * 40,
                           "lfs": {"sha256": "0" * 64, "size": 9, "pointerSize": 130}}]},
            "sha256 of model.safetensors",
        ),
        ({"sha": HEAD}, "revision"),
        (None, "revision"),
    ],
)  # fmt: skip
def test_each_difference_is_named(changes: dict[str, Any] | None, differs: str, hub: Hub) -> None:
    """Protects the list: a wrong licence, digest or revision is told by its name."""
    there = None if changes is None else answer(**changes)
    hub.publish(head=answer(sha=HEAD), there=there)
    assert [f.what for f in compare(NAME, ENTRIES) if f.agrees is False] == [differs]


def test_what_is_unknown_is_no_difference(hub: Hub) -> None:
    """Protects entries without a pin, and cards that point to a text of their own."""
    hub.publish(head=answer(sha=HEAD), there=answer(cardData={"license": "other"}))
    assert all(fact.agrees is not False for fact in compare(NAME, ENTRIES))
    open_name = "timm:convnext_tiny.in12k"
    repository = ENTRIES["convnext-tiny"].repository
    hub.answers[f"/api/models/{repository}"] = answer(id=repository, sha=HEAD)
    facts = compare(open_name, ENTRIES)
    assert [(f.what, f.listed, f.found) for f in facts][1:] == [("revision", None, HEAD)]


def test_errors_are_one_line(hub: Hub) -> None:
    """Protects from tracebacks: no entry, no repository, an answer of something else."""
    for name, says in (
        ("demo", "has no repository in models.yaml"),
        ("hf:o/n", "has no repository in models.yaml"),
        (NAME, "the hub has no repository google/siglip2-large-patch16-256"),
    ):
        with pytest.raises(ModelError, match=says) as caught:
            compare(name, ENTRIES)
        assert (caught.value.exit_code, "\n" in str(caught.value)) == (5, False)
    hub.answers = {f"/api/models/{ENTRY.repository}": ["<html>"]}
    with pytest.raises(ModelError, match="the hub's answer cannot be read"):
        compare(NAME, ENTRIES)


def command(endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith("HF_") and "proxy" not in k.lower()
    }
    return subprocess.run(
        [sys.executable, "-m", "biobench", "models", "verify", *arguments],
        env={**environment, "HF_ENDPOINT": endpoint}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_says_it_with_its_exit_code(hub: Hub) -> None:
    """Protects the contract of the command line: 0, 6 for a difference, 5 without a hub."""
    hub.publish(head=answer(), there=answer())
    done = command(hub.endpoint, NAME)
    assert done.returncode == 0, done.stderr
    assert f"equal          revision: {ENTRY.revision}" in done.stdout.splitlines()
    hub.publish(head=answer(), there=answer(cardData={"license": "mit"}))
    done = command(hub.endpoint, NAME, "--json")
    assert done.returncode == 6
    assert "1 fact of models.yaml differ from the hub: licence" in done.stderr
    assert json.loads(done.stdout)[-1]["found"] == "mit"
    done = command("http://127.0.0.1:9", NAME)
    assert (done.returncode, done.stdout) == (5, "")
    (line,) = done.stderr.splitlines()
    assert "the hub cannot be reached, so nothing was compared; connect to the network" in line
