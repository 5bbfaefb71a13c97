"""Bringing the archives of a data set: downloads that survive bad networks and bad servers.

In: a data set's document and a data folder. Out: its files in ``DIR/archives/<id>``, each under its
name only when it is whole (SPEC.md, section "Data folders").
"""

from biobench.data.fetch.fetch import fetch

__all__ = ["fetch"]
