"""Writing pictures in the spread of encodings that real collections have."""

from __future__ import annotations

import io

from PIL import Image

from demo.draws import Draws

QUALITY = 80
ODD = 0.14
"""Share of the files that use one of the rarer encodings."""


def jpeg(image: Image.Image, draws: Draws, *, quality: int = QUALITY) -> bytes:
    """JPEG bytes: mostly baseline 4:2:0; some progressive, 4:2:2, 4:4:4 or grey."""
    options: dict[str, object] = {"subsampling": "4:2:0"}
    if draws.chance(ODD):
        kind = draws.choice(("progressive", "4:2:2", "4:4:4", "grey", "plain tables"))
        if kind == "progressive":
            options["progressive"] = True
        elif kind == "grey":
            image = image.convert("L")
            del options["subsampling"]
        elif kind.startswith("4"):
            options["subsampling"] = kind
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True, **options)
    return buffer.getvalue()


def png(image: Image.Image, draws: Draws) -> bytes:
    """PNG bytes of a grey picture: mostly grey; some with a palette, as RGB, or with alpha."""
    if draws.chance(ODD):
        kind = draws.choice(("palette", "rgb", "alpha", "grey and alpha"))
        if kind == "palette":
            values = image.tobytes()
            image = Image.frombytes("P", image.size, values)
            image.putpalette([level for level in range(256) for _ in range(3)])
        elif kind == "rgb":
            image = image.convert("RGB")
        else:
            image = image.convert("RGBA" if kind == "alpha" else "LA")
            image.putalpha(draws.integer(120, 250))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
