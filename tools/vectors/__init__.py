"""Where the vectors come from: one module a section, each with ``files()``."""
