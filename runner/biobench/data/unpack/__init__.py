"""Unpacking the archives of a data set into its data folder.

In: the files of its sources, which may be hostile. Out: ``DIR/<data set id>``, all of it or nothing
(SPEC.md, section "Data folders").
"""

from biobench.data.unpack.unpack import unpack

__all__ = ["unpack"]
