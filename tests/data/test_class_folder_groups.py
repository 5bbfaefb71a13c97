"""Groups of images that belong together, by a pattern on their paths or by a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from biobench.data.class_folders.grouping import image_groups, unit_of
from biobench.errors import BiobenchError, DataError, UsageError

PATHS = ["fox/s1_001.jpg", "fox/s1_002.jpg", "fox/s2_001.jpg", "hare/deep/s2_009.jpg"]


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("**/{site}_*", ["s1", "s1", "s2", "s2"]),
        ("**/{site}_{n}.jpg", ["s1/001", "s1/002", "s2/001", "s2/009"]),
        ("{species}/**", ["fox", "fox", "fox", "hare"]),
        ("**s{site}_???.jpg", ["1", "1", "2", "2"]),
    ],
)
def test_a_pattern_names_the_group(pattern: str, groups: list[str]) -> None:
    """Protects: the named parts of a pattern are the group; * stops at a folder's end."""
    assert list(image_groups(pattern, PATHS).values()) == groups


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        ("**/{site}_*", "site"),
        ("**/{Site}_{date}.jpg", "site date"),
        ("**/{a}_{b}{c}.jpg", "group"),
        ("**/{item}_*", "group"),
        ("**/{s1}_*", "group"),
    ],
)
def test_what_a_group_is_called(pattern: str, unit: str) -> None:
    """Protects: the word beside an interval is one that a task file can have."""
    assert unit_of(pattern) == unit


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{site}/{x}_zzz", "the pattern matches none of the paths"),
        ("*/{site}_*", "the pattern does not match 1 of 4 paths"),
        ("*/*", "neither a file nor a pattern with a named part"),
        ("{a}/{a}_*", "two parts are named {a}"),
        ("fox(", "neither a file nor a pattern with a named part"),
    ],
)
def test_a_pattern_that_does_not_fit(pattern: str, said: str) -> None:
    """Protects: a wrong pattern is one line with what to do, and characters of regular expressions
    mean themselves."""
    with pytest.raises(UsageError) as error:
        image_groups(pattern, PATHS)
    assert said in str(error.value)
    assert error.value.remedy


def test_an_example_is_given_for_what_does_not_match() -> None:
    """Protects: the message names a path that the pattern has to match."""
    with pytest.raises(UsageError, match=r"hare/deep/s2_009\.jpg"):
        image_groups("*/{site}_*", PATHS)


def write(folder: Path, text: str, name: str = "groups.csv") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_table_of_two_columns(tmp_path: Path) -> None:
    """Protects: paths, file names that are unique, more images than there are, and an empty cell
    for an image that belongs to no other."""
    text = "image,site\nfox/s1_001.jpg,A\ns1_002.jpg,A\nfox/s2_001.jpg,\ns2_009.jpg,B\nmore.jpg,C\n"
    given = write(tmp_path, text)
    assert image_groups(given, PATHS) == {
        "fox/s1_001.jpg": "A",
        "fox/s1_002.jpg": "A",
        "fox/s2_001.jpg": "fox/s2_001.jpg",
        "hare/deep/s2_009.jpg": "B",
    }


def test_a_column_is_named_after_the_file(tmp_path: Path) -> None:
    """Protects: of several columns one is named, or is called group; .tsv has tabs."""
    rows = [f"{path}\tX\t{path[-7:]}" for path in PATHS]
    given = write(tmp_path, "\n".join(["path\tgroup\tburst", *rows]), "groups.tsv")
    assert set(image_groups(given, PATHS).values()) == {"X"}
    assert (unit_of(given), unit_of(f"{given}:burst")) == ("group", "burst")
    assert set(image_groups(f"{given}:burst", PATHS).values()) == {"001.jpg", "002.jpg", "009.jpg"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,site\nfox/s1_001.jpg,A\n", "the table lacks 3 of 4 images: fox/s1_002.jpg"),
        ("path\nfox/s1_001.jpg\n", "no column 'group'"),
        ("path;site\nfox/s1_001.jpg;A\n", "is the delimiter ';'?"),
        ("", "the table is empty"),
        ("path,site\ns1_001.jpg,A\nfox/s1_001.jpg,B\n", "has another group in a line above"),
    ],
)
def test_a_table_that_does_not_fit(tmp_path: Path, text: str, said: str) -> None:
    """Protects: a table that lacks items, or whose columns are not clear, is one line."""
    with pytest.raises(DataError) as error:
        image_groups(write(tmp_path, text), PATHS)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_column_that_the_table_does_not_have(tmp_path: Path) -> None:
    """Protects: the message is of the option, and names columns that can be given."""
    given = write(tmp_path, "path,site,day\nfox/s1_001.jpg,A,1\n")
    with pytest.raises(UsageError) as error:
        unit_of(f"{given}:nope")
    assert str(error.value) == (
        f"--group {given}:nope: no column 'nope'; name one that the table has: "
        f"--group {given}:site, --group {given}:day"
    )


def test_a_table_of_several_columns_without_one_named(tmp_path: Path) -> None:
    """Protects: the message names the columns, and does not ask for another kind of file."""
    given = write(tmp_path, "path,site,day\nfox/s1_001.jpg,A,1\n")
    with pytest.raises(UsageError) as error:
        image_groups(given, PATHS)
    assert str(error.value) == (
        f"--group {given}: which column holds the groups is not said; name one that the table "
        f"has: --group {given}:site, --group {given}:day"
    )


def test_names_that_several_images_have(tmp_path: Path) -> None:
    """Protects: a file name alone never means two images."""
    paths = ["fox/1.jpg", "hare/1.jpg"]
    with pytest.raises(DataError, match="2 images have this name; write the path"):
        image_groups(write(tmp_path, "image,site\n1.jpg,A\n"), paths)


def test_a_missing_table(tmp_path: Path) -> None:
    """Protects: a name that ends as a table is no pattern."""
    with pytest.raises(BiobenchError, match="the table is missing"):
        image_groups(str(tmp_path / "none.csv"), PATHS)
