"""Results in the formats of the places where people keep them (docs/exporting.md).

In: results. Out: the bytes of a file of one format, or a run that a tracker's own client records.
One file a format, each with a function ``write`` (or ``log``); ``formats.py`` lists them.
"""
