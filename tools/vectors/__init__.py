"""The sources of the vectors: one module a section, each with ``files()``."""
