"""Linear support vector machines (SPEC.md, section 10.4)."""
