"""The files that the fuzz targets start from, one module a format."""

from collections.abc import Iterator

Seeds = Iterator[tuple[str, bytes]]
"""Name and content of each file."""
