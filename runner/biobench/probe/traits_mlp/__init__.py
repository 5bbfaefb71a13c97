"""A network of two layers for several binary traits (SPEC.md, section 10.6)."""
