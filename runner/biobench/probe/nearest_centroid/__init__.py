"""Nearest centroid with rejection (SPEC.md, section 10.5)."""
