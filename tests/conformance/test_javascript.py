"""The second implementation, spec/ports/javascript, against the vectors; it needs Node."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NODE = shutil.which("node") or ""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NODE, reason="Node is not installed")]


@pytest.fixture
def port(repository: Path) -> Path:
    return repository / "spec" / "ports" / "javascript"


def run(*command: str | Path, folder: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_check_values_of_the_text_hold(port: Path) -> None:
    run(NODE, "--test", folder=port)


def test_every_required_section_is_claimed_and_right(port: Path, tmp_path: Path) -> None:
    """Only the formats that section 8.1 leaves to an implementation are left out."""
    bundle, answers = tmp_path / "bundle.json", tmp_path / "answers.json"
    biobench = (sys.executable, "-m", "biobench")
    run(*biobench, "spec", "export", "--out", bundle)
    answers.write_text(run(NODE, port / "answers.js", bundle), encoding="utf-8")
    report = json.loads(run(*biobench, "conformance", "check", answers, "--json"))
    unclaimed = [tally["section"] for tally in report["tallies"] if not tally["claimed"]]
    optional = {"bmp", "gif", "tiff", "webp"}
    assert set(unclaimed) == optional, "write the operations of the others"
