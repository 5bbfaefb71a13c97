"""Cutting videos into the frames that a task scores: ``biobench data frames``.

In: the videos of a data set as its archives leave them. Out: JPEG files, as many of each video as
the layout says, and a record of what they were made of and with (SPEC.md, section "Frames of
videos").
"""
