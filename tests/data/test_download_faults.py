"""Whatever servers do, in whatever order: the right bytes, or no file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from downloads import CONTENT, UNKNOWN, assert_whole, get
from hostile import Server, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench.errors import DataError


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


FAULTS = st.one_of(
    st.sampled_from(
        [
            *("sound", "slow", "wrong", "ignore_range", "ignore_condition", "other_range"),
            *("lying_range", "no_range_said", "too_long", "too_short", "chunked", "gzipped"),
            *("called_gzip", "brotli", "unnamed", "status:429:1", "status:500", "status:404"),
            *("loop", "page", "garbage", "silence", "unknown_length", "redirect:/away"),
        ]
    ),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["drop", "reset", "unnamed", "weak", "chunked", "unknown_length"]),
        st.integers(1, len(CONTENT)),
    ),
)


@settings(
    max_examples=35 * settings.default.max_examples // 100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(scripts=st.lists(st.lists(FAULTS, min_size=1, max_size=6), min_size=1, max_size=3))
def test_whatever_happens_the_bytes_are_right_or_there_is_no_file(
    server: Server, tmp_path_factory: pytest.TempPathFactory, scripts: list[list[str]]
) -> None:
    """Any faults in any order, over several commands, at any number of addresses."""
    folder = tmp_path_factory.mktemp("faults")
    server.add("/away", CONTENT)
    for _ in range(2):
        try:
            get(server, folder, *scripts[0], mirrors=tuple(map(tuple, scripts[1:])))
        except DataError:
            assert not (folder / "a.bin").exists()
        else:
            assert_whole(folder)
            return
    get(server, folder, "sound")
    assert_whole(folder)


HONEST = st.one_of(
    st.sampled_from(
        [
            *("sound", "slow", "ignore_range", "ignore_condition", "other_range", "no_range_said"),
            *("too_long", "chunked", "gzipped", "brotli", "unnamed", "status:503", "loop", "page"),
            *("garbage", "silence", "unknown_length:7", "redirect:/away"),
        ]
    ),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["drop", "reset", "unnamed", "weak", "chunked"]),
        st.integers(1, len(CONTENT)),
    ),
)


@pytest.mark.slow
@settings(
    max_examples=25 * settings.default.max_examples // 100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    script=st.lists(HONEST, min_size=1, max_size=6),
    later=st.lists(HONEST, min_size=1, max_size=6),
    changes=st.booleans(),
)
def test_the_same_without_a_checksum_where_heads_are_honest(
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
    script: list[str],
    later: list[str],
    changes: bool,
) -> None:
    """Two versions of a file are never mixed: the result is one of them, whole."""
    folder = tmp_path_factory.mktemp("faults")
    server.add("/away", CONTENT)
    old = CONTENT[::-1] if changes else CONTENT
    for content, ways in ((old, script), (CONTENT, later), (CONTENT, ["sound"])):
        try:
            get(server, folder, *ways, known=UNKNOWN, content=content)
        except DataError:
            assert not (folder / "a.bin").exists()
            continue
        assert (folder / "a.bin").read_bytes() in {old, CONTENT}
        return
    pytest.fail("a sound server gives the file")
