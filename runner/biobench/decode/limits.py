"""Bounds on one image file: everybody refuses the same ones (SPEC.md, section "Decode").

The native layer has its own copy of those that it applies (native/pixels/src/limits.rs).
"""

MAX_PIXELS = 178_956_970
"""Largest height times width of an image, and of the target of its resize. Pillow refuses from
there on."""

MAX_SIDE = 1_000_000
"""Longest side of an image."""

MAX_RECIPE_SIDE = 4096
"""Largest side of a recipe's ``size`` and ``crop`` (SPEC.md, section "Recipes"): no known model
takes larger ones, and memory grows with it. A crop has at most 50 MB."""

MAX_FILE_BYTES = 1 << 30
"""Largest file; the compressed parts of a TIFF, which may lie over each other, have no more."""

MAX_WEBP_CHUNKS = 1 << 20
"""Chunks of a WebP."""

MAX_HEAD = 1 << 20
"""Bytes of a GIF before its first image."""

MAX_TILE_PADDING = 1 << 24
"""Pixels that the tiles of a TIFF may have beyond four times those of the image."""
