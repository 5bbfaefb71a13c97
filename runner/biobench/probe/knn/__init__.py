"""Nearest neighbours by squared distance, with or without unit rows (SPEC.md, section 10.2)."""
