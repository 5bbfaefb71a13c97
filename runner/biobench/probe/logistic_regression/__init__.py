"""Softmax regression with a search for the strength of its penalty (SPEC.md, section 10.3)."""
