"""The slim image: everything but torch and the libraries of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from containers import container, open_folder, readable

from biobench.spec.load import load_spec

pytestmark = [pytest.mark.slow, pytest.mark.container, pytest.mark.timeout(600)]


def test_run_names_the_full_image(slim_image: str) -> None:
    """Exit 5 and one line."""
    done = container(slim_image, "--model", "demo")
    assert (done.code, done.output) == (5, "")
    (line,) = done.errors.splitlines()
    assert line.startswith("biobench: the image biobench:1.0-slim has no torch; use biobench:1.0,")


def test_it_has_no_library_of_models(slim_image: str) -> None:
    """The packages that make the full image large are absent, and the image is small."""
    program = (
        "from importlib.util import find_spec; import biobench; "
        "print([n for n in ('torch', 'timm', 'transformers', 'open_clip') if find_spec(n)])"
    )
    done = container(slim_image, "-c", program, options=("--entrypoint=/opt/biobench/bin/python",))
    assert done.code == 0, done.errors
    assert done.output == "[]\n"


def test_it_conforms_as_far_as_it_goes(slim_image: str) -> None:
    """Every vector that needs no torch is answered, and answered right."""
    done = container(slim_image, "conformance", "run", "--json")
    assert done.code == 0, done.errors
    report = json.loads(done.output)
    assert report["spec"]["digest"] == load_spec().digest
    assert report["faults"] == []
    unanswered = {t["section"] for t in report["tallies"] if t["unanswered"]}
    assert unanswered == {"digests"}


@pytest.mark.parametrize(
    "arguments", [("data", "list"), ("spec", "validate"), ("models", "list"), ("verify", "--help")]
)
def test_commands_without_a_model_work(slim_image: str, arguments: tuple[str, ...]) -> None:
    """Data, documents and results need no torch."""
    done = container(slim_image, *arguments)
    assert done.code == 0, done.errors


def test_it_verifies_a_result_of_the_full_image(
    image: str, slim_image: str, tmp_path: Path
) -> None:
    """A result from one image, checked by the other without the model."""
    out = open_folder(tmp_path / "out")
    mounted = (f"--volume={out}:/out",)
    done = container(image, "--model", "demo", "--task", "demo-beluga", options=mounted)
    assert done.code == 0, done.errors
    checked = container(slim_image, "verify", "/out", options=(f"--volume={out}:/out:ro",))
    assert checked.code == 0, checked.errors + checked.output

    predictions = readable(out) / "predictions" / "demo-beluga.parquet"
    broken = bytearray(predictions.read_bytes())
    broken[len(broken) // 2] ^= 1
    predictions.unlink()
    predictions.write_bytes(broken)
    readable(out)
    refused = container(slim_image, "verify", "/out", options=(f"--volume={out}:/out:ro",))
    assert refused.code == 6, refused.errors + refused.output
