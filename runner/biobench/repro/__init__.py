"""Reproducibility: the settings that fix the bits, and the record of where a run took place."""
