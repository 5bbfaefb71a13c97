"""SPEC.md: what it says is what the documents and the code say, and its arithmetic is Pillow's."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.conformance.vectors import read_vectors
from biobench.spec.load import load_spec
from biobench.spec.location import spec_root

PROSE = (spec_root() / "SPEC.md").read_text(encoding="utf-8")
HEADINGS = dict(re.findall(r"^#{2,3} ([0-9.]+?)\.? ([^(\n]+?)(?: \(.*\))?$", PROSE, re.MULTILINE))
SPEC = load_spec()
ROOT = spec_root().parent


def test_sections_are_numbered_without_gaps() -> None:
    """A reference by number finds its section."""
    last: dict[str, int] = {}
    for number in HEADINGS:
        head, _, tail = number.rpartition(".")
        assert int(tail) == last.get(head, 0) + 1, number
        last[head] = int(tail)


def test_references_between_sections_hold() -> None:
    """Every "section N" in the text and in the documents is there."""
    texts = [
        PROSE,
        *(p.read_text(encoding="utf-8") for p in sorted((ROOT / "spec").rglob("*.yaml"))),
    ]
    named = {n for text in texts for n in re.findall(r"sections? (\d+(?:\.\d+)*)", text)}
    assert named <= set(HEADINGS)
    assert named


def test_code_names_sections_that_exist() -> None:
    """A reader of the code finds the rule that it follows."""
    missing = set()
    for path in [
        *sorted((ROOT / "runner").rglob("*.py")),
        *sorted((ROOT / "native").rglob("*.rs")),
    ]:
        text = re.sub(r"\s*\n\s*(//!|///|#)?\s*", " ", path.read_text(encoding="utf-8"))
        for group in re.findall(r'SPEC\.md, (?:sections? )?("[^"]+"(?:(?:,| and) "[^"]+")*)', text):
            names = set(re.findall(r'"([^"]+)"', group))
            missing |= {(path.name, name) for name in names - set(HEADINGS.values())}
    assert not missing


def test_the_version_is_that_of_the_documents() -> None:
    """Text, documents and changelog are of one version."""
    changelog = (spec_root() / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"Version {SPEC.version} " in PROSE
    assert re.findall(r"^## (\S+)$", changelog, re.MULTILINE)[0] == SPEC.version


@pytest.mark.parametrize("protocol", SPEC.protocol_ids())
def test_a_protocol_has_its_section(protocol: str) -> None:
    """The section that a protocol document names exists and names the document."""
    section = SPEC.library.by_id["protocol"][protocol].value["section"]
    start = PROSE.index(f"### {section} ")
    assert f"v1/protocols/{protocol}.yaml" in PROSE[start : start + 600]


def test_every_error_id_is_listed() -> None:
    """The ids that tools read are those of section 6.3."""
    table = PROSE[PROSE.index("### 6.3") : PROSE.index("### 6.4")]
    code = "".join(
        (ROOT / f"runner/biobench/spec/{name}.py").read_text(encoding="utf-8")
        for name in ("check", "schema_errors", "yaml_source")
    )
    ids = {"no-file", "syntax", "ambiguous-scalar", "duplicate-key", "unknown-key", "missing-key"}
    ids |= {"type", "value", "wrong-name", "duplicate-id", "unknown-reference", "extends-cycle"}
    ids |= {"null-without-reason", "reason-without-null"}
    assert {name for name in ids if f'"{name}"' not in code} == set()
    assert {name for name in ids if f"`{name}`" not in table} == set()


@pytest.mark.parametrize("level", ["S", "D", "F", "P"])
def test_the_sections_of_a_level_are_those_of_its_vectors(level: str) -> None:
    """The table of section 15 names each section that has vectors of the level, and no other."""
    (cell,) = re.findall(rf"^\| {level} \|.*\| sections ([^|]+) \|$", PROSE, re.MULTILINE)
    named = {part for item in re.split("[,;] ", cell) for part in _expanded(item)}
    files = read_vectors(SPEC)
    checked = {v.section for v in files if v.level == level}
    assert {s for s in checked if not _covers(named, s)} == set()
    assert {s for s in named if not any(_covers({s}, found) for found in checked)} == set()


def _expanded(item: str) -> list[str]:
    """``11 to 13`` -> 11, 12, 13; ``6.3 to 6.5`` -> 6.3, 6.4, 6.5."""
    first, _, last = item.partition(" to ")
    head, _, start = first.rpartition(".")
    end = last.rpartition(".")[2] or start
    return [f"{head}.{n}".lstrip(".") for n in range(int(start), int(end) + 1)]


def _covers(named: set[str], section: str) -> bool:
    return section in named or section.partition(".")[0] in named


def test_streams_in_use_are_listed() -> None:
    """A stream that the text does not name could not be reproduced by a port."""
    listed = set(re.findall(r"^\| `([a-z_]+)/", PROSE, re.MULTILINE))
    assert listed == {"linear_probe", "traits_mlp", "frames", "signs", "association", "verify"}
    code = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "runner").rglob("*.py"))]
    used = {n for text in code for n in re.findall(r'Stream\([^"()]*f?"([a-z_]+)[/"]', text)}
    assert used <= listed | {"demo", "selftest", "split", "batches"}


def pillow_filter(name: str, x: float) -> float:
    """The table of section 8.2, as a reader would type it in."""
    a = abs(x)
    if name == "box":
        return 1.0 if -0.5 < x <= 0.5 else 0.0
    if name == "bilinear":
        return 1.0 - a if a < 1 else 0.0
    if name == "hamming":
        if a == 0:
            return 1.0
        if a >= 1:
            return 0.0
        b = a * math.pi
        h1, h2 = float(np.float32(0.54)), float(np.float32(0.46))
        return math.sin(b) / b * (h1 + h2 * math.cos(b))
    if name == "bicubic":
        if a < 1:
            return ((1.5 * a - 2.5) * a) * a + 1
        return (((a - 5) * a + 8) * a - 4) * -0.5 if a < 2 else 0.0

    def sinc(v: float) -> float:
        return 1.0 if v == 0 else math.sin(v * math.pi) / (v * math.pi)

    return sinc(x) * sinc(x / 3) if -3 <= x < 3 else 0.0


SUPPORT = {"box": 0.5, "bilinear": 1.0, "hamming": 1.0, "bicubic": 2.0, "lanczos": 3.0}
Pixels = npt.NDArray[np.uint8]


def one_pass(pixels: Pixels, out: int, name: str) -> Pixels:
    """One pass of section 8.2 along the first axis."""
    size = pixels.shape[0]
    scale = float(np.float32(size)) / out
    fs = max(scale, 1.0)
    support = SUPPORT[name] * fs
    rows = []
    for i in range(out):
        centre = (i + 0.5) * scale
        first = max(0, int(centre - support + 0.5))
        end = min(size, int(centre + support + 0.5))
        w = [pillow_filter(name, (x - centre + 0.5) * (1 / fs)) for x in range(first, end)]
        total = 0.0
        for value in w:
            total += value
        if total != 0:
            w = [value / total for value in w]
        k = [int(v * 2**22 + (0.5 if v >= 0 else -0.5)) for v in w]
        terms = [kx * pixels[first + j].astype(np.int64) for j, kx in enumerate(k)]
        rows.append(np.clip((2**21 + sum(terms, np.zeros(1, np.int64))) >> 22, 0, 255))
    return np.stack(rows).astype(np.uint8)


def by_the_text(pixels: Pixels, height: int, width: int, name: str) -> Pixels:
    """A resize as section 8.2 says."""
    if name == "nearest":
        found = []
        for size, out in ((pixels.shape[0], height), (pixels.shape[1], width)):
            step = float(np.float32(size)) / out
            place, positions = step * 0.5, []
            for _ in range(out):
                positions.append(int(place))
                place = place + step
            found.append(positions)
        return pixels[np.ix_(*found)]
    fewer_rows, fewer_columns = pixels.shape[0] - height, pixels.shape[1] - width
    passes = [(1, width), (0, height)]
    if fewer_rows > 0 and fewer_rows > 2 * fewer_columns:
        passes.reverse()
    for axis, side in passes:
        if side != pixels.shape[axis]:
            pixels = one_pass(pixels.swapaxes(0, axis), side, name).swapaxes(0, axis)
    return pixels


@settings(max_examples=150 * settings.default.max_examples // 100, deadline=None)
@given(
    st.sampled_from([*SUPPORT, "nearest"]),
    *(st.integers(1, 24) for _ in range(4)),
    st.integers(0, 2**32 - 1),
)
def test_the_resize_of_the_text_is_pillows(
    name: str, height: int, width: int, new_height: int, new_width: int, seed: int
) -> None:
    """A port that follows section 8.2 to the letter gets Pillow's bytes."""
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    filters = Image.Resampling
    image = Image.fromarray(pixels).resize((new_width, new_height), filters[name.upper()])
    assert (by_the_text(pixels, new_height, new_width, name) == np.asarray(image)).all()


def section(number: str) -> str:
    """The text below one heading, in one line."""
    found = re.search(rf"^#+ {re.escape(number)} .*\n([^#]+)", PROSE, re.MULTILINE)
    assert found
    return " ".join(found[1].split())


def test_layouts_name_the_formats_of_the_code() -> None:
    """A file that is an item, an error or ignored by the text is so in the code."""
    from biobench.data.layouts.scan import DECODED, UNDECODED

    named = re.findall(r"`(\.[a-z0-9]+)`", section("7.1"))
    assert tuple(named) == (*DECODED, *UNDECODED)


def test_limits_of_the_code() -> None:
    """The sizes that make an image bad are those of the decoder."""
    from biobench.decode.limits import MAX_PIXELS

    limits = (ROOT / "native/pixels/src/limits.rs").read_text(encoding="utf-8")
    values = dict(re.findall(r"(max_\w+): ([0-9_ <]+),", limits))
    assert int(values["max_pixels"]) == MAX_PIXELS
    assert f"{MAX_PIXELS:,} pixels" in section("8.1")
    assert f"{MAX_PIXELS:,} pixels" in section("8.3")
    assert values["max_file_bytes"] == "1 << 30"
    assert "1 GiB" in section("8.1")
    assert f"{int(values['max_scans']):,} scans" in section("8.1")


def test_plain_characters() -> None:
    """The text is for anyone, and reads the same in any editor."""
    for path in [spec_root() / name for name in ("SPEC.md", "PORTING.md", "CHANGELOG.md")]:
        text = path.read_text(encoding="utf-8")
        assert text.isascii()
        assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert Path(spec_root()).name in {"spec", "_spec"}
