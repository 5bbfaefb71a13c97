"""Progress in a log: how much, how fast, how long it still takes."""

from __future__ import annotations

import io
import re

import pytest

from biobench._common import progress
from biobench._common.byte_sizes import show_size
from biobench._common.progress import Progress


def test_images(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Units that were known already count as done, and not for the rate."""
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with Progress("beluga", 40) as bar:
        bar.skip(30)
        bar.advance(2)
    line = capsys.readouterr().err
    assert re.fullmatch(r"beluga: 32 of 40 images, \d+ images/s, \d+ s left\n", line)


def test_bytes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes for people; without a total there is no time left."""
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with Progress("a.zip", None, show=show_size) as bar:
        bar.advance(2048)
        bar.restart(4096, 1024)
        bar.advance(1024)
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"a.zip: 2.0 KiB, [\d.]+ \w+/s", first)
    assert re.fullmatch(r"a.zip: 2.0 KiB of 4.0 KiB, [\d.]+ \w+/s, \d+ s left", second)


def test_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said where nobody wants it, or there is nothing to do."""
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    for bar in (Progress("a", 10, quiet=True), Progress("a", 0)):
        with bar:
            bar.advance(1)
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    """The frames that are drawn, in order."""

    def isatty(self) -> bool:
        return True

    def frames(self) -> list[str]:
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())
        return [line for line in re.split(r"[\r\n]+", plain) if line.strip()]


@pytest.mark.parametrize(
    ("width", "title", "total", "extras"),
    [
        (40, "beluga", 5902, ""),
        (40, "demo-herbarium19: files", 1331167, ""),
        (60, "beluga", 5902, "/s"),
        (80, "beluga", 5902, "/s \u2501"),
        (80, "demo-herbarium19: files", 1331167, "/s"),
    ],
)
def test_a_narrow_terminal_keeps_amount_and_time_left(
    width: int, title: str, total: int, extras: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A title is cut, and rate and bar are left out, before a number is."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "DRAW_EVERY_S", 0.0)
    with Progress(title, total) as bar:
        for _ in range(3):
            bar.advance(total // 4)
    last = terminal.frames()[-1]
    assert len(last) <= width
    assert f" {3 * (total // 4)} of {total} images" in last
    assert re.search(r" [-\d]:[-\d]{2}:[-\d]{2}", last)
    for mark in ("/s", "\u2501"):
        assert (mark in last) == (mark in extras.split())
