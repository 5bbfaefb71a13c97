"""The decode stage: image files to crops (SPEC.md, section "Pixels").

In: paths, or the content of files, and the recipe of a model. Out: uint8 RGB crops, and a reason
for each file that gives none. A new format is a line of
:mod:`biobench.spec.image_formats`, and the places that CONTRIBUTING.md lists ("Places of an
addition").
"""
