"""Backbones: a model's name to a frozen model with its recipe (SPEC.md, section "Features").

In: a name as ``--model`` takes it. Out: a backbone of base.py. A new loader is a module
here, its prefix in names.py and in ``FULL_FORMS`` of unknown_names.py, and its call in load.py.
"""
